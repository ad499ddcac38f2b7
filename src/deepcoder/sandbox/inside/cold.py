"""The tiers without a worker: one interpreter a run, which keeps the box that it starts.

`bubblewrap`: bwrap has made the namespaces and this is process 1 in them. `landlock`: there are no
namespaces; the program is one process of the same user, held by Landlock, seccomp and rlimits.
"""

# Names for the kernel; pathlib is not loaded here.
# ruff: noqa: PTH115

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket

from . import boot, filesystem, keeper, landlock, linux, program, seccomp
from .request import HANDLES, Request

TICK_MS = 20


def main(mode: str, line: str, descriptors: list[int], proc: int) -> None:
    """Runs one program and reports; never returns."""
    report = socket.socket(fileno=descriptors[0])
    handles = dict(zip(HANDLES[1:], descriptors[1:], strict=False))
    alone = mode == "landlock"
    try:
        request = Request.decode(line.encode())
        if alone:
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        boot.furnish()
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 without handlers: the kernel drops signals from inside
        baseline = program.address_space(proc)
        pid = os.fork()
        if pid == 0:
            _become_program(request, report, handles, baseline, alone)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)  # the program is of the same user
        for handle in handles.values():
            os.close(handle)

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):  # -1: process 1 may be alone already
                os.kill(pid if alone else -1, signal.SIGKILL)

        _watch(keeper.Box(request, report, pid, kill, baseline), proc)
    except OSError as error:
        keeper.report_failure(report, error)
    os._exit(0)


def _become_program(
    request: Request, report: socket.socket, handles: dict[str, int], baseline: int, alone: bool
) -> None:
    try:
        linux.keep_capabilities(0)
        if alone:
            landlock.restrict(filesystem.visible_paths())
        linux.install_seccomp(seccomp.build(single_process=os.getpid() if alone else None))
        program.confine(request, handles, baseline, own_user=not alone)
    except BaseException as error:
        keeper.report_failure(report, error)
        os._exit(3)
    program.run("channel" in handles, "/" if alone else "/tmp")


def _watch(box: keeper.Box, proc: int) -> None:
    """Until every process of the box is dead."""
    own = os.pidfd_open(os.getpid())
    processes = keeper.Processes(proc, box.handle, own)
    poll = select.poll()
    poll.register(box.handle, select.POLLIN)
    poll.register(box.host.fileno(), select.POLLIN)
    while box.status is None:
        for handle, _ in poll.poll(TICK_MS):
            if handle == box.handle:
                box.on_program_end()
                break
            if box.on_host(processes):
                poll.unregister(handle)
        else:
            box.check(processes)
    adopted_cpu_s = 0.0
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        adopted_cpu_s += used.ru_utime + used.ru_stime
    box.finish(adopted_cpu_s)


def paths(handle: int) -> None:
    """Writes what the interpreter needs of the host's files, for bwrap's command line."""
    shown = filesystem.visible_paths()
    links = {path: os.readlink(path) for path in shown if filesystem.is_link(path)}
    found = {"paths": shown, "links": links, "hidden": filesystem.hidden_paths(shown)}
    os.write(handle, json.dumps(found).encode())
