from __future__ import annotations

import pytest
import torch

from deepcoder.config import LoraConfig
from deepcoder.train.hidden import hidden_states
from deepcoder.train.student import add_adapters
from tests.train.students import tiny_model

IDS = torch.arange(10, 22).reshape(2, 6)


def test_hidden_states_are_what_the_head_sees() -> None:
    model = tiny_model()
    hidden, balance = hidden_states(model, model.lm_head, IDS)
    torch.testing.assert_close(hidden, model.model(input_ids=IDS).last_hidden_state)
    torch.testing.assert_close(model.lm_head(hidden), model(input_ids=IDS).logits)
    assert balance is None


def test_wrapped_models_give_theirs() -> None:
    model = add_adapters(tiny_model(), LoraConfig(rank=2))
    hidden, _ = hidden_states(model, model.get_output_embeddings(), IDS)
    assert hidden.shape == (2, 6, 32)


def test_the_head_works_again_after_an_error() -> None:
    model = tiny_model()
    with pytest.raises(IndexError):
        hidden_states(model, model.lm_head, torch.tensor([[99_999]]))
    assert model(input_ids=IDS).logits.shape == (2, 6, 4096)


def test_the_load_balancing_loss_comes_on_request() -> None:
    model = tiny_model()
    _, balance = hidden_states(
        model, model.lm_head, IDS, attention_mask=torch.ones_like(IDS), output_router_logits=True
    )
    assert balance is not None
    assert balance.requires_grad
