"""Time for everything that waits: tests put in a clock of their own and never sleep."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """`now` in seconds from any start; `sleep` waits that many seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


_BUDGET: ContextVar[asyncio.Timeout | None] = ContextVar("deepcoder_time_budget", default=None)


@contextlib.contextmanager
def time_budget(timeout: asyncio.Timeout) -> Iterator[None]:
    """Within it, `unbilled` stretches `timeout`: a run is not charged for its provider's waiting times."""
    token = _BUDGET.set(timeout)
    try:
        yield
    finally:
        _BUDGET.reset(token)


@contextlib.contextmanager
def unbilled() -> Iterator[None]:
    """The time spent within does not count towards the caller's time budget, if there is one."""
    timeout = _BUDGET.get()
    when = timeout.when() if timeout is not None else None
    if timeout is None or when is None:  # no budget, or stopped already
        yield
        return
    loop = asyncio.get_running_loop()
    start = loop.time()
    timeout.reschedule(None)
    try:
        yield
    finally:
        timeout.reschedule(when + loop.time() - start)
