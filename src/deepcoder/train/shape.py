"""A student's shape: parameters, what a token costs to compute, what a device can compute.

Everything follows from the model's config, before any weight is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

# Dense bf16 with fp32 accumulation, TFLOP/s, of the makers' data sheets; by a part of the device's name.
PEAK_TFLOPS = {
    "B200": 2250.0, "H200": 989.0, "H100 PCIe": 756.0, "H100 NVL": 835.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0,
    "L40": 181.0, "L4": 121.0, "A10": 125.0, "RTX 5090": 209.5, "RTX 4090": 165.2, "RTX 3090": 71.0,
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A decoder with gated MLPs, dense (`experts` 0) or a mixture of them in every layer.

    width: of the hidden states (d); mlp_width: of one expert, or of the dense MLP; active: experts a token.
    """

    layers: int
    width: int
    heads: int
    key_heads: int
    head_width: int
    mlp_width: int
    experts: int
    active: int
    vocabulary: int
    tied: bool

    @property
    def attention(self) -> int:
        """Parameters of one layer's q, k, v and o."""
        return 2 * self.width * self.head_width * (self.heads + self.key_heads)

    @property
    def mlp(self) -> int:
        """Parameters of one expert, or of the dense MLP."""
        return 3 * self.width * self.mlp_width

    @property
    def router(self) -> int:
        """Parameters of one layer's router."""
        return self.width * self.experts

    @property
    def head(self) -> int:
        """Parameters of the head, and of the embedding."""
        return self.width * self.vocabulary

    @property
    def parameters(self) -> int:
        """All, without the norms (some 0.01%)."""
        layer = self.attention + self.router + max(1, self.experts) * self.mlp
        return self.layers * layer + self.head * (1 if self.tied else 2)

    def adapters(self, rank: int, *, experts: bool) -> int:
        """Parameters of LoRA on the attention: rank * (in + out) a matrix; with `experts`, on every expert's fused
        gate_up_proj and down_proj too.
        """
        outer = self.head_width * (2 * self.heads + 2 * self.key_heads) + 4 * self.width
        inner = (self.width + 2 * self.mlp_width) + (self.mlp_width + self.width)
        return self.layers * rank * (outer + (self.experts * inner if experts else 0))


def shape_of(config: Any) -> Shape:
    """From a transformers config. Layers that are dense among mixtures count as mixtures."""
    experts = getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None) or 0
    head_width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        key_heads=getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
        head_width=head_width,
        mlp_width=(getattr(config, "moe_intermediate_size", None) if experts else None) or config.intermediate_size,
        experts=experts,
        active=config.num_experts_per_tok if experts else 1,
        vocabulary=config.vocab_size,
        tied=bool(getattr(config, "tie_word_embeddings", False)),
    )


def training_flops(shape: Shape, *, tokens: float, trained: float, pairs: float, full: bool) -> float:
    """What the mathematics of a step needs; recomputing under gradient checkpointing is not counted.

        forward = 2 * L * (attention + router + active * mlp) * tokens       matrix products with weights
                + 4 * L * heads * head_width * pairs                         scores, and their sum of values
                + 2 * d * V * trained                                        the head meets trained rows only
        step    = 3 * forward                                                gradients of inputs and of weights
                  2 * forward   for adapters: frozen weights have no gradient (their own products are left out)

    tokens: without padding; pairs: (token, token it attends to), n (n + 1) / 2 for an example of n.
    """
    matrices = shape.layers * (shape.attention + shape.router + shape.active * shape.mlp)
    scores = 4.0 * shape.layers * shape.heads * shape.head_width * pairs
    forward = 2.0 * matrices * tokens + scores + 2.0 * shape.head * trained
    # Attention's backward pass has both gradients, whatever is trained.
    return 3 * forward if full else 2 * forward + scores


def peak_flops(device: torch.device, configured: float | None) -> float | None:
    """FLOP/s that MFU is a share of: `configured` (TFLOP/s), else by the GPU's name, else unknown."""
    if configured is not None:
        return configured * 1e12
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    found = next((tflops for part, tflops in PEAK_TFLOPS.items() if part in name), None)
    return None if found is None else found * 1e12
