"""A session: a sandboxed program that talks with the host in frames.

    async with box.session(code) as session:
        await session.send(b"...")              # deepcoder_channel.receive() inside
        answer = await session.receive()        # deepcoder_channel.send(...) inside

A frame is four bytes of length (big-endian) and that many bytes. What arrives is the program's word
and no more: it may forge any frame on its own channel. The wall clock runs only while the host
waits for the program (in send and receive) and not while the program waits for a core, so that a busy
machine ends no program; CPU time counts always.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from typing import TypeVar

from deepcoder.sandbox.execution import CHUNK, Execution
from deepcoder.sandbox.result import RunResult, SessionEnded, Status

MAX_FRAME_BYTES = 16 << 20
MOST_WAITING = 20.0  # of its wall time: so much waiting for a core is forgiven, in all
LEAST_WAITING_S = 0.05
T = TypeVar("T")


class Session:
    """The host's end. One task uses it; `result` is set once the program is over."""

    def __init__(self, execution: Execution) -> None:
        assert execution.channel is not None
        self._execution = execution
        self._channel = execution.channel
        self._left_s = execution.limits.wall_s
        self._forgiven_s = 0.0
        self._listeners = 0
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._received = bytearray()
        self._loop = execution.loop

    @property
    def result(self) -> RunResult | None:
        """How the program ended; None while it runs."""
        done = self._execution.done
        return done.result() if done.done() else None

    async def send(self, data: bytes) -> None:
        """Sends one frame; SessionEnded where the program is over."""
        if len(data) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame has at most {MAX_FRAME_BYTES} bytes, this one {len(data)}")
        try:
            await self._clocked(self._loop.sock_sendall(self._channel, len(data).to_bytes(4, "big") + data))
        except OSError:
            raise await self._ended() from None

    async def receive(self) -> bytes:
        """The program's next frame; SessionEnded where it ended, was cut short, or sent a frame beyond the limit."""
        size = int.from_bytes(await self._read(4), "big")
        if size > MAX_FRAME_BYTES:
            self._execution.stop(Status.OUTPUT_LIMIT)
            raise await self._ended()
        return await self._read(size)

    async def finish(self) -> RunResult:
        """Tells the program that nothing more comes (`receive()` gives None there) and waits for its end."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(1)
        return (await self._ended()).result

    async def _read(self, size: int) -> bytes:
        while len(self._received) < size:
            try:
                part = await self._some()
            except OSError:  # reset: it died with our frames unread
                part = b""
            if not part:
                raise await self._ended()
            self._received += part
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    async def _some(self) -> bytes:
        try:
            return self._channel.recv(CHUNK)
        except BlockingIOError:
            return await self._clocked(self._loop.sock_recv(self._channel, CHUNK))

    async def _clocked(self, waiting: Awaitable[T]) -> T:
        """Awaits the program on its wall clock; when that is up, the box is killed and its socket closes."""
        self._listeners += 1
        if self._listeners == 1:
            self._since = time.monotonic()
            self._set_timer()
        try:
            return await waiting
        finally:
            self._listeners -= 1
            if not self._listeners and self._timer is not None:
                self._timer.cancel()
                self._timer = None
                self._left_s -= time.monotonic() - self._since

    def _set_timer(self) -> None:
        left_s = self._left_s - (time.monotonic() - self._since)
        self._timer = self._loop.call_later(max(0.0, left_s), self._execution.ask_waited, self._overdue)

    def _overdue(self, waited_s: float) -> None:
        """The clock is up: it goes on for as long as the program has waited for a core, or the box is killed."""
        more_s = min(waited_s, MOST_WAITING * self._execution.limits.wall_s) - self._forgiven_s
        if more_s >= LEAST_WAITING_S:
            self._forgiven_s += more_s
            self._left_s += more_s
            if self._listeners:
                self._set_timer()
        elif self._listeners:
            self._execution.stop(str(Status.TIMEOUT))

    async def _ended(self) -> SessionEnded:
        return SessionEnded(await self._clocked(asyncio.shield(self._execution.done)))
