from __future__ import annotations

import numpy as np
import pytest

from deepcoder.config import CurriculumConfig
from deepcoder.errors import TrainingError
from deepcoder.records import Span
from deepcoder.scores import Scores, trained_tokens
from deepcoder.train.batches import Easy, plan_batches
from deepcoder.train.curriculum import easy_first, entropy
from deepcoder.train.examples import Collator, ExampleSet
from deepcoder.train.stored import StoredScores
from tests.train.students import example_set, random_rows


def stored(examples: ExampleSet, log_probs: list[list[float]]) -> StoredScores:
    """Scores of which example i has the distribution `log_probs[i]` at each of its trained tokens."""
    rows = []
    for index, distribution in enumerate(log_probs):
        count = len(trained_tokens(examples.spans[examples.part(index)].copy()))
        values = np.tile(np.asarray(distribution, np.float16), (count, 1))
        rows.append(Scores(str(index), np.tile(np.arange(len(distribution), dtype=np.int32), (count, 1)), values))
    return StoredScores(examples, rows)


def test_the_cost_is_that_of_the_formula() -> None:
    examples = example_set([([1, 2, 3, 4], [0, 1, 1, 2]), ([1, 2, 3], [0, 2, 2])])
    even = np.log([0.5, 0.5]).tolist()  # log 2 nats at each of 3 trained tokens
    sure = np.log([0.999, 0.001]).tolist()
    collator = Collator(examples, 0, stored(examples, [even, sure]))
    easy = easy_first(CurriculumConfig(enabled=True, alpha=2.0, beta=10.0, gamma=100.0, epochs=3), collator)
    assert easy is not None
    assert easy.epochs == 3
    assert easy.costs[0] == pytest.approx(2 * 2 + 10 + 100 * 3 * np.log(2), rel=0.01)
    assert easy.costs[1] == pytest.approx(20 + 100 * 2 * 0.0079, rel=0.02)


def test_masked_tokens_cost_nothing() -> None:
    examples = example_set([([1, 2, 3, 4], [0, 1, 1, 2])])
    masked = ExampleSet(
        examples.tokens, examples.spans, examples.offsets, examples.problem_ids, np.array([0, 1, 1, 0], bool)
    )
    easy = easy_first(CurriculumConfig(enabled=True), Collator(masked, 0))
    assert easy is not None
    assert easy.costs.tolist() == [1.0]


def test_entropy_without_scores_is_refused() -> None:
    collator = Collator(example_set(random_rows(3)), 0)
    assert easy_first(CurriculumConfig(gamma=1.0), collator) is None
    with pytest.raises(TrainingError, match=r"curriculum.gamma=1.0 needs the teacher's stored scores"):
        easy_first(CurriculumConfig(enabled=True, gamma=1.0), collator)


def test_entropy_counts_the_tail_as_one_more_token() -> None:
    assert entropy(np.log([[0.25, 0.25, 0.25]])) == pytest.approx(np.log(4))
    assert entropy(np.log([[0.5, 0.25]] * 2)) == pytest.approx(2 * 1.5 * np.log(2))
    assert entropy(np.array([[0.0, -np.inf]])) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("capacity", [None, 100])
def test_easy_examples_come_first_then_a_random_epoch(capacity: int | None) -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(10, 90, size=3000)
    costs = lengths + random.random(3000)
    plan = plan_batches(lengths, batch_size=4, epochs=2, easy=Easy(costs), capacity=capacity, seed=1)
    rows = [row if isinstance(row, tuple) else (row,) for batch in plan.micro_batches(0) for row in batch]
    order = [index for row in rows for index in row]
    first, second = order[:3000], order[3000:6000]
    assert sorted(first) == list(range(3000))
    if capacity is None:
        assert first == np.argsort(costs, kind="stable").tolist()
    place = np.arange(3000)
    assert np.corrcoef(costs[first], place)[0, 1] > 0.98
    assert abs(np.corrcoef(costs[second], place[: len(second)])[0, 1]) < 0.1


def test_equal_costs_come_in_random_order() -> None:
    plans = [
        plan_batches([5] * 50, batch_size=5, easy=Easy(np.ones(50)), seed=seed).steps.flatten().tolist()
        for seed in (1, 1, 2)
    ]
    assert plans[0] == plans[1] != plans[2]


def test_spans_have_the_lengths_that_costs_count() -> None:
    examples = example_set(random_rows(5))
    assert examples.span_lengths(Span.REASON).sum() == (examples.spans == 1).sum()
