"""Which plots the report has: from trajectories, from the run's training log, from judged benchmark samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepcoder.evaluate import charts
from deepcoder.evaluate.measures import Figures
from deepcoder.evaluate.solving import Key
from deepcoder.evaluate.tables import MODELS, completed, took_part
from deepcoder.records import Trajectory
from deepcoder.runs import RunFolder
from deepcoder.trajectories import json_rows

BINS = 12
LOSSES = (("loss_reason", 2, "REASON"), ("loss_act", 3, "ACT"), ("eval_loss_reason", 4, "REASON, held out"),
          ("eval_loss_act", 1, "ACT, held out"))  # fmt: skip


class Figure(NamedTuple):
    """A plot, its title, and what its colours mean: (number of the series, name)."""

    title: str
    svg: str
    series: Sequence[tuple[int, str]]


def figures_of(summary: Figures, runs: Mapping[str, Mapping[Key, Trajectory]], folder: RunFolder) -> list[Figure]:
    """All that there is something for."""
    names = [name for name, _ in took_part(summary) if runs.get(name)]
    legend = [(MODELS.index(name), name) for name in names]
    lists = {name: list(runs[name].values()) for name in names}
    found = []
    if names:
        found += [
            Figure("Steps of a run", _steps(lists), legend),
            Figure("Output tokens of a run", _spread(lists, _tokens, "tokens"), legend),
            Figure("Wall time of a run (s)", _spread(lists, lambda run: run.wall_s, "seconds"), legend),
        ]
    found += [loss for loss in [_loss(folder.stage("train") / "log.jsonl")] if loss]
    found += [_direct(summary)] if summary.get("benchmark") else []
    judged = [(path, json.loads(path.read_text())) for path in sorted(folder.path.glob("benchmarks/*/summary.json"))]
    found += [_pass_at_k(path.parent.name, each) for path, each in judged if "samples_per_task" in each]
    return [figure for figure in found if figure.svg]


def _steps(lists: Mapping[str, Sequence[Trajectory]]) -> str:
    most = max((len(run.steps) for found in lists.values() for run in found), default=0)
    groups = list(range(most + 1))
    series = [
        (MODELS.index(name), [float(sum(len(run.steps) == steps for run in found)) for steps in groups])
        for name, found in lists.items()
    ]
    return charts.columns([str(steps) for steps in groups], series, "steps", "runs")


def _tokens(run: Trajectory) -> float:
    return float(sum(step.output_tokens for step in run.steps))


def _spread(lists: Mapping[str, Sequence[Trajectory]], measure: Any, x: str) -> str:
    """A histogram up to the value that 99 of 100 do not exceed; the last column holds the rest."""
    values = {name: np.array([measure(run) for run in found]) for name, found in lists.items()}
    every = np.concatenate(list(values.values()))
    top = float(np.percentile(every, 99)) if every.size else 0.0
    if top <= 0:
        return ""
    edges = np.linspace(0, top, BINS + 1)
    series = [
        (MODELS.index(name), [float(n) for n in np.histogram(np.minimum(each, top), edges)[0]])
        for name, each in values.items()
        if each.any()
    ]
    return charts.columns([f"{edge:.3g}" for edge in edges[:-1]], series, x, "runs")


def _loss(path: Path) -> Figure | None:
    rows = [row for _, row in json_rows(path)] if path.exists() else []
    series = [
        (number, name, [(float(row["step"]), float(row[field])) for row in rows if field in row])
        for field, number, name in LOSSES
    ]
    kept = [each for each in series if each[2]]
    svg = charts.lines([(number, points) for number, _, points in kept], "optimizer step", "loss a token", log=True)
    return Figure("Training loss a token (nats)", svg, [(number, name) for number, name, _ in kept]) if svg else None


def _direct(summary: Figures) -> Figure:
    """pass@k of each model's direct completions; nothing where there is but one k."""
    curves = [(MODELS.index(name), name, _points(found)) for name, found in completed(summary)]
    several = [(number, points) for number, _, points in curves if len(points) > 1]
    title = f"{summary['benchmark']['name']}: pass@k of direct completions"
    return Figure(title, charts.lines(several, "k", "pass@k"), [(number, name) for number, name, _ in curves])


def _points(summary: Figures) -> list[tuple[float, float]]:
    return [(float(key.partition("@")[2]), float(value)) for key, value in summary.items() if key.startswith("pass@")]


def _pass_at_k(name: str, summary: Figures) -> Figure:
    """The curve of a folder that `deepcoder evaluate --benchmark ... --samples ... --out RUN/benchmarks/NAME` wrote."""
    points = _points(summary)
    bounds = summary.get("ci95", {})
    sides = [[(k, bounds[f"pass@{k:g}"][side]) for k, _ in points if f"pass@{k:g}" in bounds] for side in (0, 1)]
    svg = charts.lines([(0, sides[0]), (0, sides[1]), (2, points)], "k", "pass@k")
    about = f"{summary['samples_per_task']} or more samples each, {summary['n']} tasks"
    return Figure(f"{name}: pass@k ({about})", svg, [(2, summary["benchmark"]), (0, "95 %")])
