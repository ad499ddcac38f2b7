"""Time for everything that waits (tests put in a clock of their own and never sleep), and how it is written."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """`now` in seconds from any start; `sleep` waits that many seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


_DURATION = re.compile(r"(?P<number>[\d.]+)(?P<unit>ms|d|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
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


def seconds_of(text: str) -> float | None:
    """`1m30.5s`, `120ms`, `2.5` -> seconds; None for anything else."""
    try:
        return float(text)
    except ValueError:
        pass
    parts = list(_DURATION.finditer(text.strip()))
    if not parts or "".join(part[0] for part in parts) != text.strip():
        return None
    try:
        return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)
    except ValueError:
        return None


def duration(seconds: float) -> str:
    """For people: `43 s`, `12 min`, `5 h 12 min`, `2 d 3 h`."""
    if seconds == float("inf"):
        return "for ever"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h"
