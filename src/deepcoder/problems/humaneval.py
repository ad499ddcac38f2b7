"""HumanEval: HumanEval.jsonl, plain or .gz. The prompt is the file's own; the judge has it as preamble."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deepcoder.problems.contracts import Policy, StoredSource
from deepcoder.problems.difficulty import statements
from deepcoder.problems.replay import replay
from deepcoder.problems.rows import Row, read_rows
from deepcoder.records import Problem, TestsCheck

_INSTRUCTION = "Complete this Python function. Answer with the whole function.\n\n"


def open_humaneval(path: Path | None, *, limit: int | None = None) -> StoredSource:
    """The problems of a HumanEval file; policies replay its canonical solutions."""
    solutions: dict[str, tuple[str, str]] = {}

    def problems() -> Iterator[Problem]:
        for row in read_rows(path):
            problem = _problem(row)
            prompt, name = row.text("prompt"), row.text("entry_point")
            solutions[problem.problem_id] = (prompt + row.text("canonical_solution", ""), name)
            yield problem

    def policy(problem_id: str) -> Policy | None:
        return replay(*solutions[problem_id])

    return StoredSource("humaneval", problems(), limit=limit, policy=policy)


def to_complete(prompt: str) -> str:
    """The prompt around a function's beginning, for the agent and for a direct completion."""
    return f"{_INSTRUCTION}```python\n{prompt.rstrip()}\n```"


def _problem(row: Row) -> Problem:
    prompt, name = row.text("prompt"), row.text("entry_point")
    solution = row.text("canonical_solution", "")
    check = TestsCheck(entry_point=name, preamble=prompt, tests=row.text("test"))
    return Problem(
        problem_id=row.text("task_id"),
        prompt=to_complete(prompt),
        check=check,
        family="humaneval",
        difficulty=statements(prompt + solution, given=prompt) if solution else 0,
        source=row.where,
    )
