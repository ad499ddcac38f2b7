from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console
from transformers import TrainerControl, TrainerState, TrainingArguments

from deepcoder.train.log import ConsoleProgress, LogFile, describe, plot_losses, read_log, rewind_log

LINE = {
    "loss": 3.0, "loss_reason": 1.25, "loss_act": 1.75, "tokens_per_s": 2640.4, "examples": 8.0, "tokens": 900.0,
}  # fmt: skip


def test_a_log_is_rewound_to_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [{"step": step, **LINE} for step in (1, 2, 3, 4)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 5, "lo')
    assert read_log(path) == lines
    rewind_log(path, 2)
    assert read_log(path) == lines[:2]


def test_no_log_is_an_empty_log(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.jsonl") == []


def test_epochs_are_counted_in_examples_across_resumes(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    for step in (1, 2):
        LogFile(path, examples=32).on_log(arguments, TrainerState(global_step=step), TrainerControl(), logs=dict(LINE))
    assert [(line["step"], line["epoch"]) for line in read_log(path)] == [(1, 0.25), (2, 0.5)]


def test_a_line_names_both_spans_and_the_speed() -> None:
    assert describe(LINE) == "reason 1.250  act 1.750  2,640 tokens/s"
    assert describe({k: v for k, v in LINE.items() if k != "loss_reason"}) == "act 1.750  2,640 tokens/s"


def test_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = ConsoleProgress(Console(file=out, width=100))
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    state = TrainerState(global_step=10, max_steps=40)
    progress.on_train_begin(arguments, state, TrainerControl())
    progress.on_step_end(arguments, state, TrainerControl())
    progress.on_log(arguments, state, TrainerControl(), logs=dict(LINE))
    progress.on_log(arguments, state, TrainerControl(), logs={"train_runtime": 1.0})
    progress.on_train_end(arguments, state, TrainerControl())
    assert out.getvalue() == "step 10/40  reason 1.250  act 1.750  2,640 tokens/s\n"


def test_a_bar_with_the_time_left_on_a_terminal(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = ConsoleProgress(Console(file=out, width=120, force_terminal=True))
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    state = TrainerState(global_step=10, max_steps=40)
    progress.on_train_begin(arguments, state, TrainerControl())
    progress.on_log(arguments, state, TrainerControl(), logs=dict(LINE))
    progress.close()
    assert "10/40" in out.getvalue()
    assert "act 1.750" in out.getvalue()


def test_the_plot_is_a_png_also_where_a_span_is_missing(tmp_path: Path) -> None:
    plot_losses([{"step": 1, "loss_act": 2.0}, {"step": 2, "loss_act": 1.0}], tmp_path / "loss.png")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
