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


class TokenGuess:
    """What a request will take of a token budget, before it is sent:

        tokens = (tokens a character * characters of its messages + tokens of an answer) * margin

    The two figures are moving averages over the answers so far; 1/4 and 0 before the first. A provider may
    charge more than its usage says (some reserve tokens for the answer): each refusal widens the margin.
    """

    def __init__(self) -> None:
        self._a_character, self._answer, self._margin = 0.25, 0.0, 1.0
        self.typical = 0.0  # of all answers, whatever their size

    def of(self, characters: float) -> float:
        """The guess for a request with so many characters; a typical one where that is not known."""
        return (self._a_character * characters + self._answer if characters else self.typical) * self._margin

    def refused(self) -> None:
        """A request was refused that the budget should have held."""
        self._margin = min(2.0, self._margin * 1.1)

    def learn(self, characters: float, input_tokens: int, output_tokens: int) -> None:
        """The usage that an answer reports; cached tokens are not among its input tokens."""
        known = self.typical > 0
        self._margin = max(1.0, self._margin * 0.999)
        self.typical = _towards(self.typical, input_tokens + output_tokens, known)
        self._answer = _towards(self._answer, output_tokens, known)
        if characters:
            self._a_character = _towards(self._a_character, input_tokens / characters, known)


def _towards(average: float, value: float, known: bool) -> float:
    return 0.9 * average + 0.1 * value if known else value


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
