"""Who may come in: the key, its scope, its rate.

FastAPI reads a body before it solves dependencies, so the gate stands in the route's own handler: an
unknown key or a spent limit is answered before one byte of the body is read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from deepcoder.config import RateLimitConfig
from deepcoder.errors import ConfigError
from deepcoder.serve.keys import ApiKey, KeyStore
from deepcoder.serve.metrics import Metrics
from deepcoder.serve.problem import ApiError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Gate:
    """Checks a request's key and counts it against the key's limit."""

    def __init__(self, keys: KeyStore, limit: RateLimitConfig, metrics: Metrics) -> None:
        self._keys = keys
        self._default = parse_rate(limit.requests)
        self._storage, self.aclose = open_storage(limit.storage)
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._metrics = metrics

    async def admit(self, request: Request, scope: str) -> ApiKey:
        """The request's key. Raises ApiError 401, 403, 415, 429 or 503, in this order."""
        key = self._authenticate(request)
        request.scope["notes"]["key"] = key.id
        if scope not in key.scopes:
            self._metrics.refusals.labels("scope").inc()
            raise ApiError(403, "scope", f"This key is not for {scope} requests.")
        if request.method == "POST" and not _is_json(request.headers.get("content-type", "")):
            raise ApiError(415, "not-json", "The body must be sent as application/json.")
        await self._count(request, key)
        return key

    async def check(self) -> None:
        """Raises StorageError or returns False's error where the counters cannot be reached."""
        if not await self._storage.check():
            raise StorageError(ConnectionError("rate limit storage does not answer"))

    def _authenticate(self, request: Request) -> ApiKey:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        key = self._keys.verify(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            self._metrics.refusals.labels("key").inc()
            raise ApiError(
                401, "unauthorized", "Send a valid API key: Authorization: Bearer KEY.",
                headers={"www-authenticate": "Bearer"},
            )  # fmt: skip
        return key

    async def _count(self, request: Request, key: ApiKey) -> None:
        rate = parse_rate(key.rate_limit) if key.rate_limit else self._default
        try:
            allowed = await self._limiter.hit(rate, key.id)
            window = await self._limiter.get_window_stats(rate, key.id)
        except StorageError:
            self._metrics.refusals.labels("storage").inc()
            raise ApiError(
                503, "rate-limit-unavailable", "Requests cannot be counted at the moment.", retry_after=1
            ) from None
        wait = max(0.0, window.reset_time - time.time())
        request.scope["response_headers"] |= rate_headers(rate, window.remaining, wait)
        if not allowed:
            self._metrics.refusals.labels("rate").inc()
            raise ApiError(429, "rate-limited", f"This key is limited to {rate}.", retry_after=wait)


def guarded(gate: Gate, scope: str) -> type[APIRoute]:
    """A route class whose handlers run only for keys of this scope."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handle(request: Request) -> Response:
                await gate.admit(request, scope)
                return await answer(request)

            return handle

    return GuardedRoute


def parse_rate(text: str) -> RateLimitItem:
    """A limit such as `60/minute` or `10 per 5 seconds`."""
    try:
        return parse(text)
    except ValueError:
        raise ConfigError(
            f"rate limit {text!r} cannot be read", hint="such as 60/minute, 10 per 5 seconds, 1000/day"
        ) from None


def open_storage(uri: str) -> tuple[Storage, Callable[[], Awaitable[None]]]:
    """The counters and how to close them: `memory://` (one process) or `redis://HOST:PORT` (shared by several)."""
    options: dict[str, Any] = {"wrap_exceptions": True}
    close = _nothing
    if uri.startswith(("redis://", "rediss://")):
        from redis.asyncio import ConnectionPool

        pool = ConnectionPool.from_url(uri, socket_timeout=1.0, socket_connect_timeout=1.0)
        options |= {"implementation": "redispy", "connection_pool": pool}
        close = pool.disconnect
    try:
        storage = storage_from_string(f"async+{uri}", **options)
    except ConfigurationError as error:
        raise ConfigError(f"serve.rate_limit.storage: {error}", hint="memory:// or redis://HOST:PORT") from None
    assert isinstance(storage, Storage)
    return storage, close


async def _nothing() -> None:
    pass


def rate_headers(rate: RateLimitItem, remaining: int, reset_s: float) -> dict[str, str]:
    """RateLimit-* (seconds until the reset) and the older X-RateLimit-* (reset as Unix time)."""
    left, seconds = str(max(0, remaining)), math.ceil(reset_s)
    return {
        "ratelimit-limit": str(rate.amount),
        "ratelimit-remaining": left,
        "ratelimit-reset": str(seconds),
        "x-ratelimit-limit": str(rate.amount),
        "x-ratelimit-remaining": left,
        "x-ratelimit-reset": str(math.ceil(time.time() + reset_s)),
    }


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
