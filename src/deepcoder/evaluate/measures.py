"""From trajectories to the figures of the report. Pure functions; every share comes with its n."""

from __future__ import annotations

import ast
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from deepcoder.evaluate.entrants import Absent, Entrant
from deepcoder.evaluate.failures import failure
from deepcoder.evaluate.quality import quality, thinking_share
from deepcoder.evaluate.solving import Key, ending
from deepcoder.evaluate.statistics import bootstrap_ratio, mean, median, percentile, wilson
from deepcoder.records import Action, Step, StepError, Trajectory

UNREADABLE = frozenset({StepError.NO_ACTION, StepError.UNKNOWN_ACTION, StepError.EMPTY_INPUT, StepError.TRUNCATED})

_FAILED_ATTEMPTS = frozenset({StepError.UNKNOWN_ACTION, StepError.EMPTY_INPUT})

Figures = dict[str, Any]


def share(successes: int, n: int) -> Figures:
    """A share with its Wilson interval; `success` is None where n is 0."""
    return {"success": successes / n if n else None, "n": n, "passed": successes, "ci95": list(wilson(successes, n))}


def success(trajectories: Iterable[Trajectory]) -> Figures:
    """The share of runs whose answer passed."""
    verified = [trajectory.verified for trajectory in trajectories]
    return share(sum(verified), len(verified))


def figures(entrant: Entrant, trajectories: Sequence[Trajectory], failed: Mapping[str, int]) -> Figures:
    """Everything measured of one model."""
    return {
        "available": True,
        "model": entrant.model,
        "instructions": "native" if entrant.native else entrant.instructions,
        **success(trajectories),
        "ci_method": "Wilson",
        "by_split": _grouped(trajectories, lambda t: t.split),
        "by_family": _grouped(trajectories, lambda t: t.family),
        "by_difficulty": _grouped(trajectories, lambda t: str(t.difficulty)),
        "tools": tool_use(trajectories),
        "quality": quality(trajectories),
        "steps_mean": mean([len(t.steps) for t in trajectories]),
        "steps_mean_solved": mean([len(t.steps) for t in trajectories if t.verified]),
        **_cost(trajectories),
        "endings": dict(Counter(map(ending, trajectories)).most_common()),
        "failures": dict(Counter(filter(None, map(failure, trajectories))).most_common()),
        "in_process_verdicts": sum(t.verdict is not None and t.verdict.mode == "in_process" for t in trajectories),
        "failed_runs": dict(failed),
    }


def absent(entrant: Absent) -> Figures:
    """What the summary says of a model that could not take part."""
    return {"available": False, "reason": entrant.reason, "success": None, "n": 0, "ci95": None, "by_family": {}}


def tool_use(trajectories: Sequence[Trajectory]) -> Figures:
    """How well the steps were written and the tools used; shares are None where there is nothing to count.

    parse_rate        steps in which a whole action could be read / steps
    valid_calls       calls of a tool that exists, with an argument; a program must compile / attempts at a call
    executed_ok       tool calls that ran without an error / tool calls (finish is none)
    recovered         runs with a failed call or an unreadable step that passed all the same / such runs
    recovered_next    failed calls and unreadable steps whose next step is read and runs / those that have a next step
    redundant         tool calls that repeat an earlier one of the run, argument and all / tool calls
    used_tools        runs with at least one tool call / runs
    """
    steps = [step for trajectory in trajectories for step in trajectory.steps]
    calls = [step for step in steps if _is_call(step)]
    stumbled = [trajectory for trajectory in trajectories if any(step.error for step in trajectory.steps)]
    attempts = [step for step in steps if _is_call(step) or step.error in _FAILED_ATTEMPTS]
    followed = [pair for trajectory in trajectories for pair in pairwise(trajectory.steps) if pair[0].error]
    users = sum(any(map(_is_call, trajectory.steps)) for trajectory in trajectories)
    return {
        "steps": len(steps),
        "calls": len(calls),
        "parse_rate": _ratio(sum(step.error not in UNREADABLE for step in steps), len(steps)),
        "valid_calls": _ratio(sum(map(_is_valid, attempts)), len(attempts)),
        "executed_ok": _ratio(sum(step.error is None for step in calls), len(calls)),
        "recovered": _ratio(sum(trajectory.verified for trajectory in stumbled), len(stumbled)),
        "stumbled_runs": len(stumbled),
        "recovered_next": _ratio(sum(after.error is None for _, after in followed), len(followed)),
        "redundant": _ratio(sum(map(_repeats, trajectories)), len(calls)),
        "used_tools": _ratio(users, len(trajectories)),
        "errors": dict(Counter(step.error.value for step in steps if step.error).most_common()),
    }


def versus(left: Mapping[Key, Trajectory], right: Mapping[Key, Trajectory], repeats: int, seed: int) -> Figures:
    """`left`'s successes as a percentage of `right`'s on the problems that both have run."""
    keys = sorted(set(left) & set(right))
    ours, theirs = [left[key].verified for key in keys], [right[key].verified for key in keys]
    result: Figures = {
        "n": len(keys), "percent": None, "ci95": None, "method": "paired percentile bootstrap over problems",
        "both": sum(a and b for a, b in zip(ours, theirs, strict=True)),
        "only_left": sum(a and not b for a, b in zip(ours, theirs, strict=True)),
        "only_right": sum(b and not a for a, b in zip(ours, theirs, strict=True)),
    }  # fmt: skip
    if not any(theirs):
        return result | {"reason": "the one compared with solved nothing" if keys else "no common problems"}
    interval = bootstrap_ratio(ours, theirs, repeats, seed)
    result["percent"] = 100 * sum(ours) / sum(theirs)
    result["ci95"] = None if interval is None else [100 * bound for bound in interval]
    return result


def _cost(trajectories: Sequence[Trajectory]) -> Figures:
    steps = [step for trajectory in trajectories for step in trajectory.steps]
    output, model_s = sum(step.output_tokens for step in steps), sum(step.model_s for step in steps)
    solved = sum(trajectory.verified for trajectory in trajectories)
    thought = [(step.output_tokens, thinking_share(step)) for step in steps]
    return {
        "output_tokens_mean": mean([sum(step.output_tokens for step in t.steps) for t in trajectories]),
        "input_tokens_mean": mean([sum(step.input_tokens for step in t.steps) for t in trajectories]),
        "output_tokens_per_solved": output / solved if solved else None,
        "output_tokens_mean_solved": mean([sum(s.output_tokens for s in t.steps) for t in trajectories if t.verified]),
        "thinking_tokens": round(sum(tokens * share for tokens, share in thought if share is not None)),
        "thinking_method": "part of the output tokens; by characters, where the provider's thinking was stored",
        "tokens_per_s": output / model_s if model_s > 0 and output else None,
        "latency_p50_s": median([trajectory.wall_s for trajectory in trajectories]),
        "latency_p90_s": percentile([trajectory.wall_s for trajectory in trajectories], 90),
        "wall_s_per_solved": sum(t.wall_s for t in trajectories) / solved if solved else None,
    }


def _grouped(trajectories: Sequence[Trajectory], key: Callable[[Trajectory], str]) -> dict[str, Figures]:
    groups: dict[str, list[Trajectory]] = defaultdict(list)
    for trajectory in trajectories:
        groups[key(trajectory)].append(trajectory)
    return {name: success(groups[name]) for name in sorted(groups)}


def _is_call(step: Step) -> bool:
    return step.action not in ("", Action.FINISH) and step.observation is not None


def _is_valid(step: Step) -> bool:
    if not _is_call(step):
        return False
    if step.action != Action.EXECUTE_PYTHON:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(step.input)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _repeats(trajectory: Trajectory) -> int:
    calls = [(step.action, step.input) for step in trajectory.steps if _is_call(step)]
    return len(calls) - len(set(calls))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
