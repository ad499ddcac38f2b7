"""Rows of a problem file: .jsonl or .json (a list), plain or .gz, each with the place it came from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepcoder.errors import ProblemError


@dataclass(frozen=True)
class Row:
    """One record of a file. `where` is `file:line`, for error messages."""

    where: str
    fields: Mapping[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        """The string field `name`; ProblemError where it is missing (without default) or not a string."""
        value = self.fields.get(name, default)
        if value is None:
            raise self.error(name, "is missing")
        if not isinstance(value, str):
            raise self.error(name, f"must be a string, not {type(value).__name__}")
        return value

    def strings(self, name: str) -> list[str]:
        """The field `name` as a list of strings; ProblemError otherwise. Missing: empty."""
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(name, "must be a list of strings")
        return value

    def error(self, name: str, problem: str, hint: str = "") -> ProblemError:
        """An error that names file, line and field."""
        return ProblemError(f"{self.where}: field {name!r} {problem}", hint=hint or self._present())

    def _present(self) -> str:
        return f"the row has: {', '.join(sorted(map(str, self.fields))) or 'no fields'}"


def read_rows(path: Path | None) -> Iterator[Row]:
    """The rows of `path` in order, read line by line; ProblemError names file and line."""
    if path is None:
        raise ProblemError("problems.path is not set", hint="set it: problems.path=FILE.jsonl")
    if not path.is_file():
        raise ProblemError(f"problem file {path} does not exist", hint="check problems.path")
    try:
        if path.name.removesuffix(".gz").endswith(".json"):
            yield from _read_array(path)
        else:
            yield from _read_lines(path)
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise ProblemError(
            f"problem file {path} cannot be read: {error}", hint="it must be UTF-8 text, plain or gzip"
        ) from None


def _read_lines(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                value = json.loads(line)
            except ValueError as error:
                raise ProblemError(f"{where}: not valid JSON: {error}", hint="one JSON object a line") from None
            yield _row(where, value)


def _read_array(path: Path) -> Iterator[Row]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        values = json.loads(raw)
    except ValueError as error:
        raise ProblemError(f"{path}: not valid JSON: {error}", hint="a .json file holds one list of objects") from None
    if not isinstance(values, list):
        raise ProblemError(f"{path}: must hold a list of objects, not {type(values).__name__}")
    for number, value in enumerate(values):
        yield _row(f"{path}: item {number}", value)


def _row(where: str, value: Any) -> Row:
    if not isinstance(value, dict):
        raise ProblemError(f"{where}: must be a JSON object, not {type(value).__name__}")
    return Row(where, value)
