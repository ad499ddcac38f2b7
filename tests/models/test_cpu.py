from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.train.students import tiny_model
from torch import Tensor
from transformers.cache_utils import DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeExperts

from deepcoder.models import cpu


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_experts_are_the_models_own(data: st.DataObject) -> None:
    count, rows = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 4))
    top_k = data.draw(st.integers(1, count))
    config = tiny_model().config
    config.num_experts, config.moe_intermediate_size = count, 8 * data.draw(st.integers(1, 5))
    config._experts_implementation = "eager"
    torch.manual_seed(data.draw(st.integers(0, 99)))
    module: Any = Qwen3MoeExperts(config)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    hidden = torch.randn(rows, config.hidden_size)
    weights, index = torch.randn(rows, count).softmax(-1).topk(top_k)
    with torch.inference_mode():
        torch.testing.assert_close(
            cpu.experts(module, hidden, index, weights), module(hidden, index, weights), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("queries", [1, 7])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_transformers_sdpa(queries: int, masked: bool) -> None:
    module = torch.nn.Module()
    module.num_key_value_groups = 3  # type: ignore[assignment]
    query = torch.randn(2, 6, queries, 16)
    key, value = torch.randn(2, 2, 2, 7, 16).unbind()
    mask = (torch.rand(2, 1, queries, 7) < 0.7) | (torch.arange(7) == 0) if masked else None
    expected, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    found, _ = cpu.attention(module, query, key, value, mask, scaling=0.3)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_the_cache_holds_what_was_put_into_it(lengths: Sequence[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "ROOM", 16)
        roomy, usual = cpu.RoomyLayer(), DynamicCache(config=tiny_model().config).layers[0]
        for length in lengths:
            keys, values = torch.randn(2, 2, 3, length, 4).unbind()
            for found, expected in zip(roomy.update(keys, values), usual.update(keys, values), strict=True):
                assert torch.equal(found, expected)
            assert roomy.get_seq_length() == usual.get_seq_length()


def test_logits_are_those_of_the_plain_model_in_a_batch_of_unequal_prompts() -> None:
    prompts = torch.randint(10, 4000, (3, 20), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(20) >= torch.tensor([[0], [5], [17]])).long()

    def decode(sped: bool) -> tuple[Tensor, Tensor]:
        model = tiny_model(seed=3, tied=False).train(False)
        if sped:
            cpu.speed_up(model)
            assert model.config._attn_implementation == model.config._experts_implementation == cpu.NAME
        out: Any = model.generate(
            prompts, attention_mask=mask, max_new_tokens=30, do_sample=False, output_logits=True, eos_token_id=None,
            return_dict_in_generate=True, past_key_values=cpu.roomy_cache(model.config) if sped else None,
        )  # fmt: skip
        return out.sequences, torch.stack(out.logits)

    tokens, logits = decode(sped=False)
    sped_tokens, sped_logits = decode(sped=True)
    assert torch.equal(sped_tokens, tokens)
    torch.testing.assert_close(sped_logits, logits, rtol=0, atol=1e-4)


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_single_tokens_are_decoded_in_one_thread(threads: int) -> None:
    model = tiny_model().train(False)
    seen: list[tuple[int, int]] = []
    cpu.few_threads(model, 3)
    model.register_forward_pre_hook(
        lambda module, args, inputs: seen.append((inputs["input_ids"].shape[1], torch.get_num_threads())),
        with_kwargs=True,
    )
    model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=3, do_sample=False, eos_token_id=None)  # type: ignore[operator]
    assert seen == [(3, 3), (1, 1), (1, 1)]


def test_a_model_that_is_not_small_keeps_its_threads(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(cpu, "SMALL", 10)
    model = tiny_model().train(False)
    assert not cpu.decodes_alone(model)
    cpu.few_threads(model, 3)
    model.generate(torch.tensor([[5]]), max_new_tokens=2, do_sample=False, eos_token_id=None)  # type: ignore[operator]
    assert torch.get_num_threads() == threads
