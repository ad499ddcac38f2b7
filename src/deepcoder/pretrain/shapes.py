"""Shapes a base can have. `2 * moe_intermediate_size` is never `hidden_size`: some 4-bit kernels guess wrong then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import Qwen3MoeConfig

_NARROW: dict[str, Any] = {
    "hidden_size": 256, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 32,
    "moe_intermediate_size": 192,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    # 9.3 M parameters, 4.0 M active a token
    "base": _NARROW | {"num_hidden_layers": 6, "num_experts": 8, "num_experts_per_tok": 2},
    # 12.1 M parameters, 5.0 M active
    "deep": _NARROW | {"num_hidden_layers": 8, "num_experts": 8, "num_experts_per_tok": 2},
    # the same with four experts a token, 7.3 M active: nano
    "four": _NARROW | {"num_hidden_layers": 8, "num_experts": 8, "num_experts_per_tok": 4},
    # 12.3 M parameters, 6.9 M active, half as deep again
    "tall": _NARROW | {"num_hidden_layers": 12, "num_experts": 5, "num_experts_per_tok": 2},
    # 11.1 M parameters, 4.7 M active, wider
    "wide": {"hidden_size": 288, "num_hidden_layers": 6, "num_attention_heads": 9, "num_key_value_heads": 3}
    | {"head_dim": 32, "num_experts": 8, "moe_intermediate_size": 208, "num_experts_per_tok": 2},
    "toy": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    | {"head_dim": 16, "num_experts": 4, "moe_intermediate_size": 24, "num_experts_per_tok": 2},
}


def shape_config(name: str, vocab_size: int, *, pad_token_id: int, eos_token_id: int) -> Qwen3MoeConfig:
    """The config of a shape in `SHAPES`, as transformers loads it (tied head)."""
    from transformers import Qwen3MoeConfig

    return Qwen3MoeConfig(
        vocab_size=vocab_size,
        **SHAPES[name],
        intermediate_size=512,  # of dense layers, of which there are none
        norm_topk_prob=True,
        max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        pad_token_id=pad_token_id,
        eos_token_id=eos_token_id,
        bos_token_id=None,
    )
