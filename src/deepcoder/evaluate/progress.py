"""Progress of an evaluation: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

LINE_EVERY_S = 10.0


class Progress:
    """Counts results under a title. `total`: results in all; `done`: those of earlier sessions."""

    def __init__(
        self, console: Console, title: str, total: int, *, done: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console, self.title, self.total, self.done = console, title, total, done
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._last_line = clock()
        self._bar = Bar(
            TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(), console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(title, total=total, completed=done, counts="")

    def advance(self, outcome: str) -> None:
        """One more result."""
        self.done += 1
        self.counts[outcome] += 1
        self._bar.update(self._task, completed=self.done, counts=self._text())
        if not self.console.is_terminal and self._clock() - self._last_line >= LINE_EVERY_S:
            self._last_line = self._clock()
            self.console.print(
                f"  {self.title} {self.done}/{self.total}  {self._text()}", highlight=False, soft_wrap=True
            )

    def _text(self) -> str:
        return "  ".join(f"{outcome} {number}" for outcome, number in self.counts.most_common(4))

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.stop()
