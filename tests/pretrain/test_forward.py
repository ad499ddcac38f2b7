from __future__ import annotations

import pytest
import torch
from transformers import Qwen3MoeForCausalLM

from deepcoder.pretrain.forward import Pretraining, document_numbers, route, visible_mask
from deepcoder.pretrain.muon import Muon, orthogonalise
from deepcoder.pretrain.shapes import SHAPES, shape_config

SEPARATOR = 0


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = Qwen3MoeForCausalLM(shape_config("toy", 64, pad_token_id=3, eos_token_id=2)).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def logits(model, ids, experts="dense"):
    states, _ = Pretraining(model, experts=experts).hidden(ids, visible_mask(document_numbers(ids, SEPARATOR)))
    return model.lm_head(states)


@pytest.mark.parametrize("experts", ["dense", "routed"])
def test_equals_transformers_own_forward_and_gradient(model, experts):
    ids = torch.randint(4, 64, (2, 24), generator=torch.Generator().manual_seed(1))
    wanted = model(ids).logits
    made = logits(model, ids, experts)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
    parameters = [p for p in model.parameters() if p.requires_grad]
    one = torch.autograd.grad(made.square().mean(), parameters)
    two = torch.autograd.grad(wanted.square().mean(), parameters)
    torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


def test_packed_documents_do_not_see_each_other(model):
    ids = torch.randint(4, 64, (2, 24), generator=torch.Generator().manual_seed(2))
    ids[:, 9] = SEPARATOR
    packed = logits(model, ids)
    torch.testing.assert_close(packed[:, :10], model(ids[:, :10]).logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(packed[:, 10:], model(ids[:, 10:]).logits, atol=1e-5, rtol=1e-5)


def test_a_separator_belongs_to_the_document_that_it_ends():
    assert document_numbers(torch.tensor([[5, 0, 6, 0, 7]]), SEPARATOR).tolist() == [[0, 0, 1, 1, 2]]


def test_the_loss_ignores_masked_targets(model):
    ids = torch.randint(4, 64, (1, 12))
    targets = ids.roll(-1, 1)
    mask = visible_mask(document_numbers(ids, SEPARATOR))
    training = Pretraining(model)
    some = targets.clone()
    some[:, 6:] = -100
    whole = training(ids, targets, mask)[0]
    half = training(ids, some, mask)[0]
    expected = torch.nn.functional.cross_entropy(model(ids).logits[0, :6], targets[0, :6])
    torch.testing.assert_close(half, expected)
    assert abs(whole - half) > 1e-4


def test_the_balance_loss_is_one_for_even_use_and_grows_for_collapse():
    torch.manual_seed(0)
    _, even = route(torch.randn(4000, 16), torch.randn(8, 16) * 0.01, 2)
    _, collapsed = route(torch.ones(100, 16), torch.arange(8.0)[:, None].expand(8, 16), 2)
    assert 0.95 < float(even) < 1.05
    assert float(collapsed) > 3.5


def test_no_shape_has_square_experts():
    assert all(2 * shape["moe_intermediate_size"] != shape["hidden_size"] for shape in SHAPES.values())


@pytest.mark.parametrize("shape", [(16, 48), (48, 16), (3, 16, 24)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape):
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(0))).float())
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3


def test_muon_fits_a_linear_map():
    torch.manual_seed(0)
    target, weight = torch.randn(8, 12), torch.nn.Parameter(torch.zeros(8, 12))
    optimizer = Muon([weight], 0.05, weight_decay=0.0)
    first = float(target.square().mean())
    for _ in range(150):
        optimizer.zero_grad()
        (weight - target).square().mean().backward()
        optimizer.step()
    assert float((weight.detach() - target).square().mean()) < 0.05 * first
