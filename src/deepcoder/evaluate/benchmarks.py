"""Benchmark files -> tasks: HumanEval and MBPP, and EvalPlus's HumanEval+ and MBPP+."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ConfigError
from deepcoder.problems import open_source
from deepcoder.problems.mbpp import tests_shown
from deepcoder.problems.rows import read_rows
from deepcoder.records import Problem, TestsCheck

Benchmark = Literal["humaneval", "mbpp", "humaneval+", "mbpp+"]


@dataclass(frozen=True)
class Task:
    """One task of a benchmark.

    `prefix` is what a completion continues; `checks` are judged in order, all must pass (EvalPlus:
    base, then plus). `canonical` is the benchmark's own solution, a whole program; "" where it has none.
    `direct` is the usual prompt for a completion without tools; the agent gets `problem.prompt`.
    """

    key: str
    problem: Problem
    prefix: str
    entry_point: str
    checks: tuple[tuple[str, TestsCheck], ...]
    canonical: str
    direct: str


def read_benchmark(benchmark: str, path: Path) -> dict[str, Task]:
    """Tasks by key. Raises ConfigError for an unknown benchmark, ProblemError for a bad file."""
    if benchmark not in get_args(Benchmark):
        raise ConfigError(f"there is no benchmark {benchmark!r}", hint=f"known: {', '.join(get_args(Benchmark))}")
    return {task.key: task for task in _tasks(benchmark, path)}


def choose(tasks: dict[str, Task], ids: Sequence[str], limit: int | None) -> dict[str, Task]:
    """The tasks with these ids (all where there are none), at most `limit` of them, in the file's order.

    Raises ConfigError for an id that the file does not have.
    """
    wanted = {task_key(each) for each in ids}
    if unknown := sorted(wanted - tasks.keys()):
        raise ConfigError(f"the benchmark has no task {', '.join(unknown)}", hint="check --task-ids")
    found = {key: task for key, task in tasks.items() if not wanted or key in wanted}
    return dict(list(found.items())[:limit])


def task_key(task_id: str) -> str:
    """One form for the spellings of an id: `HumanEval/0`, `Mbpp/2`, `MBPP/2`, `mbpp/2`, `2` -> its number."""
    match = re.fullmatch(r"(?:human[ _-]?eval|mbpp)?/?(\d+)", task_id.strip(), re.IGNORECASE)
    return str(int(match.group(1))) if match else task_id.strip()


def _tasks(benchmark: str, path: Path) -> Iterator[Task]:
    if benchmark in ("humaneval+", "mbpp+"):
        from deepcoder.evaluate.evalplus import read_plus

        yield from read_plus(benchmark, path)
        return
    source = open_source(ProblemsConfig(source="humaneval" if benchmark == "humaneval" else "mbpp", path=path))
    rows = {task_key(str(row.fields["task_id"])): row for row in read_rows(path)}
    for problem in source.problems("all"):
        check = problem.check
        assert isinstance(check, TestsCheck)
        assert check.entry_point is not None
        key = task_key(problem.problem_id)
        direct = problem.prompt if benchmark == "humaneval" else tests_shown(rows[key])
        canonical = _canonical(rows[key].fields)
        yield Task(key, problem, check.preamble, check.entry_point, (("base", check),), canonical, direct)


def _canonical(row: Mapping[str, Any]) -> str:
    """HumanEval's prompt and solution, or MBPP's code."""
    solution = row.get("canonical_solution")
    found = row.get("code") if solution is None else f"{row['prompt']}{solution}"
    return found if isinstance(found, str) else ""
