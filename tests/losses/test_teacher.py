"""What each kind of teacher means, apart from how it is computed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from deepcoder.losses import FullTeacher, Teacher, TopKTeacher, sad_loss

N, V, D = 7, 11, 4
ONE: dict[str, Any] = {"lambda_reason": 1.0, "lambda_act": 1.0, "n_reason": 1, "n_act": 1}


def student() -> tuple[Tensor, Tensor]:
    return torch.randn(N, D, dtype=torch.float64, requires_grad=True), torch.randn(V, D, dtype=torch.float64)


def value(rows: Tensor, head: Tensor, teacher: Teacher | None) -> Tensor:
    return sad_loss(rows, head, torch.zeros(N, dtype=torch.long), torch.ones(N), teacher=teacher, **ONE).loss


def of_itself(kind: str, rows: Tensor, head: Tensor) -> Teacher:
    logits = (rows @ head.T).detach()
    if kind == "topk":
        top = torch.log_softmax(logits, 1).topk(3)
        return TopKTeacher(top.indices, top.values)
    return FullTeacher(kind, logits=logits)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["topk", "forward", "reverse", "jsd"])
def test_a_teacher_equal_to_the_student_teaches_nothing(kind: str) -> None:
    rows, head = student()
    loss = value(rows, head, of_itself(kind, rows, head))
    loss.backward()
    assert rows.grad is not None
    torch.testing.assert_close(loss.detach(), torch.zeros((), dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(rows.grad, torch.zeros_like(rows), atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", ["forward", "reverse", "jsd"])
def test_any_other_teacher_costs_something(kind: Any) -> None:
    rows, head = student()
    assert value(rows, head, FullTeacher(kind, logits=torch.randn(N, V, dtype=torch.float64))) > 0.1


def test_the_whole_vocabulary_as_top_k_is_the_full_forward_kl() -> None:
    rows, head = student()
    logits = torch.randn(N, V, dtype=torch.float64)
    top = torch.log_softmax(logits, 1).topk(V)
    torch.testing.assert_close(
        value(rows, head, TopKTeacher(top.indices, top.values)),
        value(rows, head, FullTeacher("forward", logits=logits)),
    )


def test_a_certain_teacher_is_cross_entropy() -> None:
    rows, head = student()
    certain = TopKTeacher(torch.zeros(N, 1, dtype=torch.long), torch.zeros(N, 1, dtype=torch.float64))
    torch.testing.assert_close(value(rows, head, certain), value(rows, head, None))


def test_top_k_and_tail_by_hand() -> None:
    # student: uniform over 4 words; teacher: word 2 with 3/4, the other three share one bucket of 1/4
    rows, head = torch.zeros(1, 1, dtype=torch.float64), torch.zeros(4, 1, dtype=torch.float64)
    teacher = TopKTeacher(torch.tensor([[2]]), torch.tensor([[math.log(3 / 4)]], dtype=torch.float64))
    out = sad_loss(rows, head, torch.tensor([2]), torch.tensor([1]), teacher=teacher, **ONE)
    want = 3 / 4 * math.log((3 / 4) / (1 / 4)) + 1 / 4 * math.log((1 / 4) / (3 / 4))
    assert out.loss.item() == pytest.approx(want, rel=1e-12)


def test_a_padded_row_is_a_shorter_row() -> None:
    rows, head = student()
    top = torch.log_softmax(torch.randn(N, V, dtype=torch.float64), 1).topk(3)
    ids = torch.cat([top.indices, torch.full((N, 2), -1)], 1)
    scores = torch.cat([top.values, torch.full((N, 2), math.nan, dtype=torch.float64)], 1)
    torch.testing.assert_close(
        value(rows, head, TopKTeacher(ids, scores)), value(rows, head, TopKTeacher(top.indices, top.values))
    )


def test_a_tail_that_the_student_has_all_but_given_up_costs_a_finite_price() -> None:
    # p_tail = e^-200 underflows in fp32 when taken as 1 - sum(p_top)
    rows, head = torch.tensor([[200.0]], requires_grad=True), torch.tensor([[1.0], [0.0]])
    teacher = TopKTeacher(torch.tensor([[0]]), torch.tensor([[math.log(0.5)]]))
    out = sad_loss(rows, head, torch.tensor([0]), torch.tensor([1]), teacher=teacher, **ONE)
    out.loss.backward()
    assert out.loss.item() == pytest.approx(0.5 * math.log(0.5) * 2 + 0.5 * 200, rel=1e-5)
    assert rows.grad is not None
    assert rows.grad.item() == pytest.approx(0.5, rel=1e-5)


def test_jsd_with_equal_weights_is_symmetric() -> None:
    p, q = torch.randn(2, N, V, dtype=torch.float64)
    eye = torch.eye(V, dtype=torch.float64)
    torch.testing.assert_close(
        value(p, eye, FullTeacher("jsd", 0.5, logits=q)), value(q, eye, FullTeacher("jsd", 0.5, logits=p))
    )


def test_hidden_states_and_head_are_the_same_teacher_as_their_logits() -> None:
    rows, head = student()
    hidden, teacher_head = torch.randn(N, 3, dtype=torch.float64), torch.randn(V, 3, dtype=torch.float64)
    for kind in ("forward", "reverse", "jsd"):
        torch.testing.assert_close(
            value(rows, head, FullTeacher(kind, hidden=hidden, head=teacher_head)),  # type: ignore[arg-type]
            value(rows, head, FullTeacher(kind, logits=hidden @ teacher_head.T)),  # type: ignore[arg-type]
        )


def test_the_teacher_gets_no_gradient() -> None:
    rows, head = student()
    logits = torch.randn(N, V, dtype=torch.float64, requires_grad=True)
    value(rows, head, FullTeacher("reverse", logits=logits)).backward()
    assert logits.grad is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: FullTeacher("forward"),
        lambda: FullTeacher("forward", hidden=torch.zeros(1, 1)),
        lambda: FullTeacher("jsd", 1.0, logits=torch.zeros(1, 2)),
        lambda: FullTeacher("sideways", logits=torch.zeros(1, 2)),  # type: ignore[arg-type]
        lambda: TopKTeacher(torch.zeros(2, 3), torch.zeros(2, 4)),
    ],
)
def test_a_teacher_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()
