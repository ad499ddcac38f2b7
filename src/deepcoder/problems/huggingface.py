"""A Hugging Face dataset by name, its columns mapped to the fields of the JSONL form.

    problems.source=huggingface problems.name=openai/gsm8k problems.subset=main problems.dataset_split=test
    problems.fields='{prompt: question, answer: answer}' problems.answer_after='####'

A local folder of data files, or a file type with its file (`problems.name=parquet problems.path=FILE`), works too. A
column that is not mapped is left out; `struct.field` names what lies inside a column; without `problem_id` the row's
number is the id. Lists of test lines are joined. Datasets are data files alone: the library runs no code of theirs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ProblemError
from deepcoder.problems.contracts import StoredSource
from deepcoder.problems.jsonl import FIELDS, problems_of
from deepcoder.problems.rows import Row
from deepcoder.records import Problem

# Fields of a problem that may be spread over the lines of a list.
_LINES = ("tests", "setup")


def open_huggingface(config: ProblemsConfig) -> StoredSource:
    """Load `config.name` with the `datasets` library (from its cache where it has been loaded before).

    Raises ProblemError: it cannot be loaded, a column is missing, a row is no problem.
    """
    if not config.name:
        raise ProblemError("problems.name is not set", hint="name a Hugging Face dataset: problems.name=org/dataset")
    try:
        import datasets
    except ImportError:
        raise ProblemError(
            "problems.source=huggingface needs the library datasets", hint="pip install 'deepcoder[train]'"
        ) from None
    try:
        rows = datasets.load_dataset(
            config.name,
            config.subset,
            data_files=None if config.path is None else str(config.path),
            split=config.dataset_split,
            revision=config.revision,
            streaming=config.streaming,
        )
    except Exception as error:  # the library raises its own, huggingface_hub's and plain ones
        raise ProblemError(
            f"the dataset {config.name!r} (split {config.dataset_split!r}) cannot be loaded: {error}",
            hint="check problems.name, subset and dataset_split, and that this machine can reach the hub",
        ) from error
    return StoredSource("huggingface", mapped_problems(rows, config), limit=config.limit)


def mapped_problems(rows: Iterable[Mapping[str, Any]], config: ProblemsConfig) -> Iterator[Problem]:
    """Problems from the first `config.limit` rows. ProblemError names row, field, and the columns."""
    unknown = sorted(set(config.fields) - FIELDS)
    if unknown:
        raise ProblemError(
            f"problems.fields: {unknown[0]!r} is no field of a problem", hint=f"fields: {', '.join(sorted(FIELDS))}"
        )
    return problems_of(_mapped(islice(rows, config.limit), config), family=_label(config))


def _mapped(rows: Iterable[Mapping[str, Any]], config: ProblemsConfig) -> Iterator[Row]:
    for number, source in enumerate(rows):
        where = f"{config.name}[{config.dataset_split}] row {number}"
        if number == 0:
            _check_columns(source, config)
        columns = config.fields or {field: field for field in FIELDS if field in source}
        fields: dict[str, Any] = {}
        for field, column in columns.items():
            value = _value(source, column)
            if value is _MISSING:
                raise _no_column(where, field, column, source)
            if value is not None:  # in a column that other rows fill
                fields[field] = _plain(Row(where, source), field, column, value, config)
        fields.setdefault("problem_id", f"{_label(config)}/{number}")
        yield Row(where, fields)


_MISSING = object()


def _value(source: Mapping[str, Any], column: str) -> Any:
    """What a column holds; `a.b` is the field b inside column a, unless a column is called so."""
    if column in source:
        return source[column]
    above, dot, last = column.rpartition(".")
    inside = _value(source, above) if dot else None
    return inside.get(last, _MISSING) if isinstance(inside, Mapping) else _MISSING


def _plain(row: Row, field: str, column: str, value: Any, config: ProblemsConfig) -> Any:
    """A column's value in the JSONL form."""
    if field in ("problem_id", "family") and isinstance(value, int | str):
        return str(value)
    if field in _LINES and isinstance(value, list):
        return "\n".join(map(str, value))
    if field == "difficulty":
        return _difficulty(row, column, value, config.levels)
    if field == "answer" and config.answer_after is not None and isinstance(value, str):
        _, found, answer = value.rpartition(config.answer_after)
        if not found:
            raise row.error(
                column, f"has no {config.answer_after!r} before an answer", hint="see problems.answer_after"
            )
        return answer.strip()
    return value


def _difficulty(row: Row, column: str, value: Any, levels: Mapping[str, int]) -> int:
    if str(value) in levels:
        return levels[str(value)]
    try:
        if float(value).is_integer():
            return int(float(value))
    except (TypeError, ValueError):
        pass
    raise row.error(
        column,
        f"is {value!r}, which is no whole number",
        hint=f"number the levels: problems.levels='{{{value}: 1, ...}}'; now: {dict(levels) or 'none'}",
    )


def _check_columns(source: Mapping[str, Any], config: ProblemsConfig) -> None:
    """A mapping by which no row can become a problem is refused at the first one, in terms of columns."""
    have = set(config.fields or source)
    needed = [("prompt",), ("answer", "tests"), *([("entry_point",)] if "tests" in have else [])]
    for names in needed:
        if not have.intersection(names):
            raise ProblemError(
                f"the dataset {config.name!r}: no column is mapped to {' or '.join(map(repr, names))}",
                hint=f"problems.fields='{{{names[0]}: COLUMN, ...}}'; columns: {', '.join(sorted(source))}",
            )


def _no_column(where: str, field: str, column: str, source: Mapping[str, Any]) -> ProblemError:
    close = difflib.get_close_matches(column, list(source), n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return ProblemError(
        f"{where}: no column {column!r} for field {field!r}{meant}", hint=f"columns: {', '.join(sorted(source))}"
    )


def _label(config: ProblemsConfig) -> str:
    """What the dataset is called in ids: a hub name as it is, of local files the last part of their path."""
    if config.path is not None:
        return config.path.name.partition(".")[0]
    name = config.name or "huggingface"
    return Path(name).resolve().name if Path(name).exists() else name
