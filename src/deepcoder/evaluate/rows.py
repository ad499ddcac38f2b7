"""Result files: JSONL, one row appended as each result comes, safe against a crash."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from deepcoder.runs import write_atomic
from deepcoder.trajectories import cut_half_line, json_rows


class RowLog:
    """An append-only JSONL file. `rows` are those of earlier sessions, in file order."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path.exists():
            cut_half_line(path)
            self.rows = [row for _, row in json_rows(path)]
        self._file = path.open("ab")

    def add(self, row: dict[str, Any]) -> None:
        """Append one row; it survives the end of this process (not a power cut: results can be had again)."""
        self._file.write(line_of(row))
        self._file.flush()

    def __enter__(self) -> RowLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()


def line_of(row: dict[str, Any]) -> bytes:
    """One JSONL line; text with lone surrogates is escaped, anything else readable."""
    try:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def rewrite(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Replace a file by these rows, whole or not at all."""
    write_atomic(path, b"".join(map(line_of, rows)))


def write_json(path: Path, value: Any) -> None:
    """A JSON file for people and programs, whole or not at all."""
    write_atomic(path, json.dumps(value, indent=2, ensure_ascii=True) + "\n")
