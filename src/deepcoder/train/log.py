"""The training log: JSON lines and TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    """Every number of a training line, under train/; of held-out examples under eval/."""

    def __init__(self, folder: Path, step: int) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Write the line's numbers."""
        if logs is not None and "loss" in logs:
            for name, value in logs.items():
                tag = name.replace("eval_", "eval/", 1) if name.startswith("eval_") else f"train/{name}"
                self._writer.add_scalar(tag, value, state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Flush and close."""
        self._writer.close()
