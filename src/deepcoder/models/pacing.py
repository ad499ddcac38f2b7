"""How fast a provider may be asked: as fast as it allows, and no faster.

Three things hold a request back, for each (provider, model) together:

- a window of requests in flight, additive increase and multiplicative decrease: it grows by one a
  window's worth of successes (before the first 429: by one a success), and shrinks by
  DECREASE once a burst of 429s (those of requests that were sent before the last decrease count as
  the same burst);
- a pause: after a 429 nothing is sent before its Retry-After has passed, however long that is;
- budgets of requests and tokens, read from the x-ratelimit-* headers of every answer. A budget is
  taken for a bucket that fills steadily: with limit L, r remaining and full again in s seconds,

      available(t) = min(L, r + (L - r) / s * t) - what was sent since

  where t and `since` count from the moment at which the answered request was sent. A provider that
  reads its bucket then is met exactly; one that reads it when it answers, in a steady state, too:
  what it has refilled in between and what was sent in between are both counted once too often.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deepcoder.models.clock import Clock, unbilled

DECREASE = 0.7
TICK_S = 1e-3  # shorter waits are rounding errors, not waits
_DURATION = re.compile(r"(?P<number>[\d.]+)(?P<unit>ms|d|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


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


@dataclass
class Budget:
    """A bucket of requests or tokens at the provider, as far as its headers tell."""

    limit: float = 0.0
    remaining: float = 0.0
    rate: float = 0.0  # refill a second
    at: float = 0.0
    sent: float = 0.0  # in all, since the beginning
    known: bool = False

    def update(self, limit: float, remaining: float, reset_s: float, at: float, sent: float) -> None:
        """The headers of an answer to a request that was sent at `at`, when `sent` had been sent in all."""
        self.limit, self.at, self.known = limit, at, True
        used = limit - remaining - 0.5  # headers round the rest down
        if used > 0 and reset_s > 0:
            self.rate = used / reset_s
        self.remaining = remaining - (self.sent - sent)

    def take(self, amount: float, now: float) -> float:
        """Count a request that is being sent; returns what has been sent in all."""
        self.sent += amount
        if self.known:
            self.remaining, self.at = self.available(now) - amount, now
        return self.sent

    def available(self, now: float) -> float:
        """What may be sent now."""
        return min(self.limit, self.remaining + self.rate * (now - self.at))

    def delay(self, amount: float, now: float) -> float:
        """Seconds until `amount` is available; a request larger than the whole bucket waits for a full one."""
        if not self.known:
            return 0.0
        missing = min(amount, self.limit) - self.available(now)
        if missing <= 0:
            return 0.0
        return missing / self.rate if self.rate > 0 else 1.0


@dataclass
class Ticket:
    """One request in flight. The marks are what had been sent in all when it was."""

    number: int
    tokens: float
    sent_at: float = 0.0
    request_mark: float = 0.0
    token_mark: float = 0.0


@dataclass
class Pacer:
    """Lets requests through. `ceiling`: the largest window; `window` is where it starts.

    `bursts` counts the bursts of 429s.
    """

    clock: Clock = field(default_factory=Clock)
    window: float = 4.0
    ceiling: float = 256.0
    requests: Budget = field(default_factory=Budget)
    tokens: Budget = field(default_factory=Budget)
    bursts: int = 0
    resume_at: float = float("-inf")
    tokens_each: float = 0.0  # moving average of the tokens of one request

    def __post_init__(self) -> None:
        self._sent = 0
        self._observed = 0  # the latest request whose headers were read
        self._taken = 0  # places given: requests in flight, and those about to be
        self._decreased_at = 0  # requests up to this number belong to the last burst
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Ticket]:
        """Wait for leave to send one request; it is in flight within the block.

        The wait does not count towards the caller's time budget.
        """
        with unbilled():
            ticket = await self._enter()
        try:
            with unbilled():
                while (delay := self.delay(ticket)) > TICK_S:
                    await self.clock.sleep(delay)
            now = self.clock.now()
            ticket.sent_at = now
            ticket.request_mark = self.requests.take(1, now)
            ticket.token_mark = self.tokens.take(ticket.tokens, now)
            yield ticket
        finally:
            self._leave()

    async def _enter(self) -> Ticket:
        """Take a place in the window, in the order of asking."""
        if self._taken < self._places() and not self._waiting:
            self._taken += 1
        else:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place in self._waiting:
                    self._waiting.remove(place)
                else:  # it had been given a place: pass it on
                    self._leave()
                raise
        self._sent += 1
        return Ticket(self._sent, self.tokens_each)

    def _leave(self) -> None:
        """Free a place; those that wait get what is free."""
        self._taken -= 1
        while self._waiting and self._taken < self._places():
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._taken += 1

    def _places(self) -> int:
        return max(1, int(self.window))

    def delay(self, ticket: Ticket) -> float:
        """Seconds that this request has to wait now."""
        now = self.clock.now()
        return max(self.resume_at - now, self.requests.delay(1, now), self.tokens.delay(ticket.tokens, now), 0.0)

    def succeeded(self, ticket: Ticket, tokens: int) -> None:
        """An answer came: the window grows, unless it was sent before the last decrease."""
        if ticket.number > self._decreased_at:
            step = 1 / max(1.0, self.window) if self.bursts else 1.0
            self.window = min(self.ceiling, self.window + step)
        if tokens > 0:
            self.tokens_each = tokens if self.tokens_each == 0 else 0.9 * self.tokens_each + 0.1 * tokens

    def refused(self, ticket: Ticket, retry_after: float) -> None:
        """A 429: nothing is sent for `retry_after` seconds; the window shrinks once a burst."""
        self.resume_at = max(self.resume_at, self.clock.now() + retry_after)
        if ticket.number > self._decreased_at:
            self._decreased_at = self._sent
            self.bursts += 1
            self.window = max(1.0, self.window * DECREASE)

    def observe(self, ticket: Ticket, headers: Mapping[str, str]) -> None:
        """Read the budgets from an answer's headers, where it has them."""
        if ticket.number < self._observed:
            return  # a later request has been answered: it knows more
        self._observed = ticket.number
        for budget, name, mark in (
            (self.requests, "requests", ticket.request_mark),
            (self.tokens, "tokens", ticket.token_mark),
        ):
            limit, remaining = (_number(headers.get(f"x-ratelimit-{kind}-{name}")) for kind in ("limit", "remaining"))
            reset = seconds_of(headers.get(f"x-ratelimit-reset-{name}", ""))
            if limit is not None and remaining is not None and reset is not None and limit > 0:
                budget.update(limit, remaining, reset, ticket.sent_at, mark)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
