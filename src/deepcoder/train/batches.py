"""Which examples make which optimizer step: fixed before training begins.

The plan is a function of (lengths, seed, batch sizes, costs) alone, so that a resumed run sees what an
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

from deepcoder.train.packing import pack

Integers = NDArray[np.int64]
# A row of a micro-batch: an example, or the packed examples of a row.
Row = int | tuple[int, ...]
# Packing moves an example within so many steps of its place in an easy-first order.
EASY_WINDOW = 8


@dataclass(frozen=True)
class Easy:
    """Easy first: the first `epochs` epochs go by ascending `costs` (n,), one cost an example."""

    costs: NDArray[np.float64]
    epochs: int = 1


@dataclass(frozen=True)
class BatchPlan:
    """`steps` (S, G): the rows of each optimizer step, G = batch_size * accumulation * ranks.

    A row is an example; with `rows`, row r is the packed examples `rows[r]`.
    """

    steps: Integers
    batch_size: int
    accumulation: int
    ranks: int
    rows: tuple[tuple[int, ...], ...] | None = None

    def micro_batches(self, rank: int) -> list[list[Row]]:
        """The micro-batches of one rank, in order: `accumulation` of them an optimizer step."""
        parts = self.steps.reshape(-1, self.accumulation, self.ranks, self.batch_size)[:, :, rank]
        numbers: list[list[int]] = parts.reshape(-1, self.batch_size).tolist()
        if self.rows is None:
            return [list(batch) for batch in numbers]
        return [[self.rows[number] for number in batch] for batch in numbers]


def plan_batches(
    lengths: Sequence[int] | Integers,
    *,
    batch_size: int,
    accumulation: int = 1,
    ranks: int = 1,
    epochs: float = 1.0,
    max_steps: int | None = None,
    group_by_length: bool = True,
    window: int = 64,
    seed: int = 0,
    among: Integers | None = None,
    easy: Easy | None = None,
    capacity: int | None = None,
) -> BatchPlan:
    """A plan of ceil(epochs * n / G) steps, or of `max_steps`; n: rows of an epoch.

    Each epoch is a fresh permutation of the examples (`among`: of these), or goes `easy` first. With
    `group_by_length`, the examples of `window` steps are sorted by length, cut into global batches, and the batches
    shuffled: hardly any padding, still a random order. Easy-first epochs are not grouped: neighbours in cost are
    of like length already. With `capacity`, examples are packed into rows of at most so many tokens instead.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    pool = np.arange(len(sizes)) if among is None else among
    size = batch_size * accumulation * ranks
    random = np.random.default_rng(seed)
    orders = _orders(pool, easy, random)
    if capacity is not None:
        numbers, rows = _packed_rows(orders, sizes, easy, capacity, size, epochs, max_steps, random)
        return BatchPlan(numbers, batch_size, accumulation, ranks, rows)
    count = max_steps if max_steps is not None else max(1, math.ceil(epochs * len(pool) / size))
    passes = math.ceil(count * size / len(pool))
    steps = np.concatenate([next(orders) for _ in range(passes)])[: count * size].reshape(count, size)
    if group_by_length:
        first = 0 if easy is None else min(count, math.ceil(easy.epochs * len(pool) / size))
        parts = [_grouped(steps[start : start + window], sizes, random) for start in range(first, count, window)]
        steps = np.concatenate([steps[:first], *parts])
    return BatchPlan(steps, batch_size, accumulation, ranks)


def plan_evaluation(lengths: Integers, among: Integers, *, batch_size: int, capacity: int | None) -> list[list[Row]]:
    """Micro-batches of the held-out examples `among`: by length, or packed. Every one once."""
    by_length = among[np.argsort(lengths[among], kind="stable")]
    rows: list[Row] = list(by_length.tolist()) if capacity is None else list(pack(lengths, by_length, capacity))
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


class PlannedBatches(Sampler[list[Row]]):
    """A batch sampler over a plan's micro-batches."""

    def __init__(self, micro_batches: Sequence[list[Row]]) -> None:
        self._micro_batches = micro_batches

    def __iter__(self) -> Iterator[list[Row]]:
        return iter(self._micro_batches)

    def __len__(self) -> int:
        return len(self._micro_batches)


def _orders(pool: Integers, easy: Easy | None, random: np.random.Generator) -> Iterator[Integers]:
    """The order of each epoch, without end."""
    epoch = 0
    while True:
        order = random.permutation(pool)
        if easy is not None and epoch < easy.epochs:
            order = order[np.argsort(easy.costs[order], kind="stable")]  # equal costs in random order
        yield order
        epoch += 1


def _packed_rows(
    orders: Iterator[Integers],
    lengths: Integers,
    easy: Easy | None,
    capacity: int,
    size: int,
    epochs: float,
    max_steps: int | None,
    random: np.random.Generator,
) -> tuple[Integers, tuple[tuple[int, ...], ...]]:
    """Row numbers (S, G) and the rows: each epoch packed anew, in random order or easy first."""
    rows: list[tuple[int, ...]] = []
    needed = 1 if max_steps is None else max_steps * size
    for epoch, order in enumerate(orders):
        if len(rows) >= needed:
            break
        parts = [order]
        if easy is not None and epoch < easy.epochs:
            parts = _windows(order, lengths, EASY_WINDOW * size * capacity)
        for part in parts:
            packed = pack(lengths, part, capacity)
            rows += [packed[number] for number in random.permutation(len(packed))]
        if epoch == 0 and max_steps is None:
            needed = max(1, math.ceil(epochs * len(rows) / size)) * size
    return np.arange(needed).reshape(-1, size), tuple(rows[:needed])


def _windows(order: Integers, lengths: Integers, tokens: int) -> list[Integers]:
    """`order` cut into parts of about so many tokens."""
    number = (np.cumsum(lengths[order]) - 1) // tokens
    return np.split(order, np.flatnonzero(np.diff(number)) + 1)


def _grouped(steps: Integers, lengths: Integers, random: np.random.Generator) -> Integers:
    flat = steps.reshape(-1)
    by_length = flat[np.argsort(lengths[flat], kind="stable")].reshape(steps.shape)
    return random.permutation(by_length, axis=0)
