"""The console while training: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from deepcoder.models.clock import duration
from deepcoder.train.log import Line

# Rows of the panel: a label, and what a line's numbers say under it.
_ROWS = (
    ("loss by token", (("loss_reason", "reason {:.3f}"), ("loss_act", "act {:.3f}"))),
    ("held out", (("eval_loss_reason", "reason {:.3f}"), ("eval_loss_act", "act {:.3f}"))),
    ("lambdas", (("lambda_reason", "reason {:.2f}"), ("lambda_act", "act {:.2f}"))),
    ("step", (("learning_rate", "rate {:.2e}"), ("grad_norm", "gradient norm {:.3f}"))),
    ("batch", (("tokens_reason", "{:,.0f} reason"), ("tokens_act", "{:,.0f} act"), ("padding", "{:.1%} padding"))),
    ("speed", (("tokens_per_s", "{:,.0f} tokens/s"), ("mfu", "MFU {:.1%}"))),
    (
        "memory",
        (
            ("memory_allocated_gib", "{:.2f} GiB allocated"), ("memory_reserved_gib", "{:.2f} reserved"),
            ("memory_resident_gib", "{:.2f} GiB resident"),
        ),
    ),
)  # fmt: skip


class ConsoleProgress(TrainerCallback):
    """Shows each training line; held-out losses stay until the next ones come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._line: Line = {}
        self._step = self._first = self._steps = 0
        self._started = time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin where the run stands."""
        self._step = self._first = state.global_step
        self._steps, self._started = state.max_steps, time.monotonic()
        if self._console.is_terminal:
            self._live = Live(self, console=self._console, refresh_per_second=4)
            self._live.start()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move the bar."""
        self._step = state.global_step

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Show the line."""
        if logs is None or "loss" not in logs:
            return
        held_out = {name: value for name, value in self._line.items() if name.startswith("eval_")}
        self._line = held_out | logs
        if self._live is None:
            self._console.print(f"step {state.global_step}/{state.max_steps}  {describe(logs)}", highlight=False)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the panel as it is."""
        self.close()

    def close(self) -> None:
        """Give the terminal back, also after an error."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for label, entries in _ROWS:
            texts = [text.format(self._line[name]) for name, text in entries if name in self._line]
            if texts:
                table.add_row(label, "  ".join(texts))
        if (left := self.seconds_left()) is not None:
            table.add_row("time left", duration(left))
        # A bar ends without a line break of its own; padding gives it one.
        bar = Padding(ProgressBar(total=max(1, self._steps), completed=self._step), (0, 0, 1, 0))
        title = f"train, step {self._step:,}/{self._steps:,}"
        return Panel(Group(bar, table), title=title, title_align="left")

    def seconds_left(self) -> float | None:
        """By the steps of this session; None before the first."""
        done = self._step - self._first
        return (time.monotonic() - self._started) / done * (self._steps - self._step) if done else None


def describe(line: Line) -> str:
    """A line in words: the loss of each span by token, the held-out one, and the speed."""
    spans = [f"{span} {line[f'loss_{span}']:.3f}" for span in ("reason", "act") if f"loss_{span}" in line]
    held_out = [f"held out {line['eval_loss']:.3f}"] if "eval_loss" in line else []
    return "  ".join([*spans, *held_out, f"{line['tokens_per_s']:,.0f} tokens/s"])
