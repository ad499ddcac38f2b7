"""The store of scores: for each trained token, a larger model's k likeliest tokens and their log-probabilities.

    RUN/scores/scores-00000.parquet   one row an example; only its trained tokens, in their order

| column | |
|---|---|
| `example` | hash of the example's tokens and spans (`example_hash`): what ties a row to its example |
| `ids` | token ids, trained tokens * k, the likeliest first |
| `log_probs` | natural log-probabilities as float16, as long as `ids` |

The files' metadata holds k, the model and the vocabulary's fingerprint. Some 4 bytes a stored token id: ids and
log-probabilities are split by bytes before zstd, since their upper bytes hardly differ. Rounding to float16 moves a
probability q by at most q |log q| 2^-11, that is 1.8e-4.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepcoder.errors import RecordError
from deepcoder.records import Span
from deepcoder.runs import write_atomic

_SPLIT = {"ids.list.element": "BYTE_STREAM_SPLIT", "log_probs.list.element": "BYTE_STREAM_SPLIT"}


@dataclass(frozen=True)
class Scores:
    """Of one example with n trained tokens: `ids` (n, k) int32 and `log_probs` (n, k) float16, likeliest first."""

    example: str
    ids: NDArray[np.int32]
    log_probs: NDArray[np.float16]


def trained_tokens(span_ids: NDArray[np.int8]) -> NDArray[np.int64]:
    """Positions of the trained tokens of one example, as `deepcoder.losses.trained_positions` has them."""
    trained = (span_ids == Span.REASON) | (span_ids == Span.ACT)
    trained[:1] = False  # no row predicts the first token
    return np.flatnonzero(trained)


def example_hash(input_ids: NDArray[np.int32], span_ids: NDArray[np.int8]) -> str:
    """blake2b of the tokens and their spans, 32 hex digits: the same example has the same scores."""
    digest = hashlib.blake2b(np.ascontiguousarray(input_ids, "<i4").tobytes(), digest_size=16)
    digest.update(np.ascontiguousarray(span_ids, np.int8).tobytes())
    return digest.hexdigest()


def score_files(folder: Path) -> list[Path]:
    """The files of a folder in the order in which they were written."""
    return sorted(folder.glob("scores-*.parquet"))


def write_scores(folder: Path, rows: list[Scores], k: int) -> Path:
    """The next file, whole or not at all. `rows` are of one k."""
    number = max((int(path.stem.removeprefix("scores-")) for path in score_files(folder)), default=-1) + 1
    table = pa.table(
        {
            "example": [row.example for row in rows],
            "ids": _lists([row.ids for row in rows], pa.int32()),
            "log_probs": _lists([row.log_probs for row in rows], pa.float16()),
        }
    ).replace_schema_metadata({"deepcoder.k": str(k)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=False, column_encoding=_SPLIT)
    path = folder / f"scores-{number:05d}.parquet"
    write_atomic(path, buffer.getvalue())
    return path


def read_scores(folder: Path) -> Iterator[Scores]:
    """Every stored example, file by file. RecordError names a file that cannot be read."""
    for path in score_files(folder):
        try:
            table = pq.read_table(path)
            k = int(table.schema.metadata[b"deepcoder.k"])
            yield from _rows(table, k)
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise RecordError(
                f"{path}: not a file of scores: {error}", hint="delete it and run `deepcoder score` again"
            ) from None


def scored(folder: Path) -> set[str]:
    """The examples that have scores; reads no score."""
    return {
        name for path in score_files(folder) for name in pq.read_table(path, columns=["example"])["example"].to_pylist()
    }


def _rows(table: pa.Table, k: int) -> Iterator[Scores]:
    table = table.combine_chunks()
    if not table.num_rows:
        return
    ids, log_probs = (table.column(name).chunk(0) for name in ("ids", "log_probs"))
    offsets = np.asarray(ids.offsets)
    flat_ids = ids.values.to_numpy(zero_copy_only=False).reshape(-1, k)
    flat_log_probs = log_probs.values.to_numpy(zero_copy_only=False).reshape(-1, k)
    for row, name in enumerate(table.column("example").to_pylist()):
        part = slice(offsets[row] // k, offsets[row + 1] // k)
        yield Scores(name, flat_ids[part], flat_log_probs[part])


def _lists(arrays: Iterable[NDArray[np.generic]], kind: pa.DataType) -> pa.ListArray:
    flat = [array.ravel() for array in arrays]
    offsets = np.concatenate([[0], np.cumsum([len(array) for array in flat])]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(flat), type=kind))
