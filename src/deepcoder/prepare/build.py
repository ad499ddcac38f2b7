"""Trajectories -> examples: aligned, cut to length by whole steps, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from deepcoder.prepare.align import Aligned, Aligner, Refusal
from deepcoder.prepare.turns import turns_of
from deepcoder.records import Span, Trajectory

BATCH = 256
NAMED = 5  # refused problems whose ids are kept, for each reason


@dataclass(frozen=True)
class Prepared:
    """One example and what training may want of its trajectory. `trajectory` is cut as the example is."""

    trajectory: Trajectory
    tokens: Aligned


@dataclass
class Tally:
    """What became of the trajectories."""

    trajectories: int = 0
    examples: int = 0
    truncated: int = 0
    dropped_steps: int = 0
    spans: Counter[Span] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    named: dict[Refusal, list[str]] = field(default_factory=dict)

    def accept(self, prepared: Prepared, steps: int) -> None:
        """An example made of a trajectory that had `steps` steps."""
        self.examples += 1
        dropped = steps - len(prepared.trajectory.steps)
        self.truncated += dropped > 0
        self.dropped_steps += dropped
        counts = np.bincount(prepared.tokens.span_ids, minlength=len(Span))
        self.spans.update({span: int(counts[span]) for span in Span})

    def refuse(self, trajectory: Trajectory, reason: Refusal) -> None:
        """A trajectory of which no example was made."""
        self.refused[reason] += 1
        names = self.named.setdefault(reason, [])
        if len(names) < NAMED:
            names.append(trajectory.problem_id)

    def counts(self) -> dict[str, int | float | str]:
        """For the stage's manifest."""
        spans = {f"{span.name.lower()}_tokens": self.spans[span] for span in Span}
        refused = {f"refused_{reason}": self.refused[reason] for reason in Refusal if self.refused[reason]}
        return {
            "trajectories": self.trajectories, "examples": self.examples, "mismatches": self.mismatches,
            "tokens": sum(self.spans.values()), **spans,
            "truncated": self.truncated, "dropped_steps": self.dropped_steps, **refused,
        }  # fmt: skip

    @property
    def mismatches(self) -> int:
        """Trajectories whose text or ids were not the chat template's."""
        return self.refused[Refusal.TEMPLATE] + self.refused[Refusal.TOKENS]


def prepare(
    trajectories: Iterable[Trajectory],
    aligner: Aligner,
    *,
    first_message: Callable[[str], str],
    max_length: int,
    tally: Tally,
) -> Iterator[Prepared]:
    """The examples of `trajectories`, in their order; what is refused or cut is counted in `tally`.

    `first_message`: problem text -> the student's first user message. Steps are dropped from the end
    until an example has at most `max_length` tokens.
    """
    for batch in _batches(trajectories, BATCH):
        tally.trajectories += len(batch)
        for trajectory, result in zip(batch, _fitted(batch, aligner, first_message, max_length), strict=True):
            if isinstance(result, Refusal):
                tally.refuse(trajectory, result)
            else:
                tally.accept(result, len(trajectory.steps))
                yield result


def _fitted(
    batch: Sequence[Trajectory], aligner: Aligner, first_message: Callable[[str], str], max_length: int
) -> list[Prepared | Refusal]:
    """Align the batch; those too long again with fewer steps (a native template may render these otherwise)."""
    results: list[Prepared | Refusal] = [Refusal.UNTRAINED] * len(batch)
    pending = {index: trajectory for index, trajectory in enumerate(batch) if trajectory.steps}
    while pending:
        aligned = aligner.align([turns_of(item, first_message(item.problem)) for item in pending.values()])
        again: dict[int, Trajectory] = {}
        for (index, trajectory), tokens in zip(pending.items(), aligned, strict=True):
            if isinstance(tokens, Refusal):
                results[index] = tokens
            elif len(tokens) > max_length:
                steps = _steps_within(tokens, len(trajectory.steps), max_length)
                results[index] = Refusal.TOO_LONG
                if steps:
                    again[index] = trajectory.model_copy(update={"steps": trajectory.steps[:steps]})
            else:
                results[index] = Prepared(trajectory, tokens) if _is_trained(tokens) else Refusal.UNTRAINED
        pending = again
    return results


def _steps_within(tokens: Aligned, steps: int, max_length: int) -> int:
    """How many of the steps may stay: those that begin and end within `max_length`, at most all but the last."""
    answered = tokens.span_ids != Span.OBSERVATION
    return sum(bool(np.flatnonzero((tokens.step_ids == step) & answered)[-1] < max_length) for step in range(steps - 1))


def _is_trained(tokens: Aligned) -> bool:
    return bool(((tokens.span_ids == Span.REASON) | (tokens.span_ids == Span.ACT)).any())


def _batches(items: Iterable[Trajectory], size: int) -> Iterator[list[Trajectory]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
