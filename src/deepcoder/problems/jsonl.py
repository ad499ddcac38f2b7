"""Problems as JSONL, the form for anybody's own:

    {"problem_id": "a1", "prompt": "What is 2 + 2?", "answer": "4"}
    {"problem_id": "b1", "prompt": "Write add(a, b).", "tests": "assert add(1, 2) == 3", "entry_point": "add"}

`answer` is compared after normalisation, numbers by value; it may be a JSON number, boolean or list too.
Optional: `setup` (run after the candidate, before the tests), `family`, `difficulty`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deepcoder.problems.contracts import StoredSource
from deepcoder.problems.rows import Row, read_rows
from deepcoder.records import AnswerCheck, Check, Problem, TestsCheck

FIELDS = frozenset({"problem_id", "prompt", "answer", "tests", "entry_point", "setup", "family", "difficulty"})


def open_jsonl(path: Path | None, *, limit: int | None = None) -> StoredSource:
    """The problems of a JSONL file; no policy: nobody but the file's author knows the solutions."""
    return StoredSource("jsonl", problems_of(read_rows(path)), limit=limit)


def problems_of(rows: Iterator[Row], family: str = "jsonl") -> Iterator[Problem]:
    """Rows in the contract's form to problems; unknown fields are errors, never dropped silently."""
    for row in rows:
        unknown = sorted(set(row.fields) - FIELDS)
        if unknown:
            raise row.error(unknown[0], "is unknown", hint=f"known fields: {', '.join(sorted(FIELDS))}")
        difficulty = row.fields.get("difficulty", 0)
        if not isinstance(difficulty, int):
            raise row.error("difficulty", "must be a whole number")
        prompt = row.text("prompt")
        if not prompt.strip():
            raise row.error("prompt", "is empty")
        yield Problem(
            problem_id=row.text("problem_id"),
            prompt=prompt,
            check=_check(row),
            family=row.text("family", family),
            difficulty=difficulty,
            source=row.where,
        )


def _check(row: Row) -> Check:
    has_answer, has_tests = "answer" in row.fields, "tests" in row.fields
    if has_answer == has_tests:
        field = "answer"
        problem = "and 'tests' are both given" if has_answer else "is missing, and so is 'tests'"
        raise row.error(field, problem, hint="give exactly one of the two: answer, or tests with entry_point")
    if has_tests:
        return TestsCheck(entry_point=row.text("entry_point"), setup=row.text("setup", ""), tests=row.text("tests"))
    answer = row.fields["answer"]
    if isinstance(answer, bool | int | float | list):
        answer = str(answer)
    if not isinstance(answer, str):
        raise row.error("answer", f"must be a string, a number, a boolean or a list, not {type(answer).__name__}")
    return AnswerCheck(answer=answer)
