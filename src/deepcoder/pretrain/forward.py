"""A forward pass of Qwen3-MoE written for pre-training: packed documents, every expert computed densely.

It reads the parameters of transformers' own `Qwen3MoeForCausalLM`, so that what is trained is what is loaded later;
tests hold it equal to that model's forward. Two things differ in how it computes:

- Documents packed into one row do not see each other: attention asks for equal document numbers (flex attention on
  CUDA, an explicit mask elsewhere).
- With 8 small experts of which 2 are used, two large matrix products over all experts are faster on a GPU than routing
  tokens: outputs of experts that were not chosen are multiplied by a weight of zero.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import Qwen3MoeForCausalLM

Mask = Tensor | BlockMask


def document_numbers(input_ids: Tensor, separator: int) -> Tensor:
    """(rows, length) numbers of the documents in packed rows; a separator ends its document."""
    ends = (input_ids == separator).long()
    return ends.cumsum(1) - ends


def visible_mask(documents: Tensor) -> Tensor:
    """(rows, 1, length, length) True where a query sees a key: causal, and within its document."""
    length = documents.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=documents.device).tril()
    return (documents[:, None, :, None] == documents[:, None, None, :]) & causal


def flex_mask(documents: Tensor) -> BlockMask:
    """The same as `visible_mask`, as flex attention's block mask. Built outside the compiled step."""

    def visible(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (documents[row, query] == documents[row, key])

    rows, length = documents.shape
    return create_block_mask(visible, rows, None, length, length, device=documents.device)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Mask) -> Tensor:
    """Attention of (rows, heads, length, head_dim) under either kind of mask."""
    if isinstance(mask, Tensor):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return flex_attention(query, key, value, block_mask=mask)


def rotary_tables(length: int, head_dim: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """cos and sin, each (length, head_dim), in transformers' half-split layout."""
    frequency = theta ** (-torch.arange(0, head_dim, 2, device=device, dtype=torch.float32) / head_dim)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * frequency
    return torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding of (rows, heads, length, head_dim)."""
    first, second = states.chunk(2, -1)
    return states * cos + torch.cat((-second, first), -1) * sin


def dense_experts(states: Tensor, experts: nn.Module, weights: Tensor) -> Tensor:
    """sum_e weights[:, e] * expert_e(states), all experts computed. states (n, d), weights (n, experts)."""
    gate_up, down = experts.gate_up_proj, experts.down_proj
    assert isinstance(gate_up, Tensor)
    assert isinstance(down, Tensor)
    count, doubled, width = gate_up.shape
    gate, up = F.linear(states, gate_up.reshape(count * doubled, width)).view(-1, count, doubled).chunk(2, -1)
    inner = F.silu(gate) * up * weights[..., None].to(gate.dtype)
    return F.linear(inner.flatten(1), down.permute(1, 0, 2).reshape(width, -1))


def route(states: Tensor, router: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """(weights (n, experts), zero where not chosen and summing to one; balance loss, 1.0 when all are used alike)."""
    with torch.autocast(states.device.type, enabled=False):
        probability = (states.float() @ router.float().T).softmax(-1)
    value, chosen = probability.topk(top_k, dim=-1)
    weights = torch.zeros_like(probability).scatter(-1, chosen, value / value.sum(-1, keepdim=True))
    share = (weights > 0).float().mean(0) / top_k
    return weights, probability.shape[-1] * (share * probability.mean(0)).sum()


class Pretraining(nn.Module):
    """Loss of packed rows. `experts`: `dense`, or `routed` (the model's own module)."""

    def __init__(self, model: Qwen3MoeForCausalLM, *, experts: str = "dense", logit_penalty: float = 1e-5) -> None:
        super().__init__()
        self.model, self.experts, self.logit_penalty = model, experts, logit_penalty

    def hidden(self, input_ids: Tensor, mask: Mask) -> tuple[Tensor, Tensor]:
        """(rows, length, d) final states and the routers' mean balance loss."""
        config: Any = self.model.config
        body = self.model.model
        rows, length = input_ids.shape
        theta = config.rope_parameters["rope_theta"]
        cos, sin = rotary_tables(length, config.head_dim, theta, input_ids.device)
        groups = config.num_attention_heads // config.num_key_value_heads
        states = F.embedding(input_ids, body.embed_tokens.weight)
        balance = states.new_zeros(())
        for layer in body.layers:
            attention: Any = layer.self_attn
            inner = _norm(states, layer.input_layernorm)
            query = _norm(attention.q_proj(inner).view(rows, length, -1, config.head_dim), attention.q_norm)
            key = _norm(attention.k_proj(inner).view(rows, length, -1, config.head_dim), attention.k_norm)
            value = attention.v_proj(inner).view(rows, length, -1, config.head_dim).transpose(1, 2)
            query, key = (rotate(part.transpose(1, 2), cos, sin).to(value.dtype) for part in (query, key))
            key, value = (part.repeat_interleave(groups, 1) for part in (key, value))
            mixed = attend(query, key, value, mask).transpose(1, 2).reshape(rows, length, -1)
            states = states + attention.o_proj(mixed)
            inner = _norm(states, layer.post_attention_layernorm).flatten(0, 1)
            weights, layer_balance = route(inner, layer.mlp.gate.weight, config.num_experts_per_tok)
            balance = balance + layer_balance / config.num_hidden_layers
            if self.experts == "dense":
                moved = dense_experts(inner, layer.mlp.experts, weights)
            else:
                value_k, chosen = weights.topk(config.num_experts_per_tok, dim=-1)
                moved = layer.mlp.experts(inner, chosen, value_k)
            states = states + moved.view(rows, length, -1)
        return _norm(states, body.norm), balance

    def forward(self, input_ids: Tensor, targets: Tensor, mask: Mask) -> tuple[Tensor, Tensor, Tensor]:
        """Mean cross-entropy over targets that are not -100, the logit penalty, the balance loss."""
        states, balance = self.hidden(input_ids, mask)
        logits = F.linear(states, self.model.lm_head.weight).flatten(0, 1).float()
        flat = targets.flatten()
        loss = F.cross_entropy(logits, flat, ignore_index=-100)
        penalty = (logits.logsumexp(-1).square() * (flat != -100)).sum() / (flat != -100).sum()
        return loss, self.logit_penalty * penalty, balance


def _norm(states: Tensor, module: Any) -> Tensor:
    return F.rms_norm(states.float(), (states.shape[-1],), module.weight, module.variance_epsilon)
