"""One request until it is answered: paced, 429s waited out, what is worth it tried again, outages probed.

What is asked is the caller's: LangChain's chat models (patient.py) or plain HTTP (deepcoder.score).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from deepcoder.errors import ModelUnavailable, ProviderError, RateLimited
from deepcoder.models.circuit import Circuit
from deepcoder.models.clock import unbilled
from deepcoder.models.faults import Transient, fault_of
from deepcoder.models.pacing import Pacer, Ticket

_T = TypeVar("_T")
_NUMBERS = itertools.count(1)
_TICKET: ContextVar[Ticket | None] = ContextVar("deepcoder_request_ticket", default=None)


@dataclass
class Patience:
    """How long to keep trying one request.

    `attempts`: tries on transient failures, `backoff_s * 2**try` apart with full jitter, at most
    `longest_backoff_s`. Those during an outage (circuit.py) do not count, nor do 429s.
    """

    attempts: int = 6
    timeout_s: float = 120.0
    backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random().random)

    def pause(self, tried: int) -> float:
        """Seconds to wait after the `tried`-th try (from 1)."""
        return self.jitter() * min(self.longest_backoff_s, self.backoff_s * 2.0**tried)


@dataclass(frozen=True)
class Answered(Generic[_T]):
    """An answer, the tries it took, and the seconds of the last one."""

    answer: _T
    attempts: int
    seconds: float


@dataclass(frozen=True)
class Persistence:
    """How requests to one model are persisted with. `key_env`: the variable of the key that is sent, if one is.

    `explain` may say more of a model that is not served. `section`: the config section that hints name.
    """

    model: str
    key_env: str | None
    patience: Patience
    pacer: Pacer
    circuit: Circuit
    explain: Callable[[ModelUnavailable], Awaitable[ModelUnavailable]]
    section: str = "teacher"

    async def until_answered(
        self, once: Callable[[], Awaitable[_T]], usage: Callable[[_T], tuple[int, int]], characters: int = 0
    ) -> Answered[_T]:
        """`once`, again and again, until it succeeds or patience ends (ProviderError).

        `usage` of an answer: the input and output tokens that count towards limits; `characters`: of the request.
        """
        failures = refusals = 0
        request = next(_NUMBERS)
        while True:
            async with self.circuit.passage(), self.pacer.slot(characters) as ticket:
                start = self.pacer.clock.now()
                try:
                    with _sending(ticket):
                        answer = await once()
                except Exception as error:
                    fault = fault_of(error, self.model, self.key_env, section=self.section)
                    cause = error
                else:
                    self.circuit.succeeded()
                    self.pacer.succeeded(ticket, *usage(answer))
                    return Answered(answer, failures + refusals + 1, self.pacer.clock.now() - start)
                if isinstance(fault, Transient):
                    self.circuit.failed(request, fault.message)
                elif not isinstance(fault, RateLimited):
                    self.circuit.succeeded()  # it is there, and says no
            if isinstance(fault, RateLimited):
                refusals += 1
                self.pacer.refused(ticket, self._wait(fault, refusals), fault.message)
            elif isinstance(fault, Transient):
                if self.circuit.open:
                    continue
                failures += 1
                if failures >= self.patience.attempts:
                    raise ProviderError(f"{fault.message} ({failures} tries)", hint="try again later") from cause
                with unbilled():
                    await self.pacer.clock.sleep(self.patience.pause(failures))
            elif isinstance(fault, ModelUnavailable):
                raise await self.explain(fault) from cause
            else:
                raise fault from cause

    def _wait(self, fault: RateLimited, refusals: int) -> float:
        """Seconds that a 429 asks for; growing ones with jitter where it does not say."""
        if fault.retry_after is not None:
            return fault.retry_after
        return min(60.0, 2.0 ** (refusals - 1)) * (0.5 + self.patience.jitter())


def watch_headers(pacer: Pacer, other: Callable[[Mapping[str, str]], None]) -> Callable[[Any], Awaitable[None]]:
    """An httpx response hook: headers of persisted requests go to the pacer, those of other pages to `other`."""

    async def hook(response: Any) -> None:
        ticket = _TICKET.get()
        if ticket is not None:
            pacer.observe(ticket, response.headers)
        else:
            other(response.headers)

    return hook


@contextmanager
def _sending(ticket: Ticket) -> Iterator[None]:
    token = _TICKET.set(ticket)
    try:
        yield
    finally:
        _TICKET.reset(token)
