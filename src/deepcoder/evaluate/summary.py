"""All results of an evaluation -> summary.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepcoder.config import Config
from deepcoder.evaluate import calls as single
from deepcoder.evaluate.direct import Drawn
from deepcoder.evaluate.entrants import Absent, Entrant
from deepcoder.evaluate.measures import Figures, absent, figures, versus
from deepcoder.evaluate.sessions import machine_seconds
from deepcoder.evaluate.solving import Solved
from deepcoder.evaluate.value import cheaper, faster, headline, value
from deepcoder.records import Problem, Trajectory

PAIRS = (
    ("student", "teacher"), ("student", "base"), ("student", "base_native"), ("student_no_tools", "student"),
)  # fmt: skip


@dataclass
class Results:
    """What was measured. `answers`: by model, the trajectory of each single call; `drawn`: direct completions."""

    entrants: Sequence[Entrant | Absent]
    problems: Sequence[Problem]
    source: str
    solved: dict[str, Solved] = field(default_factory=dict)
    calls: Sequence[single.Call] = ()
    answers: dict[str, Mapping[str, Trajectory]] = field(default_factory=dict)
    judged: dict[str, Any] | None = None
    drawn: dict[str, Drawn] = field(default_factory=dict)


def summarise(config: Config, results: Results, out: Path) -> Figures:
    """One entry a model under its name, comparisons in pairs, the headline. `out`: where the sessions were noted."""
    summary: Figures = {
        "source": results.source, "problems": len(results.problems),
        "splits": sorted({problem.split for problem in results.problems}), "seed": config.run.seed,
        "concurrency": config.evaluate.concurrency,
    }  # fmt: skip
    for entrant in results.entrants:
        summary[entrant.name] = (
            absent(entrant) if isinstance(entrant, Absent) else _of_model(entrant, config, results, out)
        )
    solved = {name: each.trajectories for name, each in results.solved.items()}
    for left, right in PAIRS:
        if left in solved and right in solved:
            summary[f"{left}_vs_{right}"] = versus(
                solved[left], solved[right], config.evaluate.bootstrap, config.run.seed
            )
    both = "student" in solved and "teacher" in solved
    if both:
        seconds = summary["student"]["machine_s"]
        summary["faster"] = faster(solved["student"], solved["teacher"], config)
        summary["cheaper"] = cheaper(solved["student"], solved["teacher"], config, seconds)
    if results.judged is not None:
        summary["judge"] = results.judged
    summary["headline"] = headline(summary.get("student_vs_teacher"), summary.get("faster"), summary.get("cheaper"))
    return summary


def _of_model(entrant: Entrant, config: Config, results: Results, out: Path) -> Figures:
    solved = results.solved[entrant.name]
    seconds = machine_seconds(out, entrant.name, len(solved.trajectories))
    found = figures(entrant, list(solved.trajectories.values()), solved.failed)
    found |= value(entrant.name, solved.trajectories, config, seconds)
    if entrant.name in results.answers:
        steps = {call_id: run.steps[-1] for call_id, run in results.answers[entrant.name].items()}
        found["tool_calls"] = single.figures(results.calls, steps)
    return found
