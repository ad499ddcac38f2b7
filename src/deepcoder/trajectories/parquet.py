"""Trajectories as Parquet: the columns of a stored row, typed as the records say.

The schema is derived from the Trajectory model, so that a field added there is never left out here. Text with
a lone surrogate (a program may print one) has no UTF-8 form and so no Parquet form: such a row has U+FFFD in
its place for other readers, and its exact form as ASCII JSON in the column `exact_json`, which ours read.
"""

from __future__ import annotations

import io
import json
import types
import typing
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from deepcoder.errors import RecordError
from deepcoder.records import Message, Trajectory
from deepcoder.trajectories.rows import trajectory_row

if TYPE_CHECKING:
    import pyarrow as pa

EXACT = "exact_json"
ROW_GROUP = 1_000
_FIRST: dict[str, Any] = {
    "problem_id": str, "messages": list[Message], "steps": None, "answer": None, "verified": bool,
}  # fmt: skip


def schema() -> pa.Schema:
    """The columns: those of `trajectory_row` in its order, then `exact_json`."""
    import pyarrow as pa

    fields = {name: field.annotation for name, field in Trajectory.model_fields.items()}
    columns = {name: fields.get(name, kind) for name, kind in _FIRST.items()} | fields
    return pa.schema([*(_field(name, kind) for name, kind in columns.items()), pa.field(EXACT, pa.string())])


def parquet_bytes(trajectories: Iterable[Trajectory]) -> bytes:
    """A whole Parquet file (zstd), `ROW_GROUP` rows a group; the same trajectories give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, buffer, rows = schema(), io.BytesIO(), map(_encodable, map(trajectory_row, trajectories))
    with pq.ParquetWriter(buffer, columns, compression="zstd") as writer:
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=columns))
    return buffer.getvalue()


def parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file with their numbers, as they are in JSONL. RecordError for a file that is not Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(256):
                for row in batch.to_pylist():
                    number += 1
                    exact = row.pop(EXACT, None)
                    yield number, row if exact is None else json.loads(exact)
    except pa.ArrowException as error:
        raise RecordError(f"{path}: not a Parquet file of trajectories: {error}") from None


def _encodable(row: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(row, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
        return {**shown, EXACT: json.dumps(row, separators=(",", ":"))}
    return row


def _field(name: str, annotation: Any) -> pa.Field:
    """A column of the type that a field's annotation says; nullable where it allows None."""
    import pyarrow as pa

    kind, nullable = _without_none(annotation)
    return pa.field(name, _type(kind, name), nullable=nullable)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not types.NoneType]
        if len(kinds) == 1:
            return kinds[0], True
    return annotation, False


def _type(kind: Any, name: str) -> pa.DataType:
    import pyarrow as pa

    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return _type(type(arguments[0]), name)
    if origin in (tuple, list):
        return pa.list_(_field("element", arguments[0]))
    if origin is dict and arguments[0] is str:
        return pa.map_(pa.string(), _field("value", arguments[1]))
    if isinstance(kind, type):
        if issubclass(kind, BaseModel):
            return pa.struct([_field(key, field.annotation) for key, field in kind.model_fields.items()])
        if issubclass(kind, Enum):
            return pa.string()
        plain = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
        if kind in plain:
            return plain[kind]
    raise TypeError(f"the Parquet form of trajectories has no type for {name}: {kind!r}")
