"""What makes transformers decode faster on a CPU, through its own extension points.

    speed_up(model)                                    attention and experts
    few_threads(model, torch.get_num_threads())        once, before threads share the model
    model.generate(..., past_key_values=roomy_cache(model.config))

- Attention: transformers copies keys and values for every query head of a group where there is a mask, so in every
  batch of unequal prompts; torch's kernel needs no copies.
- The cache: transformers copies all of it to append a token; here it has room for the tokens to come.
- Experts: `grouped_mm` sorts and counts, which is most of the work where there is one token; here its experts are
  simply called.
- Threads: what a small model does for one token a row is too little to share; waking another thread takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import DynamicCache, DynamicLayer
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS, grouped_mm_experts_forward
from transformers.masking_utils import sdpa_mask

NAME = "deepcoder_cpu"
ROOM = 256  # tokens that a cache has room for beyond what it holds when it grows
SMALL = 100_000_000  # parameters up to which one thread decodes; measured on nano's 12 M, not on larger ones


def speed_up(model: PreTrainedModel) -> None:
    """Give `model` this module's attention and experts in the place of transformers' sdpa and grouped_mm."""
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)
    if model.config._experts_implementation == "grouped_mm":
        model.set_experts_implementation(NAME)


def decodes_alone(model: PreTrainedModel) -> bool:
    """Whether a decoding step of `model` is too small to be shared among threads."""
    return model.device.type == "cpu" and model.num_parameters() <= SMALL


def few_threads(model: PreTrainedModel, threads: int) -> None:
    """From now on a small `model` works at one token a row in one thread, at longer pieces in `threads`.

    torch's number of threads is the calling thread's own, and stays as the last call has set it.
    """

    def choose(module: nn.Module, args: tuple[Any, ...], inputs: dict[str, Any]) -> None:
        torch.set_num_threads(1 if inputs["input_ids"].shape[1] == 1 else threads)

    if decodes_alone(model):
        model.register_forward_pre_hook(choose, with_kwargs=True)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """transformers' sdpa: query (B, heads, Q, D), key and value (B, groups, K, D) to (B, Q, heads, D)."""
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    out = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling, enable_gqa=True,
        is_causal=causal and attention_mask is None and query.shape[2] > 1,
    )  # fmt: skip
    return out.transpose(1, 2).contiguous(), None


def experts(self: Any, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
    """sum over k of weight * expert(x), for `hidden_states` (T, H), indices and weights (T, top_k)."""
    usual = self.has_gate and not (self.has_bias or self.is_transposed)
    if hidden_states.shape[0] > 1 or not usual or torch.is_grad_enabled():
        return grouped_mm_experts_forward(self, hidden_states, top_k_index, top_k_weights)
    total = torch.zeros_like(hidden_states)
    for expert, weight in zip(top_k_index[0].tolist(), top_k_weights[0].tolist(), strict=True):
        inner = self._apply_gate(functional.linear(hidden_states, self.gate_up_proj[expert]))
        total.add_(functional.linear(inner, self.down_proj[expert]), alpha=weight)
    return total


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer of a cache that keeps keys and values in buffers with room for more tokens."""

    _room: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append (B, groups, T, D) keys and values; all of them so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._room is None or self._room[0].shape[-2] < end:
            keys, values = self._roomier(key_states, end), self._roomier(value_states, end)
            if self.keys is not None and self.values is not None and start:
                keys[..., :start, :], values[..., :start, :] = self.keys, self.values
            self._room = keys, values
        keys, values = self._room
        keys[..., start:end, :], values[..., start:end, :] = key_states, value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    @staticmethod
    def _roomier(states: Tensor, length: int) -> Tensor:
        return states.new_empty((*states.shape[:-2], length + ROOM, states.shape[-1]))


def roomy_cache(config: PreTrainedConfig) -> DynamicCache:
    """The cache that transformers would make, with room in the layers that only ever grow."""
    cache = DynamicCache(config=config)
    roomy: Callable[[], DynamicLayer] = RoomyLayer
    cache.layers = [roomy() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
ALL_EXPERTS_FUNCTIONS.register(NAME, experts)
