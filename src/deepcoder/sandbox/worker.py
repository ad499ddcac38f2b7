"""The host's handle on one worker process: start it, hand it runs, notice its death."""

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
from typing import Any

from deepcoder.errors import DeepCoderError
from deepcoder.sandbox.inside.request import Request

BOOT_S = 20.0
DIED = {"failed": "start", "errno": 0, "message": "it died while starting"}
START = (
    "import sys; sys.path.insert(0, {folder!r}); from inside import {module}; del sys.path[0]; "
    "{module}.main({arguments})"
)
# Set for the interpreter itself; the program sees none of it. One malloc arena: each would claim address space.
ENVIRONMENT = {"PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class BootFailed(DeepCoderError):
    """A worker could not isolate itself. `step` names what failed, `errno` what the kernel said (0: nothing)."""

    def __init__(self, step: str, errno: int, message: str) -> None:
        super().__init__(f"sandbox worker: {message}")
        self.step, self.errno = step, errno


def interpreter() -> str:
    """The real interpreter behind a venv's link, so that no pyvenv.cfg and no site-packages come along."""
    return os.path.realpath(sys.executable)


def command_line(module: str, *arguments: object) -> list[str]:
    """The command that runs `inside.<module>.main(*arguments)` in a bare interpreter."""
    code = START.format(folder=str(Path(__file__).parent), module=module, arguments=", ".join(map(repr, arguments)))
    return [interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", code]


def environment() -> dict[str, str]:
    """ENVIRONMENT, and the library path where this interpreter needs one to start."""
    path = os.environ.get("LD_LIBRARY_PATH")
    return ENVIRONMENT | ({"LD_LIBRARY_PATH": path} if path else {})


class Worker:
    """One zygote. `alive` turns False when its socket closes; `load` counts the runs it has now."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process, self.control = process, control
        self.load = 0
        self.alive = True

    @classmethod
    async def start(cls, module: str, packages: dict[str, str]) -> Worker:
        """A worker that has said it is ready; BootFailed names the step that failed."""
        process, ours = _spawn(module, packages)
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
        """Hands over one run; OSError where the worker is gone."""
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
        """Ends the worker with everything that runs in it; `close` must follow."""
        self.alive = False
        self.process.kill()

    async def close(self) -> None:
        """Ends the worker and everything that runs in it."""
        loop = asyncio.get_running_loop()
        if self.control.fileno() >= 0:
            loop.remove_reader(self.control)
            self.control.close()
        self.alive = False
        self.process.kill()
        await asyncio.to_thread(self.process.wait)


def _spawn(module: str, packages: dict[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process and our end of its socket. It gets no environment, no other descriptor, a session of its own."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            command_line(module, theirs.fileno(), packages),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return process, ours
