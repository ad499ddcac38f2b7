from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from transformers import TrainerControl, TrainerState, TrainingArguments

from deepcoder.train.panel import ConsoleProgress, describe

LINE = {
    "loss": 3.0, "loss_reason": 1.25, "loss_act": 1.75, "tokens_per_s": 2640.4, "examples": 8.0, "tokens": 900.0,
    "tokens_reason": 300.0, "tokens_act": 200.0, "padding": 0.031, "grad_norm": 0.5, "learning_rate": 1e-4,
    "lambda_reason": 1.0, "lambda_act": 0.5, "mfu": 0.412, "memory_resident_gib": 1.5,
}  # fmt: skip


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


def test_a_panel_with_all_numbers_and_the_time_left_on_a_terminal(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = ConsoleProgress(Console(file=out, width=120, force_terminal=True))
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    state = TrainerState(global_step=10, max_steps=40)
    progress.on_train_begin(arguments, state, TrainerControl())
    progress.on_log(arguments, state, TrainerControl(), logs=dict(LINE))
    progress.close()
    assert "10/40" in out.getvalue()
    assert "act 1.750" in out.getvalue()
