"""Clocks for tests."""

from __future__ import annotations

import asyncio
import time

from deepcoder.models.clock import Clock


class JumpClock:
    """Sleeping moves the time at once. `slept` lists every sleep."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(0.0, seconds)
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)


def fast_clock(speed: float) -> Clock:
    """Real time, `speed` times as fast: for tests in which a server and many tasks share it."""
    start = time.monotonic()
    return Clock(
        now=lambda: (time.monotonic() - start) * speed,
        sleep=lambda seconds: asyncio.sleep(seconds / speed),
    )
