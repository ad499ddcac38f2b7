"""Makes a worker: an interpreter with the usual modules loaded, isolated, that then serves (`zygote`).

Started by the host as `python -S -s -P -c ...` with an empty environment and one socket. The worker
gets fresh user, PID, mount, IPC, UTS and network namespaces and a read-only root, and a uid that is
not 0. It is process 1 of its PID namespace: when it dies, so does every box.
"""

# Names for the kernel; pathlib is not loaded in a worker.
# ruff: noqa: PTH112

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable

from . import filesystem, linux, zygote
from .identity import INSIDE_ID, OUTSIDE_ID

PRELOADED = """
    abc array ast atexit base64 bisect builtins calendar cmath codecs collections collections.abc contextlib copy csv
    ctypes dataclasses datetime decimal enum fcntl fractions functools gc hashlib heapq inspect io itertools json
    keyword linecache locale math numbers operator os pprint queue random re reprlib resource secrets signal statistics
    string struct sys tempfile textwrap threading time traceback types typing unicodedata warnings zlib
"""

WORKER_NAMESPACES = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
)


class BootError(Exception):
    """A step of making the worker's own isolation failed. `step` names it, `errno` may be 0."""

    def __init__(self, step: str, error: BaseException) -> None:
        super().__init__(f"{step}: {error}")
        self.step = step
        self.errno = getattr(error, "errno", None) or 0

    def tell(self, host: socket.socket) -> None:
        """The host's BootFailed."""
        host.send(json.dumps({"failed": self.step, "errno": self.errno, "message": str(self)}).encode())


def main(control: int, packages: dict[str, str]) -> None:
    """The launcher: clones the worker into its namespaces, writes its id maps, and lives as long as it."""
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    host = socket.socket(fileno=control)
    try:
        pid = _launch(host, packages)
    except BootError as error:
        error.tell(host)
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
            error.tell(host)
        finally:
            os._exit(3)
    try:
        _map_ids(pid)
    except OSError as error:
        os.kill(pid, signal.SIGKILL)
        raise BootError("id maps", error) from None
    os.write(go_write, b"x")
    for handle in (go_read, go_write, proc):
        os.close(handle)
    return pid


def _map_ids(pid: int) -> None:
    """As root two ids, so that the worker can take one that is not 0; otherwise the user's own."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        linux.write_file(f"/proc/{pid}/uid_map", f"0 0 1\n{INSIDE_ID} {OUTSIDE_ID} 1\n")
        linux.write_file(f"/proc/{pid}/gid_map", f"0 0 1\n{INSIDE_ID} {OUTSIDE_ID} 1\n")
        return
    linux.write_file(f"/proc/{pid}/uid_map", f"{INSIDE_ID} {uid} 1\n")
    linux.write_file(f"/proc/{pid}/setgroups", "deny")
    linux.write_file(f"/proc/{pid}/gid_map", f"{INSIDE_ID} {gid} 1\n")


def _become_worker(host: socket.socket, packages: dict[str, str], go: int, proc: int) -> None:
    if os.read(go, 1) != b"x":
        os._exit(3)
    os.close(go)
    try:
        filesystem.build(packages)
    except OSError as error:
        raise BootError("root filesystem", error) from None
    try:
        _drop_privileges()
    except OSError as error:
        raise BootError("dropping privileges", error) from None
    try:
        if packages:
            sys.path.append(filesystem.PACKAGES)
        preload(name for name in packages if name.isidentifier())
    except ImportError as error:
        raise BootError("loading modules from the isolated root", error) from None
    gc.disable()
    worker = zygote.Worker(host, proc)
    host.send(json.dumps({"ready": True}).encode())
    gc.collect()
    gc.freeze()  # the collector must not write to pages that boxes share
    worker.serve()


def _drop_privileges() -> None:
    """Takes the uid that is not 0, and keeps the one capability, over its own namespaces, that boxes need."""
    if os.getuid() == 0:
        linux.prctl(linux.PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
        os.setresuid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
    linux.keep_capabilities(1 << linux.CAP_SYS_ADMIN)
    # the change of uid has cleared both; without the first, its own /proc files are root's and no pidfd can be joined
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


def preload(packages: Iterable[str]) -> None:
    """Loads what programs use, from the paths that they will see; ImportError names a module that is missing there."""
    sys.path[:] = [path for path in sys.path if path and os.path.isdir(path)]
    for name in [*PRELOADED.split(), *packages]:
        importlib.import_module(name)
    furnish()


def furnish() -> None:
    """What a main program may count on and a bare interpreter lacks: exit, quit, help; its own path."""
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.dont_write_bytecode = True
    sys.executable = os.path.realpath(sys.executable)
