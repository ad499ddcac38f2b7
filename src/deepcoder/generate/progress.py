"""Progress of a generation: a live panel on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table

from deepcoder.generate.tally import Tally
from deepcoder.models.clock import duration
from deepcoder.models.meter import Pace

LINE_EVERY_S = 10.0


class Progress:
    """Shows a Tally. `total`: problems in all; `running`: agent runs under way; `pace`: that of the provider.

    The panel is drawn from a thread of its own: what it reads is copied first.
    """

    def __init__(
        self,
        console: Console,
        tally: Tally,
        total: int,
        *,
        pace: Callable[[], Pace] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.tally = tally
        self.total = total
        self.running = 0
        self._pace = pace
        self._clock = clock
        self._start = clock()
        self._stored_before = tally.stored
        self._cost_before = tally.spent.cost
        self._last_line = clock()
        self._live = Live(self, console=console, refresh_per_second=4) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def changed(self) -> None:
        """A run has ended. Off a terminal, prints a line if the last one is old enough."""
        if self._live is None and self._clock() - self._last_line >= LINE_EVERY_S:
            self._last_line = self._clock()
            self.console.print(f"  {self.line()}", markup=False, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line now, with the time: why nothing happens for a while."""
        self.console.print(f"  {time.strftime('%H:%M:%S')} {text}", markup=False, highlight=False, soft_wrap=True)

    def line(self) -> str:
        """One line: done, verified, rejected by reason, failed, tokens, cost, speed, time left, what holds it."""
        tally = self.tally
        parts = [f"{tally.stored}/{self.total}", f"verified {tally.verified}"]
        parts += [f"{reason} {number}" for reason, number in _most(tally.rejected)]
        if failed := tally.failed.total():
            parts.append(f"failed {failed}")
        pace = self._pace() if self._pace else None
        if pace is not None:
            parts.append(f"{_against(pace.tokens, pace.tokens_limit)} tokens/min")
            parts.append(f"{pace.in_flight} in flight")
        if tally.spent.cost:
            parts.append(f"cost {tally.spent.cost:.2f} ({self.cost_rate():.3f}/min)")
        parts.append(f"{self.rate():.1f}/s")
        if (left := self.seconds_left()) is not None:
            parts.append(f"{duration(left)} left")
        if pace is not None and pace.holding:
            parts.append(f"held by {pace.holding}")
        return "  ".join(parts)

    def rate(self) -> float:
        """Runs stored a second in this session."""
        seconds = self._clock() - self._start
        return (self.tally.stored - self._stored_before) / seconds if seconds > 0 else 0.0

    def cost_rate(self) -> float:
        """Cost a minute in this session."""
        minutes = (self._clock() - self._start) / 60
        return (self.tally.spent.cost - self._cost_before) / minutes if minutes > 0 else 0.0

    def seconds_left(self) -> float | None:
        """By the rate so far; None before the first run has ended."""
        rate = self.rate()
        return max(0, self.total - self.tally.stored) / rate if rate > 0 else None

    def __rich__(self) -> RenderableType:
        tally = self.tally
        table = Table.grid(padding=(0, 2))
        table.add_row("verified", f"[green]{tally.verified:,}[/]")
        for reason, number in _most(tally.rejected)[:8]:
            table.add_row(f"rejected: {reason}", f"[yellow]{number:,}[/]")
        for reason, number in _most(tally.failed)[:4]:
            table.add_row(f"failed: {reason}", f"[red]{number:,}[/]")
        table.add_row("running", str(self.running))
        if self._pace:
            self._add_pace(table, self._pace())
        if tally.output_tokens:
            cached = f" ({tally.spent.cached_tokens:,} cached)" if tally.spent.cached_tokens else ""
            table.add_row("tokens", f"{tally.input_tokens:,} in{cached}, {tally.output_tokens:,} out")
        if tally.spent.cost:
            whole = tally.spent.cost / max(1, tally.stored) * self.total
            table.add_row("cost", f"{tally.spent.cost:.2f}, {self.cost_rate():.3f}/min, about {whole:.2f} in all")
        left = self.seconds_left()
        table.add_row("speed", f"{self.rate():.1f} runs/s" + (f", {duration(left)} left" if left is not None else ""))
        # A bar ends without a line break of its own; padding gives it one.
        bar = Padding(ProgressBar(total=max(self.total, 1), completed=tally.stored), (0, 0, 1, 0))
        return Panel(Group(bar, table), title=f"generate {tally.stored:,}/{self.total:,}", title_align="left")

    def _add_pace(self, table: Table, pace: Pace) -> None:
        waiting = f", {pace.waiting} waiting" if pace.waiting else ""
        table.add_row("requests", f"{pace.in_flight} in flight of {pace.window}{waiting}")
        for name, rate, limit in (
            ("requests/min", pace.requests, pace.requests_limit), ("tokens/min", pace.tokens, pace.tokens_limit),
        ):  # fmt: skip
            table.add_row(name, _against(rate, limit))
        table.add_row("held by", f"[yellow]{pace.holding}[/]" if pace.holding else "nothing")


def _against(rate: float, limit: float | None) -> str:
    return f"{rate:,.0f}" + (f" of {limit:,.0f}" if limit is not None else "")


def _most(counter: Counter[str]) -> list[tuple[str, int]]:
    """Largest first."""
    return sorted(counter.items(), key=lambda item: -item[1])
