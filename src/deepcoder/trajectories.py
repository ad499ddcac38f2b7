"""The trajectory store: append-only JSONL shards that survive a crash.

    RUN/trajectories/shard-00000.jsonl    verified trajectories, one a line
    RUN/trajectories/rejected.jsonl       runs that failed the check, so that a resume does not repeat them

A row is the Trajectory record, flat, with two derived keys: `messages` (the canonical chat) and
`verified`. A line is on disk (fsync) before it counts; a half-written last line, all that kill -9
can leave, is cut off when the folder is opened for writing again and skipped by readers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pydantic import ValidationError

from deepcoder.errors import RecordError
from deepcoder.records import RECORD_VERSION, Trajectory

REJECTED = "rejected.jsonl"
SHARD_BYTES = 64_000_000
_DERIVED = ("messages", "verified")


def trajectory_row(trajectory: Trajectory) -> dict[str, Any]:
    """The stored form: public keys first (problem_id, messages, steps, answer, verified), then the rest."""
    record = trajectory.model_dump(mode="json")
    row = {
        "problem_id": trajectory.problem_id,
        "messages": [message.model_dump() for message in trajectory.messages()],
        "steps": record["steps"],
        "answer": trajectory.answer,
        "verified": trajectory.verified,
    }
    return row | {key: value for key, value in record.items() if key not in row}


def trajectory_of(row: dict[str, Any], where: str) -> Trajectory:
    """The inverse of `trajectory_row`; `where` names the row's place in a RecordError."""
    version = row.get("version")
    if version != RECORD_VERSION:
        raise RecordError(
            f"{where}: record version {version!r}; this deepcoder reads version {RECORD_VERSION}",
            hint="use the deepcoder that wrote it, or generate anew",
        )
    try:
        return Trajectory.model_validate({key: value for key, value in row.items() if key not in _DERIVED})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{where}: {key}: {first['msg']}", hint="the line is not a trajectory") from None


def shards(folder: Path) -> list[Path]:
    """The shards of verified trajectories, in the order in which they were written."""
    return sorted(folder.glob("shard-*.jsonl"))


def read_trajectories(folder: Path) -> Iterator[Trajectory]:
    """The verified trajectories of a folder, one at a time, in the order in which they were written."""
    for path in shards(folder):
        yield from read_shard(path)


def read_rejected(folder: Path) -> Iterator[Trajectory]:
    """The rejected trajectories of a folder, one at a time."""
    path = folder / REJECTED
    if path.exists():
        yield from read_shard(path)


def read_shard(path: Path) -> Iterator[Trajectory]:
    """One JSONL file; a half-written last line is skipped, any other bad line is a RecordError."""
    for number, row in json_rows(path):
        yield trajectory_of(row, f"{path}:{number}")


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file with their line numbers; a half-written last line is skipped."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = json.loads(line)
            except ValueError as error:
                raise RecordError(f"{path}:{number}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise RecordError(f"{path}:{number}: a row must be an object, not {type(row).__name__}")
            yield number, row


class ShardWriter:
    """Appends trajectories to one folder. One writer a folder; not for several processes.

    `seen` holds the problem ids that are already stored, verified and rejected alike (some 100
    bytes a problem: the only thing here that grows).
    """

    def __init__(
        self, folder: Path, *, shard_bytes: int = SHARD_BYTES, on_row: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Opens the folder, creates it where needed, and shows each stored row to `on_row`."""
        self.folder = folder
        self.shard_bytes = shard_bytes
        self.seen: set[str] = set()
        self._file: BinaryIO | None = None
        self._rejected: BinaryIO | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for path in [*shards(folder), folder / REJECTED]:
            if path.exists():
                cut_half_line(path)
                for _, row in json_rows(path):
                    self.seen.add(str(row["problem_id"]))
                    if on_row is not None:
                        on_row(row)

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
        """Close the files."""
        for file in (self._file, self._rejected):
            if file is not None:
                file.close()
        self._file = self._rejected = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _append(self, file: BinaryIO, trajectory: Trajectory) -> None:
        line = json.dumps(trajectory_row(trajectory), ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate (a program may print one) has no UTF-8 form: such a line is written in ASCII.
        try:
            raw = line.encode()
        except UnicodeEncodeError:
            raw = json.dumps(trajectory_row(trajectory), separators=(",", ":")).encode()
        file.write(raw + b"\n")
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
        if last is None or last.stat().st_size >= self.shard_bytes:
            number = int(last.stem.removeprefix("shard-")) + 1 if last is not None else 0
            last = self.folder / f"shard-{number:05d}.jsonl"
        return last.open("ab")


def cut_half_line(path: Path) -> None:
    """Drop what follows the last line break."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        position = size
        while position > 0:
            start = max(0, position - 65_536)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                position = start + found + 1
                break
            position = start
        if position < size:
            file.truncate(position)
            os.fsync(file.fileno())
