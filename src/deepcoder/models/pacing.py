"""How fast a provider may be asked: as fast as it allows, and no faster.

Four things hold a request back, for each (provider, model) together:

- a window of requests in flight, additive increase and multiplicative decrease: it grows by one a
  window's worth of successes (before the first 429: by one a success), and shrinks by
  DECREASE once a burst of 429s (those of requests that were sent before the last decrease count as
  the same burst);
- a pause: after a 429 nothing is sent before its Retry-After has passed, however long that is;
- budgets that the config states, a minute: they hold where no header tells (Groq's speak of requests
  a day and tokens a minute, never of requests a minute);
- budgets of requests and tokens, read from the x-ratelimit-* headers of every answer. A budget is
  taken for a bucket that fills steadily: with limit L, r remaining and full again in s seconds,

      available(t) = min(L, r + (L - r) / s * t) - what was sent since

  where t and `since` count from the moment at which the answered request was sent. A provider that
  reads its bucket then is met exactly; one that reads it when it answers, in a steady state, too:
  what it has refilled in between and what was sent in between are both counted once too often.

A wait of more than `max_wait_s` (a daily quota) is not waited: QuotaExhausted.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deepcoder.errors import QuotaExhausted
from deepcoder.models.clock import Clock, duration, seconds_of, unbilled
from deepcoder.models.limits import number_of
from deepcoder.models.meter import Meter, Pace, TokenGuess

DECREASE = 0.7
TICK_S = 1e-3  # shorter waits are rounding errors, not waits
SHARE_AT_ONCE = 1 / 12  # of a stated minute's budget: what may be sent before the steady pace holds
TELL_S = 60.0  # pauses from here on are told


@dataclass
class Budget:
    """A bucket of requests or tokens at the provider, as far as its headers tell."""

    limit: float = 0.0
    remaining: float = 0.0
    rate: float = 0.0  # refill a second
    at: float = 0.0
    sent: float = 0.0  # in all, since the beginning
    known: bool = False

    @classmethod
    def stated(cls, per_minute: float | None, now: float) -> Budget:
        """A budget that the config states; None: none. A small bucket: providers count in sliding minutes."""
        if per_minute is None:
            return cls()
        size = max(1.0, per_minute * SHARE_AT_ONCE)
        return cls(limit=size, remaining=size, rate=per_minute / 60, at=now, known=True)

    def update(
        self, limit: float, remaining: float, reset_s: float, at: float, sent: float, *, share: float = 1.0
    ) -> None:
        """The headers of an answer to a request that was sent at `at`, when `sent` had been sent in all.

        `share`: the part of the bucket that is ours, where several draw from it.
        """
        self.limit, self.at, self.known = limit * share, at, True
        used = limit - remaining - 0.5  # headers round the rest down
        if used > 0 and reset_s > 0:
            self.rate = used / reset_s * share
        self.remaining = remaining * share - (self.sent - sent)

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

    def settle(self, difference: float) -> None:
        """A request took so much more than was taken for it."""
        self.remaining -= difference

    @property
    def per_minute(self) -> float | None:
        """What the refill allows a minute, where it is known."""
        return self.rate * 60 if self.known and self.rate > 0 else None


@dataclass
class Ticket:
    """One request in flight. The marks are what had been sent in all when it was."""

    number: int
    characters: float
    tokens: float
    sent_at: float = 0.0
    request_mark: float = 0.0
    token_mark: float = 0.0


@dataclass
class Pacer:
    """Lets requests through. `ceiling`: the largest window; `window` is where it starts.

    `requests_per_minute`, `tokens_per_minute`: limits that the user states. `bursts` counts the bursts
    of 429s. `say` hears of pauses of a minute and more. `section`: of the config, for hints. `share`: the part
    of all these limits, stated and told by headers, that is this process's where several share a provider.
    """

    clock: Clock = field(default_factory=Clock)
    window: float = 4.0
    ceiling: float = 256.0
    max_wait_s: float = float("inf")
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    say: Callable[[str], None] = lambda text: None
    section: str = "teacher"
    share: float = 1.0
    requests: Budget = field(default_factory=Budget)
    tokens: Budget = field(default_factory=Budget)
    bursts: int = 0
    resume_at: float = float("-inf")

    def __post_init__(self) -> None:
        now = self.clock.now()
        self.stated_requests = Budget.stated(_part(self.requests_per_minute, self.share), now)
        self.stated_tokens = Budget.stated(_part(self.tokens_per_minute, self.share), now)
        self.meter = Meter(self.clock.now)
        self.guess = TokenGuess()
        self._refusal = ""  # what the last 429 said
        self._sent = 0
        self._in_flight = 0
        self._observed = 0  # the latest request whose headers were read
        self._taken = 0  # places given: requests in flight, and those about to be
        self._decreased_at = 0  # requests up to this number belong to the last burst
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self, characters: float = 0) -> AsyncIterator[Ticket]:
        """Wait for leave to send one request of so many characters; it is in flight within the block.

        The wait does not count towards the caller's time budget. Raises QuotaExhausted.
        """
        with unbilled():
            await self._enter()
        self._sent += 1
        ticket = Ticket(self._sent, characters, self.guess.of(characters))
        try:
            with unbilled():
                while (delay := self.delay(ticket)) > TICK_S:
                    self._check(delay)
                    await self.clock.sleep(delay)
            self._send(ticket)
            try:
                yield ticket
            finally:
                self._in_flight -= 1
        finally:
            self._leave()

    def _send(self, ticket: Ticket) -> None:
        now = self.clock.now()
        ticket.sent_at = now
        ticket.request_mark = self.requests.take(1, now)
        ticket.token_mark = self.tokens.take(ticket.tokens, now)
        self.stated_requests.take(1, now)
        self.stated_tokens.take(ticket.tokens, now)
        self._in_flight += 1

    def _check(self, delay: float) -> None:
        used_up = delay == float("inf")
        if used_up or delay > self.max_wait_s:
            raise QuotaExhausted(
                f"{self._refusal or 'the budget of its headers is used up'} "
                f"({'the quota is used up' if used_up else f'it asks to wait {duration(delay)}'})",
                retry_after=delay,
                hint="what is stored stays; "
                + ("add credit with the provider, then run the same command again" if used_up else
                   "run the same command again when the quota is back, or have it waited out: "
                   f"{self.section}.max_wait_s={math.ceil(delay / 3600) * 3600}"),
            )  # fmt: skip

    async def _enter(self) -> None:
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
        return max(0.0, *(seconds for seconds, _ in self._delays(ticket.tokens)))

    def _delays(self, tokens: float) -> list[tuple[float, str]]:
        """What each of the brakes asks for, and its name."""
        now = self.clock.now()
        return [
            (self.resume_at - now, "the provider's Retry-After"),
            (self.requests.delay(1, now), "its limit of requests"),
            (self.tokens.delay(tokens, now), "its limit of tokens"),
            (self.stated_requests.delay(1, now), "teacher.requests_per_minute"),
            (self.stated_tokens.delay(tokens, now), "teacher.tokens_per_minute"),
        ]

    def pace(self) -> Pace:
        """What goes through now, and what holds it back."""
        seconds, what = max(self._delays(self.guess.typical))
        requests, tokens = self.meter.rates()
        holding = f"{what}: {duration(seconds)}" if seconds > TICK_S else ""
        waiting = len(self._waiting) + self._taken - self._in_flight
        if not holding and self._waiting:
            holding = "the window of requests in flight"
        return Pace(
            self._in_flight, waiting, self._places(), requests, tokens,
            _least(self.requests.per_minute, self.stated_requests.per_minute),
            _least(self.tokens.per_minute, self.stated_tokens.per_minute), holding,
        )  # fmt: skip

    def succeeded(self, ticket: Ticket, input_tokens: int = 0, output_tokens: int = 0) -> None:
        """An answer came: the window grows, unless it was sent before the last decrease.

        The tokens are those that its usage reports, cached ones left out: they do not count towards limits.
        """
        if ticket.number > self._decreased_at:
            step = 1 / max(1.0, self.window) if self.bursts else 1.0
            self.window = min(self.ceiling, self.window + step)
        tokens = input_tokens + output_tokens
        self.meter.add(tokens)
        if tokens > 0:
            self.stated_tokens.settle(tokens - ticket.tokens)
            self.guess.learn(ticket.characters, input_tokens, output_tokens)

    def refused(self, ticket: Ticket, retry_after: float, said: str = "") -> None:
        """A 429: nothing is sent for `retry_after` seconds; the window shrinks once a burst."""
        now = self.clock.now()
        self._refusal = said
        if TELL_S <= retry_after <= self.max_wait_s and now + retry_after > self.resume_at + TELL_S:
            self.say(f"{said or 'the provider is at its limit'}: waiting {duration(retry_after)}, as it asks")
        self.resume_at = max(self.resume_at, now + retry_after)
        if ticket.number > self._decreased_at:
            if self.tokens.known:
                self.guess.refused()
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
            limit, remaining = (number_of(headers.get(f"x-ratelimit-{kind}-{name}")) for kind in ("limit", "remaining"))
            reset = seconds_of(headers.get(f"x-ratelimit-reset-{name}", ""))
            if limit is not None and remaining is not None and reset is not None and limit > 0:
                budget.update(limit, remaining, reset, ticket.sent_at, mark, share=self.share)


def _part(limit: float | None, share: float) -> float | None:
    return None if limit is None else limit * share


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)
