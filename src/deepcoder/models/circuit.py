"""A breaker for a provider that is down: an outage is waited out by one probe at a time, up to a limit.

    closed   requests pass; TRIP failures in a row, of DISTINCT requests at least, open it
    open     one request at a time passes, after growing pauses; the others wait, and their tries are not used up
    broken   open for longer than `max_outage_s`: every request fails with ProviderDown

Any answer closes it. One request that always fails does not open it: that is the request's fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deepcoder.errors import ProviderDown
from deepcoder.models.clock import Clock, duration, unbilled

TRIP = 8
DISTINCT = 3


@dataclass
class Circuit:
    """`name`: of the model, for messages; `say` hears of an outage and of its end; `section`: of the config."""

    name: str = "the model"
    clock: Clock = field(default_factory=Clock)
    max_outage_s: float = 1800.0
    longest_pause_s: float = 60.0
    say: Callable[[str], None] = lambda text: None
    section: str = "teacher"

    def __post_init__(self) -> None:
        self._failures = 0
        self._requests: set[int] = set()
        self._since = 0.0
        self._last = ""
        self._probe = asyncio.Lock()

    @property
    def open(self) -> bool:
        """Whether the provider is taken to be down."""
        return self._failures >= TRIP and len(self._requests) >= DISTINCT

    @property
    def outage_s(self) -> float:
        """Seconds since the first of the failures in a row; 0 while closed."""
        return self.clock.now() - self._since if self.open else 0.0

    def failed(self, request: int, message: str) -> None:
        """A transient failure of the request with this number."""
        was_open = self.open
        if not self._failures:
            self._since = self.clock.now()
        self._failures += 1
        self._last = message
        if len(self._requests) < DISTINCT:
            self._requests.add(request)
        if self.open and not was_open:
            self.say(f"{self.name} is down: {message}. Waiting for it, {duration(self.max_outage_s)} at most.")

    def succeeded(self) -> None:
        """The provider has answered."""
        if self.open:
            self.say(f"{self.name} answers again after {duration(self.outage_s)}")
        self._failures = 0
        self._requests.clear()

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Leave to send a request; `failed` or `succeeded` is told within. Raises ProviderDown."""
        if self.open:
            with unbilled():
                await self._probe.acquire()
            try:
                if self.open:
                    await self._pause()
                    yield
                    return
            finally:
                self._probe.release()
        yield

    async def _pause(self) -> None:
        if self.outage_s >= self.max_outage_s:
            raise ProviderDown(
                f"{self.name} has answered nothing for {duration(self.outage_s)}, in {self._failures} tries; "
                f"the last one: {self._last}",
                hint="what is stored stays: run the same command again when the provider is back, "
                f"or wait longer for it: {self.section}.max_outage_s",
            )
        with unbilled():
            await self.clock.sleep(min(self.longest_pause_s, 2.0 ** min(16, self._failures - TRIP)))
