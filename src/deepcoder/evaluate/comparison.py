"""`deepcoder compare RUN RUN`: two evaluations on the same problems, pair by pair.

A RUN is a run folder, or a folder that `deepcoder evaluate --out` wrote: trajectories of a model, or judged samples of
a benchmark (then a problem's success is the share of its samples that passed). Only problems that both have count, and
only where they ask the same; the others are counted. Differences are the second minus the first, with a percentile
bootstrap over problems, drawn in pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from deepcoder.errors import StageError
from deepcoder.evaluate.report import markdown
from deepcoder.evaluate.statistics import bootstrap_paired
from deepcoder.records import Trajectory
from deepcoder.runs import write_atomic
from deepcoder.trajectories import json_rows, trajectory_of

REPEATS, LISTED = 2000, 40


@dataclass(frozen=True)
class Measured:
    """One problem in one run. `asked`: what makes it the same problem; measures are None for samples."""

    asked: str
    success: float
    family: str = ""
    steps: float | None = None
    tokens: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Difference:
    """A measure of both runs on the common problems; `change` is the second minus the first."""

    name: str
    first: float
    second: float
    change: float
    interval: tuple[float, float] | None
    share: bool = False


Run = Mapping[tuple[str, str], Measured]

MEASURES: tuple[tuple[str, Callable[[Measured], float | None]], ...] = (
    ("success", lambda each: each.success),
    ("steps", lambda each: each.steps),
    ("output tokens", lambda each: each.tokens),
    ("seconds", lambda each: each.seconds),
)


def compare(first: Path, second: Path, model: str, console: Console, out: Path | None = None) -> list[Difference]:
    """Print the comparison and, with `out`, write it as Markdown. Raises StageError where nothing can be compared."""
    left, right = read_run(first, model), read_run(second, model)
    keys = sorted(key for key in left if key in right and left[key].asked == right[key].asked)
    if not keys:
        raise StageError(
            f"{first} and {second} have no problem in common", hint="compare runs on the same problems and split"
        )
    found = differences(left, right, keys)
    lost = [key for key in keys if left[key].success > right[key].success]
    won = [key for key in keys if left[key].success < right[key].success]
    apart = len(left) + len(right) - 2 * len(keys)
    heads = ["", "first", "second", "change", "95 %"]
    rows = [_row(each) for each in found]
    families = [_row(each) for each in by_family(left, right, keys)]
    about = f"{model}: {first} -> {second}; {len(keys)} problems in both, {apart} runs on others are left out"
    _show(console, about, heads, rows, families, won, lost)
    if out is not None:
        flips = [
            f"## Newly solved ({len(won)})",
            _listed(won, len(won)),
            f"## Lost ({len(lost)})",
            _listed(lost, len(lost)),
        ]
        parts = ["# Comparison", f"{about}.", markdown(heads, rows), "## Success by family", markdown(heads, families)]
        write_atomic(out, "\n\n".join([*parts, *flips]) + "\n")
        console.print(f"  {out}", soft_wrap=True, highlight=False, markup=False)
    return found


def read_run(path: Path, model: str) -> dict[tuple[str, str], Measured]:
    """The problems of a run by (split, problem_id). Raises StageError where it has no such results."""
    for folder in (path / "evaluation", path):
        if (folder / f"{model}.jsonl").exists():
            return _trajectories(folder / f"{model}.jsonl")
        if (folder / "results.jsonl").exists():
            return _samples(folder / "results.jsonl")
    raise StageError(f"{path} has no evaluation of {model}", hint="deepcoder evaluate makes one; --model names another")


def differences(left: Run, right: Run, keys: Sequence[tuple[str, str]]) -> list[Difference]:
    """Of every measure that both have."""
    found = []
    for name, measure in MEASURES:
        pairs = [(measure(left[key]), measure(right[key])) for key in keys]
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        if known:
            found.append(_difference(name, [a for a, _ in known], [b for _, b in known], share=name == "success"))
    return found


def by_family(left: Run, right: Run, keys: Sequence[tuple[str, str]]) -> list[Difference]:
    """Of success, in each family."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key in keys:
        groups[left[key].family].append(key)
    return [
        _difference(
            f"{family or 'all'} ({len(own)})",
            [left[k].success for k in own],
            [right[k].success for k in own],
            share=True,
        )
        for family, own in sorted(groups.items())
    ]


def _difference(name: str, first: Sequence[float], second: Sequence[float], *, share: bool) -> Difference:
    a, b = np.array(first, dtype=np.float64), np.array(second, dtype=np.float64)
    interval = bootstrap_paired([b - a], lambda drawn: drawn.mean(axis=1), REPEATS)
    return Difference(name, float(a.mean()), float(b.mean()), float((b - a).mean()), interval, share)


def _trajectories(path: Path) -> dict[tuple[str, str], Measured]:
    runs = [trajectory_of(row, f"{path}:{number}") for number, row in json_rows(path)]
    return {(run.split, run.problem_id): _measured(run) for run in runs}


def _measured(run: Trajectory) -> Measured:
    tokens = float(sum(step.output_tokens for step in run.steps))
    return Measured(run.problem, float(run.verified), run.family, float(len(run.steps)), tokens, run.wall_s)


def _samples(path: Path) -> dict[tuple[str, str], Measured]:
    passed: dict[str, list[bool]] = defaultdict(list)
    for _, row in json_rows(path):
        passed[row["task_id"]].append(bool(row["passed"]))
    return {("", task): Measured(task, sum(found) / len(found)) for task, found in passed.items()}


def _row(each: Difference) -> list[str]:
    form: Callable[[float], str] = (lambda x: f"{100 * x:.1f}%") if each.share else (lambda x: f"{x:.2f}")
    bounds = "-" if each.interval is None else f"{form(each.interval[0])} to {form(each.interval[1])}"
    sign = "+" if each.change > 0 else ""
    return [each.name, form(each.first), form(each.second), f"{sign}{form(each.change)}", bounds]


def _show(
    console: Console,
    about: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    families: Sequence[Sequence[str]],
    won: Sequence[tuple[str, str]],
    lost: Sequence[tuple[str, str]],
) -> None:
    console.print(about, soft_wrap=True, highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    for heading in heads:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    table.add_section()
    for row in families:
        table.add_row(*row)
    console.print(table, highlight=False)
    for title, keys in (("newly solved", won), ("lost", lost)):
        console.print(f"{title} ({len(keys)}): {_listed(keys, LISTED)}", soft_wrap=True, highlight=False, markup=False)


def _listed(keys: Sequence[tuple[str, str]], most: int) -> str:
    names = ", ".join(problem for _, problem in keys[:most])
    return (names or "none") + (f" and {len(keys) - most} more" if len(keys) > most else "")
