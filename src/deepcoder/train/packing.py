"""Several examples in one row, each as if it were alone.

A row holds whole examples one after the other, position ids begin at 0 with each. Given position ids and no
attention mask, transformers 5 finds the borders (`find_packed_sequence_indices`) and lets a token see its own
example only: a block-diagonal causal mask for sdpa, sequence lengths for flash attention. Any 2-D attention mask
would switch that off without a word, so packed rows have none, and `check_separation` looks once, on the model at
hand, whether it works.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepcoder.errors import TrainingError
from deepcoder.train.hidden import packed_hidden_states

# Of the difference that seeing another example makes, what rounding may make. Rounding is below 0.1 in bf16.
TOLERANCE = 0.25


def pack(lengths: NDArray[np.int64], order: Sequence[int] | NDArray[np.int64], capacity: int) -> list[tuple[int, ...]]:
    """The examples of `order` in rows of at most `capacity` tokens: best fit, the longest example first.

    lengths (n,): tokens of every example; `order` decides among equal lengths. Each example goes into the fullest
    row that still takes it. O(m log capacity) for m examples. Raises TrainingError on an example that fits no row.
    """
    examples = np.asarray(order, dtype=np.int64)
    longest_first = examples[np.argsort(-lengths[examples], kind="stable")]
    if len(longest_first) and lengths[longest_first[0]] > capacity:
        raise TrainingError(
            f"train.packing: an example of {lengths[longest_first[0]]:,} tokens does not fit a row of {capacity:,}",
            hint="raise student.max_length, which is also the length of a row, and prepare again",
        )
    rows: list[list[int]] = []
    by_room: list[list[int]] = [[] for _ in range(capacity + 1)]  # rows with so many tokens free
    rooms: list[int] = []  # the entries of by_room that are not empty, ascending
    for example in longest_first.tolist():
        length = int(lengths[example])
        found = bisect_left(rooms, length)
        if found == len(rooms):
            row, room = len(rows), capacity
            rows.append([])
        else:
            room = rooms[found]
            row = by_room[room].pop()
            if not by_room[room]:
                del rooms[found]
        rows[row].append(example)
        if not by_room[room - length]:
            insort(rooms, room - length)
        by_room[room - length].append(row)
    return [tuple(row) for row in rows]


@torch.no_grad()
def check_separation(
    model: nn.Module, head: nn.Module, vocabulary: int, *, by_lengths: bool = False, key: str = "student.model"
) -> None:
    """Raise TrainingError where a token of a packed row sees another example of it.

    The hidden states of an example behind another one in a row are compared with its own alone, and with what they
    are where it does see the other: whatever the precision, the first difference must be small beside the second.
    `by_lengths`: as in `packed_hidden_states`; `key`: the setting that names the model, for the message.
    """
    device = next(model.parameters()).device
    ids = torch.randint(vocabulary, (1, 48), generator=torch.Generator().manual_seed(0)).to(device)
    border = 20
    whole = torch.arange(48, device=device)[None]
    packed = torch.where(whole < border, whole, whole - border)

    def second(inputs: Tensor, positions: Tensor) -> Tensor:
        return packed_hidden_states(model, head, inputs, positions, by_lengths=by_lengths)[0, -28:].float()

    training = model.training
    model.eval()
    try:
        alone = second(ids[:, border:], packed[:, border:])
        kept_apart = (second(ids, packed) - alone).norm()
        joined = (second(ids, whole) - alone).norm()
    finally:
        model.train(training)
    if not kept_apart <= TOLERANCE * joined:
        raise TrainingError(
            f"train.packing: with this {key} a packed example sees the others of its row (its hidden states move by "
            f"{kept_apart:.2g}, by {joined:.2g} in one text with the other)",
            hint="train.packing=false; or another attention implementation (sdpa keeps packed examples apart)",
        )
