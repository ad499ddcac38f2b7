"""Which files of a folder hold which trajectories, and reading them.

Files are numbered within a series (`shard-00000`, `rejected-00000`). Where a number is there in both forms,
compaction was cut short between making the Parquet file, which is whole, and removing the JSONL file: the
Parquet file counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepcoder.records import Trajectory
from deepcoder.trajectories.jsonl import json_rows
from deepcoder.trajectories.parquet import parquet_rows
from deepcoder.trajectories.rows import trajectory_of
from deepcoder.trajectories.upgrades import upgraded

REJECTED = "rejected.jsonl"
SHARD_SERIES, REJECTED_SERIES = "shard", "rejected"
JSONL, PARQUET = ".jsonl", ".parquet"


def shards(folder: Path) -> list[Path]:
    """The files of verified trajectories, in the order in which they were written."""
    return numbered(folder, SHARD_SERIES)


def rejected_shards(folder: Path) -> list[Path]:
    """The files of rejected trajectories; the one that is written to comes last."""
    current = folder / REJECTED
    return [*numbered(folder, REJECTED_SERIES), *([current] if current.exists() else [])]


def read_trajectories(folder: Path) -> Iterator[Trajectory]:
    """The verified trajectories of a folder, one at a time, in the order in which they were written."""
    for path in shards(folder):
        yield from read_shard(path)


def read_rejected(folder: Path) -> Iterator[Trajectory]:
    """The rejected trajectories of a folder, one at a time."""
    for path in rejected_shards(folder):
        yield from read_shard(path)


def read_shard(path: Path) -> Iterator[Trajectory]:
    """One file of either form. A half-written last line is skipped, any other bad row is a RecordError."""
    for number, row in _rows(path):
        yield trajectory_of(row, f"{path}:{number}")


def stored_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of one file of either form, in the current record version, not validated."""
    for number, row in _rows(path):
        yield upgraded(row, f"{path}:{number}")


def numbered(folder: Path, series: str) -> list[Path]:
    """The files of a series in the order of their numbers, one a number."""
    found: dict[int, Path] = {}
    for suffix in (JSONL, PARQUET):  # the later wins
        for path in folder.glob(f"{series}-*{suffix}"):
            number = path.stem.removeprefix(f"{series}-")
            if number.isdecimal():
                found[int(number)] = path
    return [found[number] for number in sorted(found)]


def next_path(folder: Path, series: str) -> Path:
    """The JSONL file after the last one of a series."""
    files = numbered(folder, series)
    number = int(files[-1].stem.removeprefix(f"{series}-")) + 1 if files else 0
    return folder / f"{series}-{number:05d}{JSONL}"


def drop_compacted(folder: Path) -> None:
    """Remove JSONL files whose Parquet form is there: what a compaction that was cut short still had to do."""
    for series in (SHARD_SERIES, REJECTED_SERIES):
        for path in numbered(folder, series):
            if path.suffix == PARQUET:
                path.with_suffix(JSONL).unlink(missing_ok=True)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    return parquet_rows(path) if path.suffix == PARQUET else json_rows(path)
