"""MBPP: mbpp.jsonl (974 rows) and sanitized-mbpp.json (427 rows), plain or .gz.

The usual practice shows the tests in the prompt. Here they are hidden, so the prompt names the function
and its parameters instead: read from the reference code's `def` line, and nothing else of it. `tests_shown`
is the usual prompt, for direct completions that are to be compared with those of others.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from deepcoder.errors import ProblemError
from deepcoder.problems.contracts import Policy, StoredSource
from deepcoder.problems.difficulty import statements
from deepcoder.problems.replay import replay
from deepcoder.problems.rows import Row, read_rows
from deepcoder.records import Problem, TestsCheck


def open_mbpp(path: Path | None, *, limit: int | None = None) -> StoredSource:
    """The problems of an MBPP file; policies replay its reference solutions."""
    solutions: dict[str, tuple[str, str]] = {}

    def problems() -> Iterator[Problem]:
        for row in read_rows(path):
            problem, code, name = _problem(row)
            solutions[problem.problem_id] = (code, name)
            yield problem

    def policy(problem_id: str) -> Policy | None:
        return replay(*solutions[problem_id])

    return StoredSource("mbpp", problems(), limit=limit, policy=policy)


def _problem(row: Row) -> tuple[Problem, str, str]:
    number = row.fields.get("task_id")
    if not isinstance(number, int | str):
        raise row.error("task_id", "is missing" if number is None else "must be a number or a string")
    code = row.text("code").replace("\r\n", "\n").replace("\r", "\n")
    tests = row.strings("test_list") + row.strings("challenge_test_list")
    if not row.strings("test_list"):
        raise row.error("test_list", "is missing or empty")
    setup = row.text("test_setup_code", "") or "\n".join(row.strings("test_imports"))
    text = _text(row)
    name, signature = entry_point(code, tests, row)
    prompt = f"{text.strip()}\nName the function `{name}`; it is called as `{signature}`."
    check = TestsCheck(
        entry_point=name,
        setup=setup.replace("\r\n", "\n"),
        tests="\n".join(test.replace("\r\n", "\n") for test in tests),
    )
    problem = Problem(
        problem_id=f"mbpp/{str(number).removeprefix('Mbpp/')}",
        prompt=prompt,
        check=check,
        family="mbpp",
        difficulty=statements(code),
        source=row.where,
    )
    return problem, code, name


def tests_shown(row: Row) -> str:
    """The prompt of the usual practice: the text, and the tests of `test_list` as they stand."""
    tests = "\n".join(test.replace("\r\n", "\n") for test in row.strings("test_list"))
    return f"{_text(row).strip()}\nAnswer with the code alone. It must pass these tests:\n\n```python\n{tests}\n```"


def _text(row: Row) -> str:
    return row.text("text") if "text" in row.fields else row.text("prompt")


def entry_point(code: str, tests: list[str], row: Row) -> tuple[str, str]:
    """The function that the tests call and its signature, e.g. ("min_cost", "min_cost(cost, m, n)")."""
    try:
        functions = {node.name: node for node in _parse(code).body if isinstance(node, ast.FunctionDef)}
    except SyntaxError as error:
        raise row.error("code", f"is not Python: {error.msg} (line {error.lineno})") from None
    for name in _called(tests, row):
        if name in functions:
            return name, f"{name}({_parameters(functions[name].args)})"
    raise ProblemError(f"{row.where}: the tests call no function that field 'code' defines", hint="check the row")


def _parse(code: str) -> ast.Module:
    """Parse somebody else's code without its warnings (`'^\\w+'` is an invalid escape to newer Pythons)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


def _called(tests: list[str], row: Row) -> Iterator[str]:
    """Names that the tests call, outermost and leftmost first."""
    for test in tests:
        try:
            tree = _parse(test)
        except SyntaxError as error:
            raise row.error("test_list", f"is not Python: {error.msg}") from None
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id


def _parameters(arguments: ast.arguments) -> str:
    """Parameter names as they stand in the `def` line; defaults shown, annotations dropped."""
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            argument.annotation = None
    return ast.unparse(arguments)
