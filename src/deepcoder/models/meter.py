"""What goes through a provider now: counted over the last minute, and told to whoever shows progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_S = 60.0


@dataclass(frozen=True)
class Pace:
    """The state of the requests to one (provider, model). Rates and limits are a minute; None: not known.

    `holding` says in words what holds requests back, empty where nothing does.
    """

    in_flight: int
    waiting: int
    window: int
    requests: float
    tokens: float
    requests_limit: float | None
    tokens_limit: float | None
    holding: str


class Meter:
    """Requests and tokens of the last minute; rates are scaled up while less than a minute was counted."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._start = now()
        self._events: deque[tuple[float, int]] = deque()

    def add(self, tokens: int) -> None:
        """Count an answer."""
        now = self._now()
        self._events.append((now, tokens))
        while self._events[0][0] < now - WINDOW_S:
            self._events.popleft()

    def rates(self) -> tuple[float, float]:
        """Answers and tokens a minute."""
        now = self._now()
        # list() is one step: a panel may ask from another thread while a request is counted.
        recent = [tokens for at, tokens in list(self._events) if at >= now - WINDOW_S]
        minutes = max(1.0, min(WINDOW_S, now - self._start)) / 60
        return len(recent) / minutes, sum(recent) / minutes
