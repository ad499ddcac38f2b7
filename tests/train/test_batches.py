from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.train.batches import PlannedBatches, plan_batches

sizes = st.integers(1, 5)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60), sizes, sizes, sizes, st.integers(1, 3), st.booleans())
def test_every_example_comes_once_an_epoch(
    lengths: list[int], batch: int, accumulation: int, ranks: int, epochs: int, grouped: bool
) -> None:
    plan = plan_batches(
        lengths, batch_size=batch, accumulation=accumulation, ranks=ranks, epochs=epochs, group_by_length=grouped
    )
    seen = Counter(plan.steps.reshape(-1).tolist())
    assert plan.steps.shape[1] == batch * accumulation * ranks
    assert plan.steps.size - epochs * len(lengths) in range(plan.steps.shape[1])  # the last step is filled up
    assert sum(seen.values()) == plan.steps.size
    assert all(seen[index] >= epochs for index in range(len(lengths)))
    assert sum(seen[index] - epochs for index in range(len(lengths))) == plan.steps.size - epochs * len(lengths)


@given(st.integers(0, 5), st.sampled_from([(8, 1, 1), (1, 8, 1), (2, 4, 1), (1, 1, 8), (2, 2, 2)]))
def test_accumulation_and_ranks_split_the_same_steps(seed: int, split: tuple[int, int, int]) -> None:
    lengths = np.random.default_rng(seed).integers(5, 200, size=50)
    whole = plan_batches(lengths, batch_size=8, epochs=2, seed=seed)
    batch, accumulation, ranks = split
    plan = plan_batches(lengths, batch_size=batch, accumulation=accumulation, ranks=ranks, epochs=2, seed=seed)
    by_rank = [plan.micro_batches(rank) for rank in range(ranks)]
    for step, expected in enumerate(whole.steps):
        micro = [by_rank[r][step * accumulation + a] for r in range(ranks) for a in range(accumulation)]
        assert sorted(chain.from_iterable(micro)) == sorted(expected.tolist())


def test_the_plan_depends_on_the_seed_alone() -> None:
    lengths = list(range(1, 100))
    first, again, other = (plan_batches(lengths, batch_size=4, seed=seed).steps for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_grouping_by_length_saves_padding_and_keeps_the_order_random() -> None:
    lengths = np.random.default_rng(0).integers(20, 400, size=800)

    def padding(grouped: bool) -> float:
        steps = plan_batches(lengths, batch_size=8, group_by_length=grouped).steps
        return 1 - lengths[steps].sum() / (lengths[steps].max(1) * 8).sum()

    assert padding(False) > 0.3
    assert padding(True) < 0.05
    longest = lengths[plan_batches(lengths, batch_size=8).steps].max(1)
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.3


@pytest.mark.parametrize(("epochs", "expected"), [(0.5, 13), (1, 25), (1.5, 38)])
def test_epochs_may_be_fractions(epochs: float, expected: int) -> None:
    assert len(plan_batches([5] * 100, batch_size=4, epochs=epochs).steps) == expected


def test_max_steps_wins() -> None:
    assert len(plan_batches([5] * 10, batch_size=4, epochs=1, max_steps=7).steps) == 7


def test_a_batch_sampler_lists_micro_batches() -> None:
    sampler = PlannedBatches([[1, 2], [3, 4]])
    assert list(sampler) == [[1, 2], [3, 4]]
    assert len(sampler) == 2
