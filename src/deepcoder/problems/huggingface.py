"""A Hugging Face dataset by name, its columns mapped to the fields of the JSONL form.

    problems.source=huggingface problems.name=org/dataset problems.dataset_split=test
    problems.fields='{prompt: question, answer: answer}'

A column that is not mapped is left out; without `problem_id` the row's number is the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ProblemError
from deepcoder.problems.contracts import StoredSource
from deepcoder.problems.jsonl import FIELDS, problems_of
from deepcoder.problems.rows import Row
from deepcoder.records import Problem


def open_huggingface(config: ProblemsConfig) -> StoredSource:
    """Load `config.name` with the `datasets` library (from its cache where it has been loaded before)."""
    if not config.name:
        raise ProblemError("problems.name is not set", hint="name a Hugging Face dataset: problems.name=org/dataset")
    try:
        import datasets
    except ImportError:
        raise ProblemError(
            "problems.source=huggingface needs the library datasets", hint="pip install 'deepcoder[train]'"
        ) from None
    try:
        # A local folder or file type ("json") works too: `path` is then its data file.
        files = None if config.path is None else str(config.path)
        rows = datasets.load_dataset(config.name, data_files=files, split=config.dataset_split)
    except Exception as error:  # the library raises its own, huggingface_hub's and plain ones
        raise ProblemError(
            f"the dataset {config.name!r} (split {config.dataset_split!r}) cannot be loaded: {error}",
            hint="check problems.name and problems.dataset_split, and that this machine can reach the hub",
        ) from error
    return StoredSource("huggingface", mapped_problems(rows, config), limit=config.limit)


def mapped_problems(rows: Iterable[Mapping[str, Any]], config: ProblemsConfig) -> Iterator[Problem]:
    """Problems from mapped rows. ProblemError names dataset, row and field."""
    unknown = sorted(set(config.fields) - FIELDS)
    if unknown:
        raise ProblemError(
            f"problems.fields: {unknown[0]!r} is no field of a problem", hint=f"fields: {', '.join(sorted(FIELDS))}"
        )
    return problems_of(_mapped(rows, config), family=config.name or "huggingface")


def _mapped(rows: Iterable[Mapping[str, Any]], config: ProblemsConfig) -> Iterator[Row]:
    columns = config.fields or {field: field for field in FIELDS}
    for number, source in enumerate(rows):
        where = f"{config.name}[{config.dataset_split}] row {number}"
        fields: dict[str, Any] = {}
        for field, column in columns.items():
            if column in source:
                value = source[column]
                fields[field] = str(value) if field == "problem_id" else value
            elif config.fields:
                raise ProblemError(
                    f"{where}: no column {column!r} for field {field!r}", hint=f"columns: {', '.join(sorted(source))}"
                )
        fields.setdefault("problem_id", f"{config.name}/{number}")
        if isinstance(fields.get("tests"), list):
            fields["tests"] = "\n".join(map(str, fields["tests"]))
        yield Row(where, fields)
