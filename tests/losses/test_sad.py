"""The chunked loss against hand-worked numbers, the dense reference and autograd."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from deepcoder.losses import FullTeacher, SadOutput, Teacher, TopKTeacher, sad_loss, sad_loss_dense, select_rows

V, D = 13, 6
TEACHERS = ("text", "topk", "topk_padded", "forward", "reverse", "jsd", "hidden")


def make(n: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(n, D, dtype=dtype, generator=generator).requires_grad_()
    head = torch.randn(V, D, dtype=dtype, generator=generator).requires_grad_()
    targets = torch.randint(V, (n,), generator=generator)
    spans = torch.randint(1, 3, (n,), generator=generator)
    return rows, head, targets, spans


def make_teacher(kind: str, n: int, seed: int = 1) -> Teacher | None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, V, dtype=torch.float64, generator=generator)
    top = torch.log_softmax(logits, 1).topk(4)
    if kind == "text":
        return None
    if kind == "topk":
        return TopKTeacher(top.indices, top.values)
    if kind == "topk_padded":
        ids = top.indices.masked_fill(torch.arange(4) >= torch.arange(n)[:, None] % 5, -1)
        return TopKTeacher(ids, top.values)
    if kind == "hidden":
        hidden = torch.randn(n, 3, dtype=torch.float64, generator=generator)
        return FullTeacher("forward", hidden=hidden, head=torch.randn(V, 3, dtype=torch.float64, generator=generator))
    return FullTeacher(kind, 0.3, logits=logits)  # type: ignore[arg-type]


WEIGHTS: dict[str, Any] = {"lambda_reason": 0.7, "lambda_act": 1.3, "n_reason": 9, "n_act": 5}


def grads(out: SadOutput, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(out.loss, inputs))


# --- by hand ------------------------------------------------------------------------------------


def by_hand() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Three tokens, 2 words. The states at tokens 0 and 1 give log-odds 0 and ln 3 for word 1.

    Token 1 is REASON and word 1: p = 1/2. Token 2 is ACT and word 0: p = 1/4.
    """
    hidden = torch.tensor([[[0.0], [math.log(3)], [7.0]]], dtype=torch.float64, requires_grad=True)
    head = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    return hidden, head, torch.tensor([[0, 1, 0]]), torch.tensor([[0, 1, 2]])


def test_three_tokens_by_hand() -> None:
    hidden, head, input_ids, span_ids = by_hand()
    rows, targets, spans = select_rows(hidden, input_ids, span_ids)
    out = sad_loss(rows, head, targets, spans, lambda_reason=2, lambda_act=3, n_reason=1, n_act=1)
    out.loss.backward()
    assert out.sum_reason.item() == pytest.approx(math.log(2), rel=1e-12)
    assert out.sum_act.item() == pytest.approx(math.log(4), rel=1e-12)
    assert out.loss.item() == pytest.approx(2 * math.log(2) + 3 * math.log(4), rel=1e-12)
    assert (out.n_reason.item(), out.n_act.item()) == (1, 1)
    # d loss / d hidden = lambda * (p(word 1) - [target is word 1]): 2 * (1/2 - 1) and 3 * (3/4 - 0)
    assert hidden.grad is not None
    assert hidden.grad.flatten().tolist() == pytest.approx([-1.0, 2.25, 0.0], rel=1e-12)


def test_span_normalisation_divides_each_sum_by_its_own_count() -> None:
    hidden, head, input_ids, span_ids = by_hand()
    rows, targets, spans = select_rows(hidden, input_ids, span_ids)
    out = sad_loss(rows, head, targets, spans, lambda_reason=1, lambda_act=1, n_reason=4, n_act=10)
    assert out.loss.item() == pytest.approx(math.log(2) / 4 + math.log(4) / 10, rel=1e-12)


def test_token_normalisation_with_equal_lambdas_is_mean_cross_entropy() -> None:
    rows, head, targets, spans = make(11)
    counts = {"n_reason": int((spans == 1).sum()), "n_act": int((spans == 2).sum())}
    out = sad_loss(rows, head, targets, spans, lambda_reason=1, lambda_act=1, normalization="token", **counts)
    torch.testing.assert_close(out.loss, torch.nn.functional.cross_entropy(rows @ head.T, targets))


# --- the dense reference and autograd ---------------------------------------------------------------


@pytest.mark.parametrize("kind", TEACHERS)
@pytest.mark.parametrize("normalization", ["span", "token"])
@pytest.mark.parametrize("chunk_rows", [1, 4, 100])
def test_value_and_gradient_equal_the_dense_ones(kind: str, normalization: Any, chunk_rows: int) -> None:
    rows, head, targets, spans = make(10)
    teacher = make_teacher(kind, 10)
    arguments = {**WEIGHTS, "normalization": normalization, "teacher": teacher}
    dense = sad_loss_dense(rows, head, targets, spans, **arguments)
    ours = sad_loss(rows, head, targets, spans, chunk_rows=chunk_rows, **arguments)
    for got, want in zip(ours, dense, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-13)
    for got, want in zip(grads(ours, rows, head), grads(dense, rows, head), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-13)


@given(seed=st.integers(0, 10**6), n=st.integers(0, 9), chunk_rows=st.integers(1, 10), kind=st.sampled_from(TEACHERS))
@settings(max_examples=40, deadline=None)
def test_equal_to_dense_on_any_input(seed: int, n: int, chunk_rows: int, kind: str) -> None:
    rows, head, targets, spans = make(n, seed=seed)
    teacher = make_teacher(kind, n, seed + 1)
    dense = sad_loss_dense(rows, head, targets, spans, teacher=teacher, **WEIGHTS)
    ours = sad_loss(rows, head, targets, spans, teacher=teacher, chunk_rows=chunk_rows, **WEIGHTS)
    torch.testing.assert_close(ours.loss, dense.loss, rtol=1e-11, atol=1e-13)
    for got, want in zip(grads(ours, rows, head), grads(dense, rows, head), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", TEACHERS)
def test_gradcheck(kind: str) -> None:
    rows, head, targets, spans = make(5)
    teacher = make_teacher(kind, 5)

    def loss(rows: Tensor, head: Tensor) -> Tensor:
        return sad_loss(rows, head, targets, spans, teacher=teacher, chunk_rows=2, **WEIGHTS).loss

    assert torch.autograd.gradcheck(loss, (rows, head))


@pytest.mark.parametrize("kind", TEACHERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_inputs_are_computed_in_fp32(kind: str, dtype: torch.dtype) -> None:
    rows, head, targets, spans = make(10, dtype)
    teacher = make_teacher(kind, 10)
    wide_rows, wide_head = (x.detach().double().requires_grad_() for x in (rows, head))
    want = sad_loss_dense(wide_rows, wide_head, targets, spans, teacher=teacher, **WEIGHTS)
    got = sad_loss(rows, head, targets, spans, teacher=teacher, chunk_rows=3, **WEIGHTS)
    assert got.loss.dtype == torch.float32
    torch.testing.assert_close(got.loss.double(), want.loss, rtol=1e-5, atol=1e-6)
    tolerance = 1e-5 if dtype == torch.float32 else 2**-7  # one rounding of the gradient itself
    for ours, reference in zip(grads(got, rows, head), grads(want, wide_rows, wide_head), strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours.double(), reference, rtol=tolerance, atol=tolerance / 10)


def test_an_outer_factor_scales_the_gradient() -> None:
    rows, head, targets, spans = make(6)
    out = sad_loss(rows, head, targets, spans, **WEIGHTS)
    torch.testing.assert_close(
        torch.autograd.grad(3 * out.loss, rows, retain_graph=True)[0], 3 * torch.autograd.grad(out.loss, rows)[0]
    )


# --- what is computed for whom ----------------------------------------------------------------------


def test_a_frozen_head_gets_no_gradient_and_none_is_kept() -> None:
    rows, head, targets, spans = make(6)
    out = sad_loss(rows, head.detach(), targets, spans, **WEIGHTS)
    saved_rows, saved_head = out.loss.grad_fn.saved_tensors  # type: ignore[union-attr]
    assert saved_rows.shape == rows.shape
    assert saved_head is None
    out.loss.backward()
    assert rows.grad is not None


def test_rows_without_gradient_still_train_the_head() -> None:
    rows, head, targets, spans = make(6)
    sad_loss(rows.detach(), head, targets, spans, **WEIGHTS).loss.backward()
    reference = head.detach().clone().requires_grad_()
    sad_loss_dense(rows.detach(), reference, targets, spans, **WEIGHTS).loss.backward()
    torch.testing.assert_close(head.grad, reference.grad)


def test_a_tied_head_gets_both_gradients() -> None:
    table = torch.randn(V, D, dtype=torch.float64, requires_grad=True)
    input_ids = torch.tensor([[1, 5, 2, 7], [3, 3, 0, 12]])
    span_ids = torch.tensor([[0, 1, 2, 3], [0, 2, 1, 1]])
    found = []
    for loss in (sad_loss, sad_loss_dense):
        hidden = torch.tanh(torch.nn.functional.embedding(input_ids, table))
        rows, targets, spans = select_rows(hidden, input_ids, span_ids)
        found += grads(loss(rows, table, targets, spans, **WEIGHTS), table)
    torch.testing.assert_close(found[0], found[1])


def test_without_grad_mode_only_the_value_is_computed() -> None:
    rows, head, targets, spans = make(6)
    want = sad_loss(rows, head, targets, spans, **WEIGHTS)
    with torch.no_grad():
        got = sad_loss(rows, head, targets, spans, **WEIGHTS)
    assert got.loss.grad_fn is None
    torch.testing.assert_close(got.loss, want.loss.detach())


def test_sums_and_counts_are_detached() -> None:
    out = sad_loss(*make(6), **WEIGHTS)
    assert out.loss.requires_grad
    assert not any(item.requires_grad for item in out[1:])


def test_nothing_trained_still_backpropagates_zeros() -> None:
    hidden = torch.randn(2, 3, D, requires_grad=True)
    head = torch.randn(V, D, requires_grad=True)
    ids = torch.zeros(2, 3, dtype=torch.long)
    rows, targets, spans = select_rows(hidden, ids, ids)
    out = sad_loss(rows, head, targets, spans, lambda_reason=1, lambda_act=1, n_reason=0, n_act=0)
    out.loss.backward()
    assert out.loss.item() == 0
    for tensor in (hidden, head):
        assert tensor.grad is not None
        assert not tensor.grad.any()


def test_a_span_without_tokens_adds_nothing() -> None:
    rows, head, targets, _ = make(4)
    only_act = torch.full((4,), 2)
    out = sad_loss(rows, head, targets, only_act, lambda_reason=1, lambda_act=1, n_reason=0, n_act=4)
    torch.testing.assert_close(out.loss, torch.nn.functional.cross_entropy(rows @ head.T, targets))


def test_micro_batches_add_up_to_the_whole_step() -> None:
    rows, head, targets, spans = make(12)
    whole = sad_loss(rows, head, targets, spans, **WEIGHTS)
    parts = [sad_loss(rows[a : a + 5], head, targets[a : a + 5], spans[a : a + 5], **WEIGHTS) for a in range(0, 12, 5)]
    torch.testing.assert_close(sum(part.loss for part in parts), whole.loss)
    torch.testing.assert_close(sum(part.sum_act for part in parts), whole.sum_act)
    for got, want in zip(
        torch.autograd.grad(sum(part.loss for part in parts), (rows, head)), grads(whole, rows, head), strict=True
    ):
        torch.testing.assert_close(got, want)


def test_counts_may_be_tensors() -> None:
    rows, head, targets, spans = make(6)
    want = sad_loss(rows, head, targets, spans, lambda_reason=1, lambda_act=2, n_reason=3, n_act=4)
    got = sad_loss(
        rows, head, targets, spans, lambda_reason=1, lambda_act=2, n_reason=torch.tensor(3), n_act=torch.tensor(4)
    )
    torch.testing.assert_close(got.loss, want.loss)


class LargestTensor(TorchDispatchMode):
    """Records the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, tuple | list) else (out,):
            if isinstance(item, Tensor):
                self.numel = max(self.numel, item.numel())
        return out


@pytest.mark.parametrize("kind", TEACHERS)
def test_the_logits_are_never_materialised_whole(kind: str) -> None:
    n, chunk_rows = 60, 10
    rows, head, targets, spans = make(n)
    teacher = make_teacher(kind, n)
    with LargestTensor() as largest:
        sad_loss(rows, head, targets, spans, teacher=teacher, chunk_rows=chunk_rows, **WEIGHTS).loss.backward()
    allowed = max(n * D, V * D, chunk_rows * V) if not isinstance(teacher, FullTeacher) else n * V - 1
    assert largest.numel <= allowed


@pytest.mark.parametrize("kind", TEACHERS)
def test_huge_logits_stay_finite(kind: str) -> None:
    rows, head, targets, spans = make(6, torch.float32)
    out = sad_loss(rows * 1e4, head, targets, spans, teacher=make_teacher(kind, 6), **WEIGHTS)
    assert torch.isfinite(out.loss)
    assert all(torch.isfinite(grad).all() for grad in grads(out, rows, head))


def test_autocast_does_not_change_the_result() -> None:
    rows, head, targets, spans = make(6, torch.float32)
    want = sad_loss(rows, head, targets, spans, **WEIGHTS)
    with torch.autocast("cpu", torch.bfloat16):
        got = sad_loss(rows, head, targets, spans, **WEIGHTS)
    assert torch.equal(got.loss, want.loss)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # dynamo does so itself
def test_torch_compile_traces_it_whole() -> None:
    rows, head, targets, spans = make(6, torch.float32)

    def loss(rows: Tensor, head: Tensor) -> Tensor:
        return sad_loss(rows, head, targets, spans, chunk_rows=4, **WEIGHTS).loss

    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    got, want = compiled(rows, head), loss(rows, head)
    torch.testing.assert_close(got, want)
    for ours, reference in zip(
        torch.autograd.grad(got, (rows, head)), torch.autograd.grad(want, (rows, head)), strict=True
    ):
        torch.testing.assert_close(ours, reference)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": torch.zeros(4, D + 1)}, "must be"),
        ({"targets": torch.zeros(3, dtype=torch.long)}, "targets"),
        ({"teacher": make_teacher("topk", 3)}, "3 rows"),
        ({"chunk_rows": 0}, "chunk_rows"),
        ({"normalization": "word"}, "normalization"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, Any], words: str) -> None:
    rows, head, targets, spans = make(4, torch.float32)
    arguments = {"rows": rows, "head_weight": head, "targets": targets, "spans": spans, **WEIGHTS, **change}
    with pytest.raises(ValueError, match=words):
        sad_loss(**arguments)
