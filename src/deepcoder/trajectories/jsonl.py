"""JSONL that survives a crash: a half-written last line is skipped by readers and cut off by the next writer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepcoder.errors import RecordError


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


def json_line(row: dict[str, Any]) -> bytes:
    """One line. A lone surrogate (a program may print one) has no UTF-8 form: such a line is written in ASCII."""
    try:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"


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
