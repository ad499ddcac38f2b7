"""`deepcoder export`: a run's verified trajectories as one JSONL file for another trainer."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from deepcoder.agent import first_message, offers_of
from deepcoder.config import Config, load_config
from deepcoder.errors import ConfigError, StageError
from deepcoder.sharing.chats import FORMATS, rows_of
from deepcoder.trajectories import read_trajectories


def export(run_dir: Path, form: str, out: Path, *, instructions: str | None = None) -> Counter[str]:
    """Write the file, whole or not at all; returns counts of `trajectories`, `rows`, `unread` and `not_utf8`.

    The first message is the one that `prepare` trains on: the run's `student.instructions`, or `instructions`.
    `unread`: steps in which no action could be read (`trl` has no way to leave them out of the loss).
    `not_utf8`: trajectories with a lone surrogate, which no JSON reader of these trainers takes; left out.
    Raises ConfigError for an unknown format, StageError where nothing was verified.
    """
    if form not in FORMATS:
        raise ConfigError(f"--format: {form!r} is none of {', '.join(FORMATS)}")
    config = _config(run_dir)
    shown, offers = instructions or config.student.instructions, offers_of(config)
    counts: Counter[str] = Counter()
    beside = out.with_name(f".{out.name}.writing")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with beside.open("wb") as file:
            for run in read_trajectories(run_dir / "trajectories"):
                rows = list(rows_of(run, form, first_message(run.problem, shown, offers)))
                try:
                    lines = [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]
                except UnicodeEncodeError:
                    counts["not_utf8"] += 1
                    continue
                file.writelines(lines)
                unread = sum(not step.action for step in run.steps)
                counts.update(trajectories=1, rows=len(lines), unread=unread)
            file.flush()
            os.fsync(file.fileno())
        if not counts["rows"]:
            raise StageError(f"{run_dir} has no verified trajectories to export", hint="run deepcoder generate first")
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return counts


def _config(run_dir: Path) -> Config:
    file = run_dir / "config.yaml"
    if not file.exists():
        raise StageError(f"{run_dir} is not a run folder: it has no config.yaml", hint="deepcoder generate makes one")
    return load_config(file, [])
