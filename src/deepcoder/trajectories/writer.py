"""Appending trajectories to a folder: a line is on disk (fsync) before it counts.

A half-written last line, all that kill -9 can leave, is cut off when the folder is opened for writing again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from deepcoder.errors import StageError
from deepcoder.records import Trajectory
from deepcoder.trajectories.jsonl import cut_half_line, json_line
from deepcoder.trajectories.rows import trajectory_row
from deepcoder.trajectories.shards import (
    JSONL,
    REJECTED,
    SHARD_SERIES,
    drop_compacted,
    next_path,
    rejected_shards,
    shards,
    stored_rows,
)

SHARD_BYTES = 64_000_000
LOCK = ".lock"


class ShardWriter:
    """Appends trajectories to one folder. One writer a folder: a second process is refused.

    `seen` holds the problem ids that are already stored, verified and rejected alike (some 100
    bytes a problem: the only thing here that grows).
    """

    def __init__(
        self, folder: Path, *, shard_bytes: int = SHARD_BYTES, on_row: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Opens the folder, creates it where needed, and shows each stored row to `on_row`.

        Raises StageError where another process writes to the folder or compacts it.
        """
        self.folder = folder
        self.shard_bytes = shard_bytes
        self.seen: set[str] = set()
        self._file: BinaryIO | None = None
        self._rejected: BinaryIO | None = None
        self._lock: BinaryIO | None = lock(folder)
        try:
            drop_compacted(folder)
            self._recall(on_row)
        except BaseException:
            self.close()
            raise

    def add(self, trajectory: Trajectory) -> None:
        """Store a verified trajectory; it is on disk when this returns."""
        self._file = self._shard()
        self._append(self._file, trajectory)

    def reject(self, trajectory: Trajectory) -> None:
        """Store a rejected trajectory apart; it is on disk when this returns."""
        if self._rejected is None:
            self._rejected = (self.folder / REJECTED).open("ab")
        self._append(self._rejected, trajectory)

    def close(self) -> None:
        """Close the files and let others write to the folder."""
        for file in (self._file, self._rejected, self._lock):
            if file is not None:
                file.close()
        self._file = self._rejected = self._lock = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _recall(self, on_row: Callable[[dict[str, Any]], None] | None) -> None:
        for path in [*shards(self.folder), *rejected_shards(self.folder)]:
            if path.suffix == JSONL:
                cut_half_line(path)
            for row in stored_rows(path):
                self.seen.add(str(row["problem_id"]))
                if on_row is not None:
                    on_row(row)

    def _append(self, file: BinaryIO, trajectory: Trajectory) -> None:
        file.write(json_line(trajectory_row(trajectory)))
        file.flush()
        os.fsync(file.fileno())
        self.seen.add(trajectory.problem_id)

    def _shard(self) -> BinaryIO:
        if self._file is not None and self._file.tell() < self.shard_bytes:
            return self._file
        if self._file is not None:
            self._file.close()
        files = shards(self.folder)
        last = files[-1] if files else None
        if last is None or last.suffix != JSONL or last.stat().st_size >= self.shard_bytes:
            last = next_path(self.folder, SHARD_SERIES)
        return last.open("ab")


def lock(folder: Path) -> BinaryIO:
    """Claim a folder (created where needed) for this process until the file is closed or the process ends.

    A record lock of the process, not of the open file: children that outlive a kill -9 do not hold it.
    Raises StageError where another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / LOCK).open("ab")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if not isinstance(error, BlockingIOError | PermissionError):
            raise
        raise StageError(
            f"another process writes to {folder}", hint="wait for it, or end it; two of them would store runs twice"
        ) from None
    return file
