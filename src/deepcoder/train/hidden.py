"""Final hidden states from a causal LM, without its logits.

The head is switched to the identity for the call, so that `.logits` are what the head would have seen.
This goes through the model's own forward, whatever wraps it (PEFT, DDP, autocast, gradient
checkpointing), needs no name of an inner module, and materialises nothing of the vocabulary's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def hidden_states(model: nn.Module, head: nn.Module, input_ids: Tensor, **inputs: Any) -> tuple[Tensor, Tensor | None]:
    """(B, T) -> the hidden states (B, T, d) and the load-balancing loss (None unless `output_router_logits`).

    `model` may be wrapped; `head` is its own output embedding module.
    """
    with _identity(head):
        output = model(input_ids=input_ids, use_cache=False, **inputs)
    return output.logits, getattr(output, "aux_loss", None)


def packed_hidden_states(
    model: nn.Module, head: nn.Module, input_ids: Tensor, position_ids: Tensor, *, by_lengths: bool
) -> Tensor:
    """(B, T) rows of examples, position ids from 0 with each -> the hidden states (B, T, d).

    No attention mask is given, and the borders are found in the position ids. `by_lengths`: they are given as lengths
    of sequences too, and the rows as one: Unsloth's attention then needs no mask of T x T.
    """
    if not by_lengths:
        return hidden_states(model, head, input_ids, position_ids=position_ids)[0]
    shape = input_ids.shape
    flat = position_ids.reshape(1, -1)
    hidden, _ = hidden_states(
        model, head, input_ids.reshape(1, -1), position_ids=flat, packed_seq_lengths=sequence_lengths(flat)
    )
    return hidden.reshape(*shape, -1)


def sequence_lengths(position_ids: Tensor) -> Tensor:
    """Tokens of each sequence of a row, (n,) int32: a sequence begins wherever the position is 0. (1, T) -> (n,)."""
    row = position_ids.flatten()
    starts = (row == 0).nonzero().squeeze(1)
    return torch.diff(starts, append=starts.new_tensor([len(row)])).to(torch.int32)


@contextmanager
def _identity(module: nn.Module) -> Iterator[None]:
    def forward(hidden: Tensor, *_: Any) -> Tensor:
        return hidden

    module.forward = forward
    try:
        yield
    finally:
        del module.forward
