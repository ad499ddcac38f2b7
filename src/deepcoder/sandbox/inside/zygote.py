"""The worker: an interpreter with the usual modules loaded that clones one box for every request.

Started by the host as `python -S -s -P -c ...` with an empty environment and one socket. It makes
fresh user, PID, mount, IPC, UTS and network namespaces and a read-only root for itself, drops its
uid where that is 0 and every capability, and then serves requests: a message of limits with the
descriptors of one run. It never reads a program or a result: code goes from the host to the box
through a descriptor that the worker only hands on, so nothing of one run is ever in the memory
that the next one is cloned from.
"""

# Names for the kernel, often relative to a descriptor; pathlib is not loaded in a worker.
# ruff: noqa: PTH112

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys

from . import filesystem, keeper, linux, program, seccomp
from .request import HANDLES, Request

INSIDE_ID = 1000  # what a program sees as its uid and gid
OUTSIDE_ID = 61_771  # what it is on the host where the host runs as root: nobody's

PRELOADED = """
    abc ast atexit base64 bisect builtins calendar cmath codecs collections collections.abc contextlib copy csv
    dataclasses datetime decimal enum fcntl fractions functools gc hashlib heapq inspect io itertools json keyword
    linecache locale math numbers operator os pprint queue random re reprlib resource secrets signal statistics
    string struct sys tempfile textwrap threading time traceback types typing unicodedata warnings zlib array ctypes
"""

WORKER_NAMESPACES = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
)
BOX_NAMESPACES = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS


class BootError(Exception):
    """A step of making the worker's own isolation failed. `step` names it, `errno` may be 0."""

    def __init__(self, step: str, error: BaseException) -> None:
        super().__init__(f"{step}: {error}")
        self.step = step
        self.errno = getattr(error, "errno", None) or 0


def main(control: int, packages: dict[str, str]) -> None:
    """The launcher: clones the worker into its namespaces, writes its id maps, and lives as long as it."""
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    host = socket.socket(fileno=control)
    try:
        pid = _launch(host, packages)
    except BootError as error:
        host.send(json.dumps({"failed": error.step, "errno": error.errno, "message": str(error)}).encode())
        os._exit(3)
    host.close()
    os.waitpid(pid, 0)
    os._exit(0)


def _launch(host: socket.socket, packages: dict[str, str]) -> int:
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    go_read, go_write = os.pipe()
    try:
        pid = linux.clone(WORKER_NAMESPACES)
    except OSError as error:
        raise BootError("namespaces", error) from None
    if pid == 0:
        os.close(go_write)
        try:
            _become_worker(host, packages, go_read, proc)
        except BootError as error:
            host.send(json.dumps({"failed": error.step, "errno": error.errno, "message": str(error)}).encode())
        finally:
            os._exit(3)
    try:
        _map_ids(pid)
    except OSError as error:
        os.kill(pid, signal.SIGKILL)
        raise BootError("id maps", error) from None
    os.write(go_write, b"x")
    os.close(go_write)
    os.close(go_read)
    os.close(proc)
    return pid


def _map_ids(pid: int) -> None:
    """As root two ids, so that the worker can take one that is not 0; otherwise the user's own."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        _write(f"/proc/{pid}/uid_map", f"0 0 1\n{INSIDE_ID} {OUTSIDE_ID} 1\n")
        _write(f"/proc/{pid}/gid_map", f"0 0 1\n{INSIDE_ID} {OUTSIDE_ID} 1\n")
        return
    _write(f"/proc/{pid}/uid_map", f"{INSIDE_ID} {uid} 1\n")
    _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/gid_map", f"{INSIDE_ID} {gid} 1\n")


def _write(path: str, text: str, directory: int | None = None) -> None:
    handle = os.open(path, os.O_WRONLY, dir_fd=directory)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _become_worker(host: socket.socket, packages: dict[str, str], go: int, proc: int) -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.read(go, 1) != b"x":
        os._exit(3)
    os.close(go)
    try:
        filesystem.build(packages)
    except OSError as error:
        raise BootError("root filesystem", error) from None
    try:
        _drop_root()
    except OSError as error:
        raise BootError("dropping uid 0", error) from None
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # lost with the uid; a box must be able to write its own id maps
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # lost with the uid, too
    try:
        _preload(packages)
    except ImportError as error:
        raise BootError("loading modules from the isolated root", error) from None
    worker = Worker(host, proc)
    host.send(json.dumps({"ready": True}).encode())
    worker.serve()


def _drop_root() -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
        os.setresuid(INSIDE_ID, INSIDE_ID, INSIDE_ID)


def _preload(packages: dict[str, str]) -> None:
    sys.path[:] = [path for path in sys.path if path and os.path.isdir(path)]
    if packages:
        sys.path.append(filesystem.PACKAGES)
    for name in [*PRELOADED.split(), *(name for name in packages if name.isidentifier())]:
        importlib.import_module(name)
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.dont_write_bytecode = True
    sys.executable = os.path.realpath(sys.executable)


class Worker:
    """Serves requests until the host's end of the socket closes."""

    def __init__(self, host: socket.socket, proc: int) -> None:
        self.host, self.proc = host, proc
        self.filter = seccomp.build()
        self.baseline = resource.getpagesize() * int(_read("self/statm", proc).split()[0])

    def serve(self) -> None:
        """One message a run: a Request with its descriptors."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # boxes that have ended are reaped by the kernel
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for name in [name for name in sys.modules if name.partition(".")[0] == "inside"]:
            del sys.modules[name]
        gc.disable()
        gc.collect()
        gc.freeze()
        while True:
            line, descriptors, _, _ = socket.recv_fds(self.host, 4096, len(HANDLES))
            if not line:
                os._exit(0)
            try:
                pid = linux.clone(BOX_NAMESPACES)
            except OSError as error:
                with socket.socket(fileno=os.dup(descriptors[0])) as report:
                    keeper.report_failure(report, error)
            else:
                if pid == 0:
                    self._become_keeper(line, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)

    def _become_keeper(self, line: bytes, descriptors: list[int]) -> None:
        """Process 1 of the box: one more fork, then only watching; never returns."""
        report = socket.socket(fileno=descriptors[0])
        try:
            self.host.close()
            request = Request.decode(line)
            for number in (signal.SIGINT, signal.SIGCHLD):  # no handlers: the kernel drops signals from inside
                signal.signal(number, signal.SIG_DFL)
            pid = os.fork()
            if pid == 0:
                self._become_program(request, report, dict(zip(HANDLES[1:], descriptors[1:], strict=False)))
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            usage = keeper.Usage(self.proc, os.readlink("self", dir_fd=self.proc))
            linux.prctl(linux.PR_SET_DUMPABLE, 0)
            self._lock_down()
            keeper.report(report, keeper.Watch(pid, request, self.baseline, report, usage).run())
        except BaseException as error:
            keeper.report_failure(report, error)
        finally:
            os._exit(3)

    def _become_program(self, request: Request, report: socket.socket, handles: dict[str, int]) -> None:
        """The box's own maps, /tmp and name; then no capability and only the filter's calls; never returns."""
        try:
            for path, text in (
                ("self/uid_map", f"{INSIDE_ID} {INSIDE_ID} 1\n"),
                ("self/setgroups", "deny"),
                ("self/gid_map", f"{INSIDE_ID} {INSIDE_ID} 1\n"),
            ):
                _write(path, text, self.proc)
            options = f"size={request.disk_mb}m,nr_inodes={request.inodes},mode=0700,uid={INSIDE_ID},gid={INSIDE_ID}"
            linux.mount("none", "/tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
            linux.call("sethostname", b"sandbox", 7)
            self._lock_down()
            program.confine(request, handles, self.baseline)
        except BaseException as error:
            keeper.report_failure(report, error)
            os._exit(3)
        program.run("channel" in handles)

    def _lock_down(self) -> None:
        linux.drop_capabilities()
        linux.install_seccomp(self.filter)


def _read(path: str, directory: int) -> str:
    handle = os.open(path, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(handle, 4096).decode()
    finally:
        os.close(handle)
