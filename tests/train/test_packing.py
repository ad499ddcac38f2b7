from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import Qwen3MoeForCausalLM

from deepcoder.errors import TrainingError
from deepcoder.losses import sad_loss, select_rows, trained_positions
from deepcoder.models.nano import load_nano
from deepcoder.train.batches import Easy, plan_batches, plan_evaluation
from deepcoder.train.examples import Collator
from deepcoder.train.hidden import hidden_states
from deepcoder.train.packing import check_separation, pack
from tests.train.students import example_set, random_rows, tiny_model

ROWS = random_rows(6, seed=3, longest=40)
lengths_of = st.lists(st.integers(1, 50), min_size=1, max_size=80)


@pytest.fixture(scope="module")
def nano() -> Qwen3MoeForCausalLM:
    return load_nano(checkpoint=Path("random weights")).model.eval()


def token_losses(model: Qwen3MoeForCausalLM, batch: dict[str, Tensor]) -> dict[tuple[int, int], float]:
    """(row, token position) -> negative log-likelihood, of every trained token."""
    positions = {name: batch[name] for name in ("position_ids",) if name in batch}
    with torch.no_grad():
        hidden, _ = hidden_states(model, model.lm_head, batch["input_ids"], **positions)
        rows, targets, _ = select_rows(hidden, batch["input_ids"], batch["span_ids"])
        losses = nn.functional.cross_entropy(model.lm_head(rows), targets, reduction="none")
    width = batch["input_ids"].shape[1]
    tokens = trained_positions(batch["span_ids"])[1].tolist()
    return {(token // width, token % width): loss for token, loss in zip(tokens, losses.tolist(), strict=True)}


def test_the_losses_of_a_packed_row_are_those_of_its_parts(nano: Qwen3MoeForCausalLM) -> None:
    collate = Collator(example_set(ROWS), 3)
    packed = token_losses(nano, collate([(0, 1, 2), (3, 4)]))
    parts = []
    for row, examples in enumerate([(0, 1, 2), (3, 4)]):
        start = 0
        for index in examples:
            alone = token_losses(nano, collate([index]))
            parts += [((row, start + token), loss) for (_, token), loss in alone.items()]
            start += len(ROWS[index][0])
    assert packed.keys() == dict(parts).keys()
    assert packed == pytest.approx(dict(parts), abs=1e-5)


def test_loss_sums_and_gradients_are_unchanged_by_packing() -> None:
    collate, results = Collator(example_set(ROWS), 3), []
    for rows in ([0, 1, 2, 3, 4, 5], [(0, 1, 2), (3,), (4, 5)]):
        model, batch = tiny_model(), collate(rows)  # type: ignore[arg-type]
        positions = {name: batch[name] for name in ("position_ids",) if name in batch}
        hidden, _ = hidden_states(model, model.lm_head, batch["input_ids"], **positions)
        out = sad_loss(
            *[(found := select_rows(hidden, batch["input_ids"], batch["span_ids"]))[0], model.lm_head.weight],
            *found[1:], lambda_reason=1.0, lambda_act=2.0, n_reason=10, n_act=20,
        )  # fmt: skip
        out.loss.backward()
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        results.append((out, gradients))
    (plain, expected), (packed, found) = results
    assert (int(packed.n_reason), int(packed.n_act)) == (int(plain.n_reason), int(plain.n_act))
    torch.testing.assert_close(packed.sum_reason, plain.sum_reason, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(packed.sum_act, plain.sum_act, rtol=1e-5, atol=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_the_shift_never_crosses_a_border() -> None:
    """The first token of a packed example follows another example's last: it is no target, even where trained."""
    act = [2, 2, 2]
    batch = Collator(example_set([([10, 11, 12], act), ([20, 21, 22], act), ([30, 31], act[:2])]), 3)([(0, 1, 2)])
    rows, tokens = trained_positions(batch["span_ids"])
    ids = batch["input_ids"].flatten()
    assert list(zip(ids[rows].tolist(), ids[tokens].tolist(), strict=True)) == [
        (10, 11), (11, 12), (20, 21), (21, 22), (30, 31),
    ]  # fmt: skip


def test_positions_begin_anew_with_each_example_and_with_the_padding() -> None:
    batch = Collator(example_set([([5, 6, 7], [0, 1, 2]), ([8, 9], [0, 2])]), 3)([(0, 1), (1,)])
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1], [0, 1, 0, 1, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]


def test_separation_is_found_where_it_is(nano: Qwen3MoeForCausalLM) -> None:
    nano.train()
    check_separation(nano, nano.lm_head, 4096)
    assert nano.training
    nano.eval()
    narrow = tiny_model(dtype=torch.bfloat16)
    check_separation(narrow, narrow.lm_head, 4096)


class Masked(nn.Module):
    """A model that gives a 2-D attention mask with everything: what packing must not be used with."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, **inputs: Any) -> Any:
        return self.model(input_ids=input_ids, attention_mask=torch.ones_like(input_ids), **inputs)


def test_separation_is_missed_where_a_mask_switches_it_off(nano: Qwen3MoeForCausalLM) -> None:
    with pytest.raises(TrainingError, match="sees the others of its row"):
        check_separation(Masked(nano), nano.lm_head, 4096)


# --- the plan -------------------------------------------------------------------------------------


@settings(deadline=None)  # the machine may be busy
@given(lengths_of, st.integers(50, 120))
def test_rows_hold_every_example_once_and_within_capacity(lengths: list[int], capacity: int) -> None:
    sizes = np.asarray(lengths)
    rows = pack(sizes, np.arange(len(sizes)), capacity)
    assert sorted(chain.from_iterable(rows)) == list(range(len(sizes)))
    totals = sorted(int(sizes[list(row)].sum()) for row in rows)
    assert totals[-1] <= capacity
    assert len(totals) < 2 or totals[0] + totals[1] > capacity  # else one row would have taken both


def test_an_example_that_fits_no_row_is_refused() -> None:
    with pytest.raises(TrainingError, match="does not fit a row of 20"):
        pack(np.asarray([5, 21]), [0, 1], 20)


def test_packing_wastes_little() -> None:
    lengths = np.random.default_rng(0).integers(20, 400, size=2000)
    rows = pack(lengths, np.arange(2000), 1024)
    assert lengths.sum() / (1024 * len(rows)) > 0.99


@settings(deadline=None)  # the machine may be busy
@given(lengths_of, st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.sampled_from([0.5, 1, 2]), st.booleans())
def test_a_packed_plan_is_deterministic_and_splits_among_ranks(
    lengths: list[int], batch: int, accumulation: int, ranks: int, epochs: float, easy: bool
) -> None:
    asked: dict[str, Any] = {"epochs": epochs, "seed": 5, "capacity": 60}
    if easy:
        asked["easy"] = Easy(np.asarray(lengths, dtype=float))
    plan, again = (
        plan_batches(lengths, batch_size=batch, accumulation=accumulation, ranks=ranks, **asked) for _ in range(2)
    )
    whole = plan_batches(lengths, batch_size=batch * accumulation * ranks, **asked)
    assert plan.rows == again.rows == whole.rows
    assert plan.steps.size == len(plan.rows or ())
    found = [row for rank in range(ranks) for micro in plan.micro_batches(rank) for row in micro]
    assert Counter(found) == Counter(plan.rows)
    if epochs >= 1:
        seen = Counter(chain.from_iterable(plan.rows or ()))
        assert all(seen[index] >= epochs for index in range(len(lengths)))


def test_held_out_examples_come_once_each() -> None:
    lengths = np.random.default_rng(1).integers(5, 60, size=50)
    among = np.arange(0, 50, 3)
    plain = plan_evaluation(lengths, among, batch_size=4, capacity=None)
    packed = plan_evaluation(lengths, among, batch_size=2, capacity=100)
    assert sorted(chain.from_iterable(plain)) == among.tolist()  # type: ignore[arg-type]
    assert sorted(i for rows in packed for row in rows for i in row) == among.tolist()  # type: ignore[union-attr]
