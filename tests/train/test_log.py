from __future__ import annotations

import json
from pathlib import Path

from transformers import TrainerControl, TrainerState, TrainingArguments

from deepcoder.train.log import LogFile, read_log, rewind_log

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
