"""Which examples make which optimizer step: fixed before training begins.

The plan is a function of (lengths, seed, batch sizes) alone, so that a resumed run sees what an
uninterrupted one would have, and any number of ranks or accumulation steps splits the same global batch.
Epochs follow each other without a seam: no step is smaller than the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


@dataclass(frozen=True)
class BatchPlan:
    """`steps` (S, G): the examples of each optimizer step, G = batch_size * accumulation * ranks."""

    steps: NDArray[np.int64]
    batch_size: int
    accumulation: int
    ranks: int

    def micro_batches(self, rank: int) -> list[list[int]]:
        """The micro-batches of one rank, in order: `accumulation` of them an optimizer step."""
        parts = self.steps.reshape(-1, self.accumulation, self.ranks, self.batch_size)[:, :, rank]
        return parts.reshape(-1, self.batch_size).tolist()


def plan_batches(
    lengths: Sequence[int] | NDArray[np.int64],
    *,
    batch_size: int,
    accumulation: int = 1,
    ranks: int = 1,
    epochs: float = 1.0,
    max_steps: int | None = None,
    group_by_length: bool = True,
    window: int = 64,
    seed: int = 0,
) -> BatchPlan:
    """A plan of ceil(epochs * n / G) steps, or of `max_steps`.

    Each epoch is a fresh permutation. With `group_by_length`, the examples of `window` steps are sorted by
    length, cut into global batches, and the batches shuffled: hardly any padding, still a random order.
    """
    sizes = np.asarray(lengths)
    size = batch_size * accumulation * ranks
    count = max_steps if max_steps is not None else max(1, math.ceil(epochs * len(sizes) / size))
    random = np.random.default_rng(seed)
    passes = math.ceil(count * size / len(sizes))
    order = np.concatenate([random.permutation(len(sizes)) for _ in range(passes)])[: count * size]
    steps = order.reshape(count, size)
    if group_by_length:
        parts = [_grouped(steps[start : start + window], sizes, random) for start in range(0, count, window)]
        steps = np.concatenate(parts)
    return BatchPlan(steps, batch_size, accumulation, ranks)


class PlannedBatches(Sampler[list[int]]):
    """A batch sampler over a plan's micro-batches."""

    def __init__(self, micro_batches: list[list[int]]) -> None:
        self._micro_batches = micro_batches

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._micro_batches)

    def __len__(self) -> int:
        return len(self._micro_batches)


def _grouped(steps: NDArray[np.int64], lengths: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    flat = steps.reshape(-1)
    by_length = flat[np.argsort(lengths[flat], kind="stable")].reshape(steps.shape)
    return random.permutation(by_length, axis=0)
