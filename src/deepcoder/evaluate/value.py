"""What a solved problem takes, and the line "85 % of the teacher, 10x faster, 5x cheaper": shown with intervals or not.

    faster    median wall time of a run, teacher's over student's
    cheaper   cost per solved problem, teacher's over student's

Both over the problems that both have run, with a percentile bootstrap over problems, drawn in pairs. A figure that
cannot be had is None with a reason; nothing is guessed.

A teacher at an API costs its tokens at `teacher.input_price` and `output_price` (thinking is among the output tokens;
no discount for cached input). Everybody else costs the hours of the machine, `engine.price_per_hour`: the seconds in
which the model was worked with, divided among its runs in proportion to their wall times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deepcoder.config import Config
from deepcoder.evaluate.solving import Key
from deepcoder.evaluate.statistics import bootstrap_paired
from deepcoder.models.ledger import Prices
from deepcoder.records import Trajectory

Figures = dict[str, Any]
Array = npt.NDArray[np.float64]
Runs = Mapping[Key, Trajectory]


@dataclass(frozen=True)
class Costs:
    """The cost of each run, or why it is not known."""

    each: Mapping[Key, float] | None
    reason: str = ""


def costs(name: str, runs: Runs, config: Config, machine_s: float | None) -> Costs:
    """What each run cost. `machine_s`: seconds of work on all of them, None where not all of it was measured."""
    return _at_an_api(runs, config) if name == "teacher" else _on_a_machine(runs, config, machine_s)


def value(name: str, runs: Runs, config: Config, machine_s: float | None) -> Figures:
    """machine_s, cost, cost_per_solved and, where there is no cost, its reason."""
    found = costs(name, runs, config, machine_s)
    solved = sum(run.verified for run in runs.values())
    total = None if found.each is None else sum(found.each.values())
    return {
        "machine_s": machine_s,
        "cost": total,
        "cost_per_solved": total / solved if total is not None and solved else None,
        "cost_reason": found.reason or ("it solved nothing" if not solved else ""),
    }


def faster(student: Runs, teacher: Runs, config: Config) -> Figures:
    """Median wall time of the teacher's runs over that of the student's."""
    if config.teacher.model == "expert":
        return _not_shown("the teacher is a program, not a model: its time says nothing")
    keys = sorted(set(student) & set(teacher))
    columns = [np.array([runs[key].wall_s for key in keys]) for runs in (teacher, student)]
    return _ratio(columns, _ratio_of_medians, config, "a run took no measurable time")


def cheaper(student: Runs, teacher: Runs, config: Config, machine_s: float | None) -> Figures:
    """Cost per solved problem, the teacher's over the student's."""
    ours, theirs = costs("student", student, config, machine_s), costs("teacher", teacher, config, None)
    if theirs.each is None or ours.each is None:
        return _not_shown(theirs.reason or ours.reason)
    keys = sorted(set(student) & set(teacher))
    columns = [
        np.array([float(number) for number in numbers])
        for numbers in (
            [theirs.each[key] for key in keys], [teacher[key].verified for key in keys],
            [ours.each[key] for key in keys], [student[key].verified for key in keys],
        )
    ]  # fmt: skip
    return _ratio(columns, _ratio_of_costs, config, "one of them solves too little")


def headline(percent: Figures | None, faster: Figures | None, cheaper: Figures | None) -> str:
    """The printed line. Each part has its interval or says why it is not shown."""
    parts = [
        _part(percent, "percent", lambda x: f"{x:.0f} %", "of the teacher", "share of the teacher"),
        _times(faster, "faster", "slower"),
        _times(cheaper, "cheaper", "dearer"),
    ]
    return "The student: " + "; ".join(parts)


def _times(figures: Figures | None, more: str, less: str) -> str:
    if figures is not None and figures.get("ratio") is not None and figures["ratio"] < 1:
        bounds = figures["ci95"]
        turned = {"ratio": 1 / figures["ratio"], "ci95": bounds and [1 / bounds[1], 1 / bounds[0]]}
        return _part(turned, "ratio", _factor, less, less)
    return _part(figures, "ratio", _factor, more, f"how much {more}")


def _part(figures: Figures | None, key: str, form: Any, unit: str, name: str) -> str:
    if figures is None:
        return f"{name} not shown (the student or the teacher is absent)"
    if figures[key] is None:
        return f"{name} not shown ({figures['reason']})"
    if not figures["ci95"]:
        return f"{name} not shown (too few problems for an interval)"
    low, high = figures["ci95"]
    return f"{form(figures[key])} {unit} (95 %: {form(low)} to {form(high)})"


def _factor(number: float) -> str:
    return f"{number:.1f}x" if number < 100 else f"{number:.0f}x"


def _at_an_api(runs: Runs, config: Config) -> Costs:
    teacher = config.teacher
    if teacher.model == "expert":
        return Costs(None, "the teacher is a program, not a model: it has no price")
    prices = Prices(teacher.input_price, teacher.output_price)
    if not prices.known:
        return Costs(None, "teacher.input_price and teacher.output_price are not set")
    each = {
        key: prices.of(sum(step.input_tokens for step in run.steps), sum(step.output_tokens for step in run.steps))
        for key, run in runs.items()
    }
    return Costs(each) if any(each.values()) else Costs(None, "the provider reported no tokens")


def _on_a_machine(runs: Runs, config: Config, machine_s: float | None) -> Costs:
    price = config.engine.price_per_hour
    if not price:
        return Costs(None, "engine.price_per_hour is not set")
    wall = sum(run.wall_s for run in runs.values())
    if machine_s is None or not wall:
        return Costs(None, "not all of its work was timed, since a session was cut short")
    return Costs({key: run.wall_s / wall * machine_s / 3600 * price for key, run in runs.items()})


def _ratio(columns: Sequence[Array], statistic: Any, config: Config, undefined: str) -> Figures:
    n = len(columns[0])
    if not n:
        return _not_shown("no common problems")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(statistic(*(column[None, :] for column in columns))[0])
        if not np.isfinite(ratio) or ratio <= 0:
            return _not_shown(undefined)
        interval = bootstrap_paired(columns, statistic, config.evaluate.bootstrap, config.run.seed)
    method = "paired percentile bootstrap over problems"
    return {"ratio": ratio, "ci95": None if interval is None else list(interval), "n": n, "method": method}


def _ratio_of_medians(above: Array, below: Array) -> Array:
    result: Array = np.median(above, axis=1) / np.median(below, axis=1)
    return result


def _ratio_of_costs(cost: Array, solved: Array, our_cost: Array, our_solved: Array) -> Array:
    result: Array = (cost.sum(axis=1) / solved.sum(axis=1)) / (our_cost.sum(axis=1) / our_solved.sum(axis=1))
    return result


def _not_shown(reason: str) -> Figures:
    return {"ratio": None, "ci95": None, "reason": reason}
