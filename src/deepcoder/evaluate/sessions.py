"""How long each model was worked with, over all sessions: RUN/evaluation/sessions.jsonl.

A session that is cut short leaves no row; then the rows do not cover all runs, and what hangs on it is not shown.
"""

from __future__ import annotations

from pathlib import Path

from deepcoder.evaluate.rows import RowLog
from deepcoder.evaluate.solving import Solved
from deepcoder.trajectories import json_rows

SESSIONS = "sessions.jsonl"


def note_session(out: Path, name: str, solved: Solved, concurrency: int) -> None:
    """A row for what this session has added."""
    if solved.new:
        with RowLog(out / SESSIONS) as log:
            log.add({"model": name, "runs": solved.new, "seconds": solved.seconds, "concurrency": concurrency})


def machine_seconds(out: Path, name: str, runs: int) -> float | None:
    """Seconds of work on a model's `runs` stored runs; None where the sessions do not account for all of them."""
    path = out / SESSIONS
    rows = [row for _, row in json_rows(path) if row["model"] == name] if path.exists() else []
    return sum(row["seconds"] for row in rows) if sum(row["runs"] for row in rows) == runs else None
