"""Final hidden states from a causal LM, without its logits.

The head is switched to the identity for the call, so that `.logits` are what the head would have seen.
This goes through the model's own forward, whatever wraps it (PEFT, DDP, autocast, gradient
checkpointing), needs no name of an inner module, and materialises nothing of the vocabulary's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


def hidden_states(model: nn.Module, head: nn.Module, input_ids: Tensor, **inputs: Any) -> tuple[Tensor, Tensor | None]:
    """(B, T) -> the hidden states (B, T, d) and the load-balancing loss (None unless `output_router_logits`).

    `model` may be wrapped; `head` is its own output embedding module.
    """
    with _identity(head):
        output = model(input_ids=input_ids, use_cache=False, **inputs)
    return output.logits, getattr(output, "aux_loss", None)


@contextmanager
def _identity(module: nn.Module) -> Iterator[None]:
    def forward(hidden: Tensor, *_: Any) -> Tensor:
        return hidden

    module.forward = forward
    try:
        yield
    finally:
        del module.forward
