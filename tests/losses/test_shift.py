from __future__ import annotations

import pytest
import torch

from deepcoder.losses import ACT, REASON, select_rows, select_scores, trained_positions
from deepcoder.records import Span


def test_span_ids_are_those_of_the_records() -> None:
    assert (REASON, ACT) == (Span.REASON, Span.ACT)


def test_three_tokens_by_hand() -> None:
    hidden = torch.tensor([[[10.0], [11.0], [12.0]]])
    input_ids = torch.tensor([[5, 6, 7]])
    span_ids = torch.tensor([[0, 1, 2]])
    rows, targets, spans = select_rows(hidden, input_ids, span_ids)
    # token 6 (REASON) is predicted by the state at token 5, token 7 (ACT) by the state at token 6
    assert rows.tolist() == [[10.0], [11.0]]
    assert targets.tolist() == [6, 7]
    assert spans.tolist() == [1, 2]


def test_the_first_token_of_a_row_is_never_trained_not_even_from_the_row_before() -> None:
    rows, tokens = trained_positions(torch.tensor([[1, 0, 2], [2, 1, 0]]))
    assert tokens.tolist() == [2, 4]
    assert rows.tolist() == [1, 3]


def test_span_ids_are_not_changed() -> None:
    span_ids = torch.ones(2, 3, dtype=torch.int8)
    trained_positions(span_ids)
    assert span_ids.tolist() == [[1, 1, 1]] * 2


def test_packed_documents_do_not_predict_each_other() -> None:
    # two documents in one row, each beginning with template text (span 0)
    rows, tokens = trained_positions(torch.tensor([[0, 1, 2, 0, 1, 2]]))
    assert 3 not in tokens.tolist()
    assert list(zip(rows.tolist(), tokens.tolist(), strict=True)) == [(0, 1), (1, 2), (3, 4), (4, 5)]


def test_gradient_reaches_only_the_predicting_states() -> None:
    hidden = torch.ones(1, 4, 2, requires_grad=True)
    rows, _, _ = select_rows(hidden, torch.zeros(1, 4, dtype=torch.long), torch.tensor([[0, 0, 1, 3]]))
    rows.sum().backward()
    assert hidden.grad is not None
    assert hidden.grad[0, :, 0].tolist() == [0, 1, 0, 0]


def test_stored_scores_belong_to_the_token_itself() -> None:
    scores = torch.arange(6.0).reshape(1, 3, 2)
    assert select_scores(scores, torch.tensor([[0, 1, 2]])).tolist() == [[2.0, 3.0], [4.0, 5.0]]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="must agree"):
        select_rows(torch.zeros(1, 3, 2), torch.zeros(1, 4, dtype=torch.long), torch.zeros(1, 4, dtype=torch.long))
