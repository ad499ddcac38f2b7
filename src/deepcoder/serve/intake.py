"""What surrounds every request: an id, security headers, one log line, the counters, and no traceback.

Plain ASGI, since a wrapper that buffers would break streams and hide disconnects. Paths are known by
their route (`/v1/agent`), never as they came: a path or a query can hold the user's text.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from http import HTTPMethod

import structlog
from opentelemetry.trace import Span
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepcoder.serve.logs import frames
from deepcoder.serve.metrics import Metrics
from deepcoder.serve.problem import ApiError, problem_response
from deepcoder.serve.tracing import Tracing, name_request

CLIENT_GONE = 499  # nginx's name for it; nothing is sent, the log and the counters need a status

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_log = structlog.get_logger("deepcoder.serve")


class ClientGone(ApiError):
    """The client closed its connection before the response was complete; there is no one to tell."""

    def __init__(self) -> None:
        super().__init__(CLIENT_GONE, "client-gone", "The client closed the connection.")


class Intake:
    """The outermost layer. `scope["request_id"]` and `scope["notes"]` (for the log line) are set here."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self.app = app
        self.metrics = metrics
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; other protocols (lifespan) pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope["request_id"] = request_id(headers.get("x-request-id"))
        scope["notes"] = {}
        scope["response_headers"] = {}
        with self.tracing.request(headers.get("traceparent"), scope["request_id"]) as span:
            await self._answer(scope, receive, send, span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        status, started = 0, time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = scope["request_id"]
                for name, value in {**SECURITY_HEADERS, **scope["response_headers"]}.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except asyncio.CancelledError:
            status = CLIENT_GONE
            raise
        except Exception as error:
            _log.error("crash", request_id=scope["request_id"], error=type(error).__qualname__, frames=frames(error))
            if not status:
                failure = ApiError(500, "internal", "The service failed. The request id helps its operator.")
                await problem_response(failure, scope)(scope, receive, send_with_headers)
            status = 500
        finally:
            self._account(scope, status, time.perf_counter() - started, span)

    def _account(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        route, method = route_of(scope), method_of(scope)
        if scope["notes"].pop("gone", False):
            status = CLIENT_GONE
        self.metrics.request(route, method, status, seconds)
        name_request(span, route, method, status, scope["notes"])
        _log.info(
            "request", request_id=scope["request_id"], method=method, route=route, status=status,
            ms=round(seconds * 1000, 1), **scope["notes"],
        )  # fmt: skip


def request_id(sent: str | None) -> str:
    """The client's id if it is a UUID (free text would reach the log), else a new one; 32 hex digits."""
    if sent is not None and _UUID.fullmatch(sent):
        return sent.replace("-", "").lower()
    return uuid.uuid4().hex


def route_of(scope: Scope) -> str:
    """The route's template; `unmatched` where no route answered."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


def method_of(scope: Scope) -> str:
    """The method, if it is one of HTTP's."""
    return scope["method"] if scope["method"] in set(HTTPMethod) else "other"
