"""Progress of a generation: a live panel on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table

from deepcoder.generate.tally import Tally

LINE_EVERY_S = 10.0


class Progress:
    """Shows a Tally. `total`: problems in all, where known; `running`: agent runs under way."""

    def __init__(
        self, console: Console, tally: Tally, total: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console
        self.tally = tally
        self.total = total
        self.running = 0
        self._clock = clock
        self._start = clock()
        self._stored_before = tally.stored
        self._tokens_before = tally.output_tokens
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

    def line(self) -> str:
        """One line: done, verified, rejected by reason, failed, speed, time left."""
        parts = [f"{self.tally.stored}/{self.total}", f"verified {self.tally.verified}"]
        parts += [f"{reason} {number}" for reason, number in self.tally.rejected.most_common()]
        if failed := self.tally.failed.total():
            parts.append(f"failed {failed}")
        if self.tally.cost:
            parts.append(f"cost {self.tally.cost:.2f}")
        parts.append(f"{self.rate():.1f}/s")
        if (left := self.seconds_left()) is not None:
            parts.append(f"{left:.0f} s left")
        return "  ".join(parts)

    def rate(self) -> float:
        """Runs stored a second in this session."""
        seconds = self._clock() - self._start
        return (self.tally.stored - self._stored_before) / seconds if seconds > 0 else 0.0

    def seconds_left(self) -> float | None:
        """By the rate so far; None before the first run has ended."""
        rate = self.rate()
        return max(0, self.total - self.tally.stored) / rate if rate > 0 else None

    def __rich__(self) -> RenderableType:
        tally = self.tally
        table = Table.grid(padding=(0, 2))
        table.add_row("verified", f"[green]{tally.verified:,}[/]")
        for reason, number in tally.rejected.most_common(8):
            table.add_row(f"rejected: {reason}", f"[yellow]{number:,}[/]")
        for reason, number in tally.failed.most_common(4):
            table.add_row(f"failed: {reason}", f"[red]{number:,}[/]")
        table.add_row("running", str(self.running))
        left = self.seconds_left()
        table.add_row("speed", f"{self.rate():.1f} runs/s" + (f", {left:.0f} s left" if left is not None else ""))
        if tally.output_tokens:
            minutes = max(self._clock() - self._start, 1e-9) / 60
            speed = (tally.output_tokens - self._tokens_before) / minutes
            table.add_row("tokens", f"{tally.input_tokens:,} in, {tally.output_tokens:,} out ({speed:,.0f} out/min)")
        if tally.cost:
            table.add_row("cost", f"{tally.cost:.2f}")
        # A bar ends without a line break of its own; padding gives it one.
        bar = Padding(ProgressBar(total=max(self.total, 1), completed=tally.stored), (0, 0, 1, 0))
        return Panel(Group(bar, table), title=f"generate {tally.stored:,}/{self.total:,}", title_align="left")
