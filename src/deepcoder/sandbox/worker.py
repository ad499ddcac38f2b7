"""The host's handle on what runs programs: a zygote that stays, or a new process for each run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from deepcoder.errors import DeepCoderError
from deepcoder.sandbox.inside.identity import OUTSIDE_ID
from deepcoder.sandbox.inside.request import Request

BOOT_S = 20.0
CLOSE_S = 2.0
DIED = {"failed": "start", "errno": 0, "message": "it died while starting"}
START = "import sys; sys.path.insert(0, {folder!r}); from inside import {module}; del sys.path[0]; {module}.{call}"
# Set for the interpreter itself; the program sees none of it. One malloc arena: each would claim address space.
ENVIRONMENT = {"PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class BootFailed(DeepCoderError):
    """A worker could not isolate itself. `step` names what failed, `errno` what the kernel said (0: nothing)."""

    def __init__(self, step: str, errno: int, message: str) -> None:
        super().__init__(message)
        self.step, self.errno = step, errno


def interpreter() -> str:
    """The real interpreter behind a venv's link, so that no pyvenv.cfg and no site-packages come along."""
    return os.path.realpath(sys.executable)


def command_line(module: str, call: str, folder: str = str(Path(__file__).parent)) -> list[str]:
    """The command that evaluates `inside.<module>.<call>` in a bare interpreter; `folder` has `inside`."""
    code = START.format(folder=folder, module=module, call=call)
    return [interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", code]


def environment() -> dict[str, str]:
    """ENVIRONMENT, and the library path where this interpreter needs one to start."""
    path = os.environ.get("LD_LIBRARY_PATH")
    return ENVIRONMENT | ({"LD_LIBRARY_PATH": path} if path else {})


class Worker(Protocol):
    """`alive` turns False when it is gone; `load` counts the runs it has now (the pool keeps it)."""

    alive: bool
    load: int

    async def submit(self, request: Request, descriptors: Sequence[int]) -> None:
        """Hands over one run; OSError where the worker is gone."""
        ...

    def kill(self) -> None:
        """Ends the worker with everything that runs in it, at once; `close` must follow."""
        ...

    async def close(self) -> None:
        """Ends the worker and waits until nothing of it is left."""
        ...


class ZygoteWorker:
    """A pre-started interpreter (inside.boot, inside.zygote)."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process, self.control = process, control
        self.load = 0
        self.alive = True

    @classmethod
    async def start(cls, packages: dict[str, str]) -> ZygoteWorker:
        """A worker that has said it is ready; BootFailed names the step that failed."""
        process, ours = _spawn_zygote(packages)
        ours.setblocking(False)
        worker = cls(process, ours)
        try:
            async with asyncio.timeout(BOOT_S):
                data = await asyncio.get_running_loop().sock_recv(ours, 4096)
        except TimeoutError:
            await worker.close()
            raise BootFailed("start", 0, f"no answer within {BOOT_S:.0f} s") from None
        except BaseException:
            await worker.close()
            raise
        message: dict[str, Any] = json.loads(data) if data else DIED
        if "failed" in message:
            await worker.close()
            raise BootFailed(message["failed"], message["errno"], message["message"])
        asyncio.get_running_loop().add_reader(ours, worker._on_message)
        return worker

    def _on_message(self) -> None:
        """A ready worker never speaks: whatever is readable is its end."""
        self.alive = False
        with contextlib.suppress(OSError):
            asyncio.get_running_loop().remove_reader(self.control)

    async def submit(self, request: Request, descriptors: Sequence[int]) -> None:
        """See Worker."""
        data = request.encode()
        while True:
            try:
                socket.send_fds(self.control, [data], list(descriptors))
                return
            except BlockingIOError:  # its queue is full: let it catch up
                await asyncio.sleep(0.001)
            except OSError:
                self.alive = False
                raise

    def kill(self) -> None:
        """See Worker. The zygote dies with its launcher, and as process 1 takes every box along."""
        self.alive = False
        self.process.kill()

    async def close(self) -> None:
        """See Worker. The zygote ends when its socket does, the launcher after it."""
        if self.control.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.control)
            self.control.close()
        self.alive = False
        await asyncio.to_thread(_wait, self.process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(CLOSE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _spawn_zygote(packages: dict[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process and our end of its socket. It gets no environment, no other descriptor, a session of its own."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            command_line("boot", f"main({theirs.fileno()}, {packages!r})"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return process, ours


class ColdWorker:
    """A process for each run: `prefix` (bwrap and its arguments, or nothing) before inside.cold."""

    def __init__(self, mode: str, prefix: Sequence[str] = (), folder: str = str(Path(__file__).parent)) -> None:
        self.mode, self.prefix, self.folder = mode, list(prefix), folder
        self.load = 0
        self.alive = True
        self.processes: dict[int, subprocess.Popen[bytes]] = {}  # by pidfd
        self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)

    async def submit(self, request: Request, descriptors: Sequence[int]) -> None:
        """See Worker."""
        call = f"main({self.mode!r}, {request.encode().decode()!r}, {list(descriptors)!r}, {self.proc})"
        process = self._spawn([*self.prefix, *command_line("cold", call, self.folder)], [*descriptors, self.proc])
        handle = os.pidfd_open(process.pid)
        self.processes[handle] = process
        asyncio.get_running_loop().add_reader(handle, self._reap, handle)

    def _reap(self, handle: int) -> None:
        """The process of one run has ended."""
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        self.processes.pop(handle).wait()

    @staticmethod
    def _spawn(command: list[str], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd="/",
            pass_fds=descriptors,
            start_new_session=True,
            **unprivileged(),
        )

    def kill(self) -> None:
        """See Worker. bwrap is asked to die with its parent, and process 1 takes every other along."""
        self.alive = False
        for process in self.processes.values():
            process.kill()

    async def close(self) -> None:
        """See Worker."""
        self.kill()
        for handle, process in list(self.processes.items()):
            await asyncio.to_thread(process.wait)
            if handle in self.processes:
                self._reap(handle)
        if self.proc >= 0:
            os.close(self.proc)
            self.proc = -1


def unprivileged() -> dict[str, Any]:
    """Arguments of Popen that make root's child nobody's."""
    if os.geteuid() != 0:
        return {}
    return {"user": OUTSIDE_ID, "group": OUTSIDE_ID, "extra_groups": []}
