"""nano's shape."""

from __future__ import annotations

from transformers import Qwen3MoeConfig

VOCABULARY = 4096


def nano_config(
    vocab_size: int = VOCABULARY, *, pad_token_id: int | None = None, eos_token_id: int | None = None
) -> Qwen3MoeConfig:
    """The config of nano: 12.1 M parameters, 7.3 M active a token, at a vocabulary of 4,096.

    Parameters, d = 256, V = 4096: embedding (tied with the head) V*d = 1.05 M; a layer: attention
    2*d*256 + 2*d*128 = 0.20 M, experts 8 * 3*d*192 = 1.18 M (4 of 8 active). Eight layers.
    `2 * moe_intermediate_size != hidden_size` on purpose: some 4-bit kernels guess a square expert's
    orientation from its shape, and guess wrong.
    """
    return Qwen3MoeConfig(  # type: ignore[call-arg]
        vocab_size=vocab_size,
        hidden_size=256,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        intermediate_size=512,  # of dense layers, of which nano has none
        num_experts=8,
        num_experts_per_tok=4,
        moe_intermediate_size=192,
        norm_topk_prob=True,
        max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        pad_token_id=pad_token_id,
        eos_token_id=eos_token_id,
    )
