"""The limit on request bodies: counted while they are read, so that a chunked one is stopped too.

A refused body is read on for a moment and thrown away: a server that closes while the client still sends
makes the client's TCP drop the 413 unseen.
"""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepcoder.serve.intake import ClientGone
from deepcoder.serve.problem import ApiError

LINGER_S = 2.0
LINGER_BYTES = 64 * 1024 * 1024


class BodyLimit:
    """Raises ApiError 413 over `max_bytes` and 408 for a body that takes longer than `timeout_s`."""

    def __init__(self, app: ASGIApp, max_bytes: int, timeout_s: float) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the app a `receive` that counts; what comes after the body (a disconnect) is not timed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = int(length) if (length := headers.get("content-length", "")).isdecimal() else 0
        deadline = time.monotonic() + self.timeout_s
        seen, complete = 0, False

        async def counted() -> Message:
            nonlocal seen, complete
            if complete:
                return await receive()
            if declared > self.max_bytes:
                if headers.get("expect", "").lower() != "100-continue":
                    await _discard(receive)
                raise self._too_large()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise ApiError(
                    408, "slow-body", "The request body did not arrive in time.", headers={"connection": "close"}
                ) from None
            if message["type"] == "http.disconnect":
                raise ClientGone
            seen += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if seen > self.max_bytes:
                if not complete:
                    await _discard(receive)
                raise self._too_large()
            return message

        await self.app(scope, counted, send)

    def _too_large(self) -> ApiError:
        detail = f"The request body is larger than {self.max_bytes} bytes."
        return ApiError(413, "body-too-large", detail, headers={"connection": "close"})


async def _discard(receive: Receive) -> None:
    """Read and drop the rest of a body, up to LINGER_S and LINGER_BYTES."""
    dropped = 0
    try:
        async with asyncio.timeout(LINGER_S):
            while dropped < LINGER_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
