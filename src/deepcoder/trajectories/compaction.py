"""`deepcoder compact`: JSONL shards to Parquet, file by file, safe against kill -9 at any moment.

    1. rejected.jsonl, which is still open for more, is renamed to the next rejected-NNNNN.jsonl
    2. for each JSONL file: its Parquet form is written beside, read back and compared, then renamed into place
    3. then the JSONL file is removed

A kill before the rename of step 2 leaves the JSONL file alone; one after it leaves both, and readers take the
Parquet file (deepcoder.trajectories.shards). The next session of generate appends to new JSONL files.
Memory: one shard's Parquet form (64 MB of JSONL are some 5 to 10 MB) and a group of rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deepcoder.errors import RecordError, StageError
from deepcoder.trajectories.jsonl import cut_half_line
from deepcoder.trajectories.parquet import parquet_bytes, parquet_rows
from deepcoder.trajectories.rows import trajectory_of
from deepcoder.trajectories.shards import (
    JSONL,
    PARQUET,
    REJECTED,
    REJECTED_SERIES,
    drop_compacted,
    next_path,
    read_shard,
    rejected_shards,
    shards,
)
from deepcoder.trajectories.writer import lock


class Compacted(NamedTuple):
    """What compaction did: files, trajectories, and their bytes before and after."""

    files: int = 0
    trajectories: int = 0
    before: int = 0
    after: int = 0


def compact(folder: Path) -> Compacted:
    """Turn every JSONL file of the folder into Parquet; files that are Parquet already are left alone.

    Raises StageError where there is no such folder or another process writes to it, RecordError (and
    leaves the JSONL file as it is) where a row cannot be read or does not come back as it was.
    """
    if not folder.is_dir():
        raise StageError(f"there are no trajectories: {folder} does not exist", hint="deepcoder generate makes them")
    done = Compacted()
    with lock(folder):
        drop_compacted(folder)
        for path in _closed(folder):
            rows, before, after = _replace(path)
            done = Compacted(done.files + 1, done.trajectories + rows, done.before + before, done.after + after)
    return done


def _closed(folder: Path) -> Iterator[Path]:
    """The JSONL files that nothing will be appended to any more."""
    current = folder / REJECTED
    if current.exists():
        cut_half_line(current)
        current.rename(next_path(folder, REJECTED_SERIES))
    for path in [*shards(folder), *rejected_shards(folder)]:
        if path.suffix == JSONL:
            cut_half_line(path)
            yield path


def _replace(path: Path) -> tuple[int, int, int]:
    """Put the Parquet form in the place of a JSONL file; rows, bytes before, bytes after."""
    before = path.stat().st_size
    # Named so that nobody takes it for a shard; one that a kill left is overwritten by the next compaction.
    beside = path.with_name(f".{path.stem}.writing")
    with beside.open("wb") as file:
        file.write(parquet_bytes(read_shard(path)))
        file.flush()
        os.fsync(file.fileno())
    rows = _compare(path, beside)
    after = beside.stat().st_size
    beside.replace(path.with_suffix(PARQUET))
    _sync(path.parent)  # the new name must be on disk before the old file goes
    path.unlink()
    return rows, before, after


def _compare(path: Path, parquet: Path) -> int:
    """How many rows both files have. RecordError for the first that differs."""
    count = 0
    copies = (trajectory_of(row, f"{parquet}:{number}") for number, row in parquet_rows(parquet))
    for count, trajectory in enumerate(read_shard(path), start=1):
        if next(copies, None) != trajectory:
            raise RecordError(
                f"{path}:{count}: does not come back from Parquet as it was", hint="a fault in deepcoder: report it"
            )
    if next(copies, None) is not None:
        raise RecordError(f"{path}: its Parquet form has more rows", hint="a fault in deepcoder: report it")
    return count


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
