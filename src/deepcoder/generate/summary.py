"""What a folder of trajectories holds, read one run at a time: the figures of its report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from deepcoder.generate.quality import characters
from deepcoder.generate.tally import rejection_of
from deepcoder.records import Trajectory

EXAMPLES = 3


@dataclass
class Summary:
    """Counts over verified and rejected runs; of rejected ones a few examples a reason. No run is kept whole.

    `steps` and `chars` count verified runs by steps and by characters (power of two below), `tools` their
    steps by action, `failures` those with an error by its kind.
    """

    verified: int = 0
    families: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    steps: Counter[int] = field(default_factory=Counter)
    chars: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    recovered: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=lambda: defaultdict(list))

    def add_verified(self, trajectory: Trajectory) -> None:
        """Count a run that is training data."""
        self.verified += 1
        self.families[trajectory.family]["verified"] += 1
        self.steps[len(trajectory.steps)] += 1
        self.chars[power_of_two(characters(trajectory))] += 1
        if tokens := sum(step.output_tokens for step in trajectory.steps):
            self.tokens[power_of_two(tokens)] += 1
        self.tools.update(step.action or "(none)" for step in trajectory.steps)
        failures = [step.error.value for step in trajectory.steps if step.error is not None]
        self.failures.update(failures)
        self.recovered += bool(failures)

    def add_rejected(self, trajectory: Trajectory) -> None:
        """Count a run that is none, and keep what explains the first few of its reason."""
        reason = rejection_of(trajectory)
        self.families[trajectory.family]["rejected"] += 1
        self.rejected[reason] += 1
        if len(self.examples[reason]) < EXAMPLES:
            self.examples[reason].append(Example.of(trajectory))


@dataclass(frozen=True)
class Example:
    """One rejected run in short. `detail`: what the rule or the judge said."""

    problem_id: str
    problem: str
    steps: int
    last: str
    detail: str

    @classmethod
    def of(cls, trajectory: Trajectory) -> Example:
        """The parts that explain the rejection, cut to a few hundred characters each."""
        detail = trajectory.verdict.detail if trajectory.verdict is not None else trajectory.error
        if trajectory.rejection is not None:
            detail = trajectory.rejection.detail
        last = trajectory.steps[-1] if trajectory.steps else None
        said = (last.raw or f"{last.thought}\n{last.action}: {last.input}") if last is not None else ""
        return cls(trajectory.problem_id, trajectory.problem[:300], len(trajectory.steps), said[:400], detail[:300])


def summarise(verified: Iterable[Trajectory], rejected: Iterable[Trajectory]) -> Summary:
    """Both kinds of runs, each read once."""
    summary = Summary()
    for trajectory in verified:
        summary.add_verified(trajectory)
    for trajectory in rejected:
        summary.add_rejected(trajectory)
    return summary


def power_of_two(size: int) -> int:
    """The largest power of two that is not above `size`; 0 for 0."""
    return 1 << (size.bit_length() - 1) if size > 0 else 0
