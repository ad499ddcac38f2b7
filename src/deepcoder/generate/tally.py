"""What became of the problems: verified, rejected by reason, failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from deepcoder.models.ledger import Spent
from deepcoder.records import Outcome, StepError, StopReason, Trajectory
from deepcoder.trajectories import is_trained

_UNREADABLE = frozenset({StepError.NO_ACTION, StepError.UNKNOWN_ACTION, StepError.EMPTY_INPUT, StepError.TRUNCATED})


def rejection(stop_reason: str, outcome: str | None, last_error: str | None) -> str:
    """Why a run that is not verified was rejected.

    A run that finished: the judge's outcome (wrong, error, timeout, ...). One that did not: the budget
    that ended it, with the error of its last step where that step could not be read.
    """
    if stop_reason == StopReason.FINISHED:
        return outcome or Outcome.NO_ANSWER.value
    return f"{stop_reason}/{last_error}" if last_error in _UNREADABLE else stop_reason


def rejection_of(trajectory: Trajectory) -> str:
    """`rejection` of a trajectory; where a rule rejected one that passed its check, the rule is the reason."""
    if trajectory.rejection is not None:
        return trajectory.rejection.reason
    verdict = trajectory.verdict
    last = trajectory.steps[-1].error if trajectory.steps else None
    return rejection(trajectory.stop_reason.value, verdict.outcome.value if verdict else None, last)


@dataclass
class Tally:
    """Counts over all runs of the folder, those of earlier sessions included; `failed` is this session's.

    `excluded`: problems that are in a benchmark and were not run; `against`: the benchmarks, in words.
    `spent` is the ledger's own: what was asked of the provider, stored runs and others.
    Of an on-policy round, `scored`: runs that did not pass and are trained all the same; `sources`: of what is
    trained, who wrote it (Origin).
    """

    verified: int = 0
    scored: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    against: str = ""
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent: Spent = field(default_factory=Spent)

    @property
    def stored(self) -> int:
        """Problems whose run is on disk."""
        return self.trained + self.rejected.total()

    @property
    def trained(self) -> int:
        """Problems whose run is training data."""
        return self.verified + self.scored

    def add(self, trajectory: Trajectory) -> None:
        """Count a run that was stored."""
        self._add_source(trajectory.origin.source if trajectory.origin and trajectory.trained else None)
        if trajectory.verified:
            self.verified += 1
        elif trajectory.trained:
            self.scored += 1
        else:
            self.rejected[rejection_of(trajectory)] += 1
        self.steps += len(trajectory.steps)
        self.input_tokens += sum(step.input_tokens for step in trajectory.steps)
        self.output_tokens += sum(step.output_tokens for step in trajectory.steps)

    def add_row(self, row: dict[str, Any]) -> None:
        """Count a run that an earlier session stored."""
        steps = row["steps"]
        trained = is_trained(row)
        self._add_source((row.get("origin") or {}).get("source") if trained else None)
        if row["verified"]:
            self.verified += 1
        elif trained:
            self.scored += 1
        else:
            outcome = row["verdict"]["outcome"] if row["verdict"] else None
            by_rule = row.get("rejection")  # rows of older versions have no such key
            last_error = steps[-1]["error"] if steps else None
            self.rejected[by_rule["reason"] if by_rule else rejection(row["stop_reason"], outcome, last_error)] += 1
        self.steps += len(steps)
        self.input_tokens += sum(step["input_tokens"] for step in steps)
        self.output_tokens += sum(step["output_tokens"] for step in steps)

    def _add_source(self, source: str | None) -> None:
        if source is not None:
            self.sources[source] += 1

    def counts(self) -> dict[str, int | float | str]:
        """The stage's counts for its manifest."""
        counts: dict[str, int | float | str] = {
            "problems": self.stored + self.failed.total() + self.excluded,
            "verified": self.verified,
            "rejected": self.rejected.total(),
        }
        if self.scored:
            counts |= {"not passed, scored": self.scored}
        counts |= {f"from {source}": number for source, number in sorted(self.sources.items())}
        counts |= {f"rejected {reason}": number for reason, number in self.rejected.most_common()}
        if self.excluded:
            counts |= {"excluded": self.excluded}
        counts |= {"failed": self.failed.total(), "steps": self.steps}
        if self.output_tokens:
            counts |= {"input tokens": self.input_tokens, "output tokens": self.output_tokens}
        if self.spent.requests:
            counts |= {"requests": self.spent.requests}
        if self.spent.cached_tokens:
            counts |= {"cached tokens": self.spent.cached_tokens}
        if self.spent.cost:
            counts |= {"cost": round(self.spent.cost, 4)}
        if self.against:
            counts |= {"decontaminated against": self.against}
        return counts
