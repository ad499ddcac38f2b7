"""The bounded queue before the agent: so many runs at a time, so many waiting, and a clear 503 beyond.

An unbounded queue only moves the failure: every client would wait until its own timeout, and the
service would then work for clients that are gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deepcoder.config import ServeConfig
from deepcoder.serve.metrics import Metrics
from deepcoder.serve.problem import ApiError


class Admission:
    """Slots for agent runs, handed out in order of arrival."""

    def __init__(self, config: ServeConfig, metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._slots = asyncio.Semaphore(config.max_concurrency)
        self._waiting = 0
        self._run_s = 1.0  # running mean of what a run takes, for Retry-After
        self.draining = False

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Holds a slot for the block; yields the seconds waited. Raises ApiError 503 where there is no room."""
        self._refuse_if_draining()
        if self._slots.locked() and self._waiting >= self._config.max_queue:
            raise self._full("queue")
        asked = time.perf_counter()
        await self._wait()
        started = time.perf_counter()
        self._metrics.running.inc()
        try:
            self._refuse_if_draining()
            yield started - asked
        finally:
            self._metrics.running.dec()
            self._slots.release()
            self._run_s += 0.2 * (time.perf_counter() - started - self._run_s)

    async def _wait(self) -> None:
        self._waiting += 1
        self._metrics.waiting.inc()
        try:
            async with asyncio.timeout(self._config.queue_timeout_s):
                await self._slots.acquire()
        except TimeoutError:
            raise self._full("queue_timeout") from None
        finally:
            self._waiting -= 1
            self._metrics.waiting.dec()

    def _refuse_if_draining(self) -> None:
        if self.draining:
            self._metrics.refusals.labels("draining").inc()
            raise ApiError(
                503, "draining", "The service is shutting down.", retry_after=5, headers={"connection": "close"}
            )

    def _full(self, reason: str) -> ApiError:
        self._metrics.refusals.labels(reason).inc()
        ahead = (self._waiting + 1) / self._config.max_concurrency
        return ApiError(503, "overloaded", "All agents are busy.", retry_after=min(60.0, max(1.0, self._run_s * ahead)))
