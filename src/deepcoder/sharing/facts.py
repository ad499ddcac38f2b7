"""What a run's trajectories are, counted: the facts of the data set's card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from deepcoder.records import Trajectory


@dataclass
class Facts:
    """Counts over verified trajectories."""

    trajectories: int = 0
    steps: int = 0
    failed_steps: int = 0
    output_tokens: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)

    def add(self, run: Trajectory) -> None:
        """Count one."""
        self.trajectories += 1
        self.steps += len(run.steps)
        self.failed_steps += sum(step.error is not None for step in run.steps)
        self.output_tokens += sum(step.output_tokens for step in run.steps)
        self.lengths[len(run.steps)] += 1
        self.models[run.model or "unknown"] += 1
        self.families[run.family] += 1
        self.splits[run.split] += 1
        self.tools.update(step.action or "(not readable)" for step in run.steps)
        if run.verdict is not None:
            self.checks[run.verdict.mode] += 1

    @classmethod
    def of(cls, runs: Iterable[Trajectory]) -> Facts:
        """Count them all."""
        facts = cls()
        for run in runs:
            facts.add(run)
        return facts
