"""Benchmark files -> tasks: HumanEval and MBPP, and EvalPlus's HumanEval+ and MBPP+."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ConfigError
from deepcoder.problems import open_source
from deepcoder.records import Problem, TestsCheck

Benchmark = Literal["humaneval", "mbpp", "humaneval+", "mbpp+"]


@dataclass(frozen=True)
class Task:
    """One task of a benchmark.

    `prefix` is what a completion continues; `checks` are judged in order, all must pass (EvalPlus:
    base, then plus).
    """

    key: str
    problem: Problem
    prefix: str
    entry_point: str
    checks: tuple[tuple[str, TestsCheck], ...]


def read_benchmark(benchmark: str, path: Path) -> dict[str, Task]:
    """Tasks by key. Raises ConfigError for an unknown benchmark, ProblemError for a bad file."""
    if benchmark not in get_args(Benchmark):
        raise ConfigError(f"there is no benchmark {benchmark!r}", hint=f"known: {', '.join(get_args(Benchmark))}")
    return {task.key: task for task in _tasks(benchmark, path)}


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
    for problem in source.problems("all"):
        check = problem.check
        assert isinstance(check, TestsCheck)
        assert check.entry_point is not None
        yield Task(task_key(problem.problem_id), problem, check.preamble, check.entry_point, (("base", check),))
