"""Work that lives as long as its client's connection, and streams of server-sent events.

A plain handler goes on after its client has left; here the disconnect cancels the work, which cancels the
model's request and kills the program in the sandbox, and the response ends only when that is done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deepcoder.serve.intake import ClientGone
from deepcoder.serve.problem import ApiError

WRITE_TIMEOUT_S = 30.0

_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}

T = TypeVar("T")
Emit = Callable[[bytes], None]


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; a disconnect cancels it, waits for its end and raises ClientGone.

    The request's body must have been read: what `receive` says next is the disconnect.
    """
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        await _end(task, watcher)


def sse(data: Any, event: str | None = None) -> bytes:
    """One server-sent event. `data` is JSON on one line, so that no text can end the event early.

    JSON escapes line feeds; the line ends of Unicode, at which some clients split too, are escaped here.
    """
    head = f"event: {event}\n" if event else ""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}data: {text.translate(_LINE_ENDS)}\n\n".encode()


class EventStream(Response):
    """A stream that `produce(emit)` writes.

    Headers go out with the first piece, so that a refusal before it (the queue is full) is an ordinary
    problem response. A failure after it is told by `failed(error)` as the stream's last piece. `produce`
    never waits for a slow reader: the pieces of one run are few, and its slot should be free for others.
    """

    media_type = "text/event-stream"

    def __init__(
        self, produce: Callable[[Emit], Awaitable[None]], *, failed: Callable[[ApiError], bytes], heartbeat_s: float
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"  # nginx would hold the events back
        self._produce, self._failed, self._heartbeat_s = produce, failed, heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; ends early, with `produce` cancelled, when the client goes."""
        try:
            await while_connected(receive, self._deliver(scope, send))
        except ClientGone:
            if not scope.get("streaming"):
                raise
            scope["notes"]["gone"] = True  # its 200 is out: only the log can say that it was not the end

    async def _deliver(self, scope: Scope, send: Send) -> None:
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        work = asyncio.ensure_future(self._work(pieces))
        try:
            piece = await pieces.get()
            if piece is None:
                await work  # raises what went wrong before the first piece
            scope["streaming"] = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece is not None:
                await _write(send, piece, more=True)
                piece = await self._next(pieces)
            await _write(send, b"", more=False)
            await work
        finally:
            await _end(work)

    async def _work(self, pieces: asyncio.Queue[bytes | None]) -> None:
        emitted = False

        def emit(piece: bytes) -> None:
            nonlocal emitted
            emitted = True
            pieces.put_nowait(piece)

        try:
            await self._produce(emit)
        except ApiError as error:
            if not emitted:
                raise
            emit(self._failed(error))
        except Exception:
            if emitted:
                emit(self._failed(ApiError(500, "internal", "The service failed.")))
            raise  # the log names the place
        finally:
            pieces.put_nowait(None)

    async def _next(self, pieces: asyncio.Queue[bytes | None]) -> bytes | None:
        """The next piece, with those that wait behind it; a comment when nothing came for a while."""
        try:
            async with asyncio.timeout(self._heartbeat_s):
                piece = await pieces.get()
        except TimeoutError:
            return b": still working\n\n"
        if piece is None:
            return None
        parts = [piece]
        while not pieces.empty():
            following = pieces.get_nowait()
            if following is None:
                pieces.put_nowait(None)
                break
            parts.append(following)
        return b"".join(parts)


async def _write(send: Send, piece: bytes, *, more: bool) -> None:
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await send({"type": "http.response.body", "body": piece, "more_body": more})
    except (TimeoutError, OSError):
        raise ClientGone from None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until their clean-up is done."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
