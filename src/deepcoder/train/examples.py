"""Examples from Parquet, and micro-batches of them as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepcoder.errors import StageError
from deepcoder.records import Span

if TYPE_CHECKING:
    from deepcoder.train.stored import StoredScores

MaskErrorSteps = Literal["none", "act", "all"]
STEPS = ("step_ids", "step_errors")


@dataclass(frozen=True)
class ExampleSet(Dataset[int]):
    """All examples, flat: example i is `tokens[offsets[i]:offsets[i + 1]]`, and so are its spans.

    An item is only its index: what a micro-batch needs is gathered when it is made. `spans` are as prepared;
    where `masked` is true a token is not trained, whatever its span.
    """

    tokens: NDArray[np.int32]
    spans: NDArray[np.int8]
    offsets: NDArray[np.int64]
    problem_ids: tuple[str, ...]
    masked: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> int:
        return index

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, (n,)."""
        return np.diff(self.offsets)

    def check_vocabulary(self, size: int) -> None:
        """Raise StageError on a token id that a vocabulary of `size` does not have: made with another tokenizer."""
        if self.tokens.max() >= size:
            raise StageError(
                f"examples: token id {self.tokens.max()} does not exist in the student's vocabulary of {size}",
                hint="prepare the examples with the student's own tokenizer (student.tokenizer)",
            )

    def part(self, index: int) -> slice:
        """Where an example lies in the flat arrays."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def trained_spans(self, index: int) -> NDArray[np.int8]:
        """Spans of one example (T,), masked tokens as PROMPT."""
        part = self.part(index)
        spans = self.spans[part]
        return spans if self.masked is None else np.where(self.masked[part], np.int8(Span.PROMPT), spans)

    def span_lengths(self, span: Span) -> NDArray[np.int64]:
        """Tokens of one span in each example, masked ones left out, (n,)."""
        inside = self.spans == int(span)
        if self.masked is not None:
            inside &= ~self.masked
        before = np.concatenate([[0], np.cumsum(inside)])
        return before[self.offsets[1:]] - before[self.offsets[:-1]]  # type: ignore[no-any-return]


def read_examples(
    folder: Path, *, vocabulary: int | None = None, mask_error_steps: MaskErrorSteps = "none"
) -> ExampleSet:
    """Every example in `folder`/*.parquet, in the order of the file names.

    `vocabulary`: size of the student's, to check ids against.
    `mask_error_steps`: of steps whose observation is an error, mask the ACT tokens (act) or all trained ones (all).
    Raises StageError on no examples, unequal columns, unknown span ids, absent step columns where they are needed.
    """
    files = sorted(folder.glob("*.parquet"))
    columns = ["problem_id", "input_ids", "span_ids", *(STEPS if mask_error_steps != "none" else ())]
    tables = [_read(file, columns) for file in files]
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
    masked = None if mask_error_steps == "none" else _in_error_steps(table, folder, offsets, spans, mask_error_steps)
    problem_ids = tuple(table.column("problem_id").to_pylist())
    examples = ExampleSet(tokens.astype(np.int32), spans.astype(np.int8), offsets, problem_ids, masked)
    if vocabulary is not None:
        examples.check_vocabulary(vocabulary)
    return examples


def hold_out(examples: ExampleSet, fraction: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(trained, held out): indices of examples, split by a hash of the problem's id.

    All examples of a problem are on one side, and stay there whatever else is in the set. Raises StageError where
    a side is empty.
    """
    sides = {problem: _uniform(problem) < fraction for problem in set(examples.problem_ids)}
    held = np.asarray([sides[problem] for problem in examples.problem_ids], dtype=bool)
    if fraction > 0 and (held.all() or not held.any()):
        missing = "train" if held.all() else "hold out"
        raise StageError(
            f"train.eval_fraction={fraction} of {len(sides)} problems leaves none to {missing}",
            hint="choose another fraction, or 0 to train on every example",
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


@dataclass(frozen=True)
class Collator:
    """Rows -> {input_ids, attention_mask, span_ids}, (B, T) int64 each, padded on the right.

    A row is an example, or a tuple of examples packed one after the other. Packed micro-batches also have
    `position_ids`, which begin at 0 with each example (and with the padding). With `scores` there are also
    `teacher_ids` and `teacher_log_probs`, (n, k) of the n trained tokens.

    Padding is `pad_token_id` with attention 0 and span PROMPT: the loss goes by span ids alone, so that
    padding is never trained, whichever token it is. A pad token that is also the end of a turn (common
    where a tokenizer has no pad token) is trained where the text has it and nowhere else. So is the first token of
    an example, which nothing predicts: the token before it in a packed row is another example's last one.
    """

    examples: ExampleSet
    pad_token_id: int
    scores: StoredScores | None = None

    def __call__(self, rows: Sequence[int | tuple[int, ...]]) -> dict[str, Tensor]:
        """The examples of `rows` as one micro-batch."""
        packed = any(isinstance(row, tuple) for row in rows)
        parts = [row if isinstance(row, tuple) else (row,) for row in rows]
        lengths = self.examples.lengths
        shape = (len(parts), max(int(lengths[list(part)].sum()) for part in parts))
        ids = np.full(shape, self.pad_token_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        spans = np.full(shape, int(Span.PROMPT), dtype=np.int64)
        positions = np.zeros(shape, dtype=np.int64)
        for row, part in enumerate(parts):
            start = 0
            for index in part:
                stop = start + int(lengths[index])
                ids[row, start:stop] = self.examples.tokens[self.examples.part(index)]
                spans[row, start:stop] = self.examples.trained_spans(index)
                spans[row, start] = Span.PROMPT
                mask[row, start:stop] = 1
                positions[row, start:stop] = np.arange(stop - start)
                start = stop
            positions[row, start:] = np.arange(shape[1] - start)
        batch = {"input_ids": ids, "attention_mask": mask, "span_ids": spans}
        if packed:
            batch["position_ids"] = positions
        tensors = {name: torch.from_numpy(value) for name, value in batch.items()}
        if self.scores is not None:
            tensors |= self.scores.tensors(
                [(index, self.examples.trained_spans(index)) for part in parts for index in part]
            )
        return tensors


def _read(file: Path, columns: list[str]) -> pa.Table:
    absent = set(columns) - set(pq.read_schema(file).names)
    if absent:
        raise StageError(
            f"{file} has no column {', '.join(sorted(absent))}",
            hint="prepare the examples again" + (", or train.mask_error_steps=none" if absent <= set(STEPS) else ""),
        )
    return pq.read_table(file, columns=columns)


def _in_error_steps(
    table: pa.Table, folder: Path, offsets: NDArray[np.int64], spans: NDArray[np.int64], which: MaskErrorSteps
) -> NDArray[np.bool_]:
    """Per token: is it of a step whose observation is an error, and of a span that `which` names?"""
    steps, step_offsets = _flat(table.column("step_ids"))
    if not np.array_equal(offsets, step_offsets):
        raise StageError(f"{folder}: step_ids and input_ids differ in length")
    masked = np.zeros(len(spans), dtype=bool)
    for index, errors in enumerate(table.column("step_errors").to_pylist()):
        wrong = [step for step, error in enumerate(errors) if error]
        if wrong:
            part = slice(int(offsets[index]), int(offsets[index + 1]))
            masked[part] = np.isin(steps[part], wrong)
    trained = (Span.ACT,) if which == "act" else (Span.REASON, Span.ACT)
    return masked & np.isin(spans, [int(span) for span in trained])


def _uniform(problem_id: str) -> float:
    """A hash of the id in [0, 1)."""
    return int.from_bytes(hashlib.sha256(problem_id.encode()).digest()[:8], "big") / 2**64


def _flat(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Values and offsets (n + 1) of a list column."""
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0)
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    lengths = np.asarray([len(item) for item in lists], dtype=np.int64) if lists.null_count else np.diff(lists.offsets)
    return values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
