"""The training log: JSON lines, TensorBoard, a plot; the console's progress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from deepcoder.runs import write_atomic

Line = dict[str, float]


def read_log(path: Path) -> list[Line]:
    """The log's lines; a last one that was cut short is left out."""
    lines = []
    for text in path.read_text().splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def rewind_log(path: Path, step: int) -> None:
    """Drop what comes after `step`: a run resumed from there will write it again."""
    kept = [line for line in read_log(path) if line["step"] <= step]
    write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept))


class LogFile(TrainerCallback):
    """Appends each training line to `path`."""

    def __init__(self, path: Path, examples: int) -> None:
        self._path = path
        self._examples = examples
        self._seen = sum(line["examples"] for line in read_log(path))

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """One line a logging step, of rank 0."""
        if logs is None or "loss" not in logs or not state.is_world_process_zero:
            return
        self._seen += logs["examples"]
        logs["epoch"] = self._seen / self._examples  # the Trainer sees the whole plan as one epoch
        with self._path.open("a") as file:
            file.write(json.dumps({"step": state.global_step, **logs}) + "\n")


class TensorBoard(TrainerCallback):
    """Every number of a training line, under train/."""

    def __init__(self, folder: Path, step: int) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Write the line's numbers."""
        if logs is not None and "loss" in logs:
            for name, value in logs.items():
                self._writer.add_scalar(f"train/{name}", value, state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Flush and close."""
        self._writer.close()


class ConsoleProgress(TrainerCallback):
    """A bar with the time left on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the bar where the run stands."""
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("train"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[line]}"), console=self._console,
        )  # fmt: skip
        self._bar.start()
        self._bar.add_task("train", total=state.max_steps, completed=state.global_step, line="")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=state.global_step)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Show the line."""
        if logs is None or "loss" not in logs:
            return
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], line=describe(logs))
            return
        self._console.print(f"step {state.global_step}/{state.max_steps}  {describe(logs)}", highlight=False)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the bar as it is."""
        self.close()

    def close(self) -> None:
        """Give the terminal back, also after an error."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def describe(line: Line) -> str:
    """A line in words: the loss of each span by token, and the speed."""
    spans = [f"{span} {line[f'loss_{span}']:.3f}" for span in ("reason", "act") if f"loss_{span}" in line]
    return "  ".join([*spans, f"{line['tokens_per_s']:,.0f} tokens/s"])


def plot_losses(lines: list[Line], path: Path) -> None:
    """The loss of each span by optimizer step, as a PNG."""
    from matplotlib.figure import Figure  # not pyplot: no display, no global state

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for span, label in (("reason", "REASON (thoughts)"), ("act", "ACT (actions)")):
        points = [(line["step"], line[f"loss_{span}"]) for line in lines if f"loss_{span}" in line]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 50 else None)
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("negative log-likelihood a token (nats)")
    axes.set_yscale("log")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(path)
