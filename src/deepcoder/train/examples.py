"""Examples from Parquet, and micro-batches of them as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepcoder.errors import StageError
from deepcoder.records import Span


@dataclass(frozen=True)
class ExampleSet(Dataset[int]):
    """All examples, flat: example i is `tokens[offsets[i]:offsets[i + 1]]`, and so are its spans.

    An item is only its index: what a micro-batch needs is gathered when it is made.
    """

    tokens: NDArray[np.int32]
    spans: NDArray[np.int8]
    offsets: NDArray[np.int64]
    problem_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> int:
        return index

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, (n,)."""
        return np.diff(self.offsets)

    def span_lengths(self, span: Span) -> NDArray[np.int64]:
        """Tokens of one span in each example, (n,)."""
        before = np.concatenate([[0], np.cumsum(self.spans == int(span))])
        return before[self.offsets[1:]] - before[self.offsets[:-1]]  # type: ignore[no-any-return]


def read_examples(folder: Path, *, vocabulary: int | None = None) -> ExampleSet:
    """Every example in `folder`/*.parquet, in the order of the file names.

    `vocabulary`: size of the student's; a larger id is refused, since it was made with another tokenizer.
    Raises StageError on no examples, unequal columns, unknown span ids.
    """
    files = sorted(folder.glob("*.parquet"))
    tables = [pq.read_table(file, columns=["problem_id", "input_ids", "span_ids"]) for file in files]
    if sum(table.num_rows for table in tables) == 0:
        raise StageError(
            f"{folder} holds no examples", hint="run `deepcoder prepare` first; its counts say what it dropped"
        )
    table = pa.concat_tables(tables)
    tokens, offsets = _flat(table.column("input_ids"))
    spans, span_offsets = _flat(table.column("span_ids"))
    if not np.array_equal(offsets, span_offsets):
        row = int(np.flatnonzero(offsets != span_offsets)[0]) - 1
        raise StageError(f"{folder}: input_ids and span_ids of example {row} differ in length")
    if spans.min() < 0 or spans.max() > max(Span):
        raise StageError(f"{folder}: span_ids must lie in 0..{int(max(Span))}, not {spans.min()}..{spans.max()}")
    if vocabulary is not None and tokens.max() >= vocabulary:
        raise StageError(
            f"{folder}: token id {tokens.max()} does not exist in the student's vocabulary of {vocabulary}",
            hint="prepare the examples with the student's own tokenizer (student.tokenizer)",
        )
    return ExampleSet(
        tokens.astype(np.int32), spans.astype(np.int8), offsets, tuple(table.column("problem_id").to_pylist())
    )


@dataclass(frozen=True)
class Collator:
    """Indices -> {input_ids, attention_mask, span_ids}, (B, T) int64 each, padded on the right.

    Padding is `pad_token_id` with attention 0 and span PROMPT: the loss goes by span ids alone, so that
    padding is never trained, whichever token it is. A pad token that is also the end of a turn (common
    where a tokenizer has no pad token) is trained where the text has it and nowhere else.
    """

    examples: ExampleSet
    pad_token_id: int

    def __call__(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """The examples at `indices` as one micro-batch."""
        offsets = self.examples.offsets
        longest = max(int(offsets[i + 1] - offsets[i]) for i in indices)
        shape = (len(indices), longest)
        ids = np.full(shape, self.pad_token_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        spans = np.full(shape, int(Span.PROMPT), dtype=np.int64)
        for row, index in enumerate(indices):
            part = slice(int(offsets[index]), int(offsets[index + 1]))
            length = part.stop - part.start
            ids[row, :length] = self.examples.tokens[part]
            spans[row, :length] = self.examples.spans[part]
            mask[row, :length] = 1
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "span_ids": torch.from_numpy(spans),
        }


def _flat(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Values and offsets (n + 1) of a list column."""
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0)
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    lengths = np.asarray([len(item) for item in lists], dtype=np.int64) if lists.null_count else np.diff(lists.offsets)
    return values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
