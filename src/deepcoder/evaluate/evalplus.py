"""EvalPlus's files: HumanEval+ and MBPP+, plain or .gz.

A row has `base_input` and `plus_input`; the expected values come from its canonical solution, run in the
tests' process beside the candidate's, which never sees it. A sample passes when it passes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from deepcoder.evaluate.benchmarks import Task, task_key
from deepcoder.judge.values import encode
from deepcoder.problems.humaneval import to_complete
from deepcoder.problems.rows import Row, read_rows
from deepcoder.records import Problem, TestsCheck

_WRITE = "Write this Python function. Answer with its code alone.\n\n"

_TESTS = """\
{oracle}

import json as _json
from deepcoder.judge.values import decode as _decode

_trusted = {{}}
exec(compile({canonical!r}, "<canonical>", "exec"), _trusted)
__calls__ = _decode(_json.loads({inputs!r}))
_expected = expected_values({name!r}, _trusted[{name!r}], __calls__)


def check(candidate):
    verify({name!r}, candidate, _expected, __calls__, {atol!r}, _trusted)
"""


def read_plus(benchmark: str, path: Path) -> Iterator[Task]:
    """The tasks of a HumanEval+ or MBPP+ file. Raises ProblemError with file and line for a bad row."""
    for row in read_rows(path):
        yield _task(benchmark, row)


def _task(benchmark: str, row: Row) -> Task:
    task_id, prompt, name = row.text("task_id"), row.text("prompt"), row.text("entry_point")
    canonical = prompt + row.text("canonical_solution")
    # A completion of MBPP+ is a whole program: its prompt is a docstring, no code that tests could need.
    preamble = prompt if benchmark == "humaneval+" else ""
    convert = argument_types(task_key(task_id)) if benchmark == "mbpp+" else list
    atol = row.fields.get("atol", 0)
    if isinstance(atol, bool) or not isinstance(atol, int | float):
        raise row.error("atol", "must be a number")
    checks = []
    for part in ("base", "plus"):
        inputs = [list(convert(arguments)) for arguments in _inputs(row, f"{part}_input")]
        if inputs:
            tests = _TESTS.format(
                oracle=_oracle(), canonical=canonical, inputs=encode(inputs), name=name, atol=float(atol)
            )
            checks.append((part, TestsCheck(entry_point=name, preamble=preamble, tests=tests)))
    if not checks:
        raise row.error("base_input", "and 'plus_input' are empty")
    # MBPP+ shows one test in its docstring; there is no other prompt that hides it.
    asked = to_complete(prompt) if benchmark == "humaneval+" else f"{_WRITE}```python\n{prompt.strip()}\n```"
    problem = Problem(problem_id=task_id, prompt=asked, check=checks[0][1], family=benchmark, source=row.where)
    return Task(task_key(task_id), problem, prompt, name, tuple(checks), canonical, direct=asked)


def _inputs(row: Row, field: str) -> list[list[Any]]:
    value = row.fields.get(field, [])
    if not isinstance(value, list) or not all(isinstance(arguments, list) for arguments in value):
        raise row.error(field, "must be a list of argument lists")
    return value


@cache
def _oracle() -> str:
    text = (resources.files("deepcoder.evaluate") / "plus_oracle.py").read_text(encoding="utf-8")
    return text.replace("from __future__ import annotations\n", "")  # it may only stand first in a file


# --- the types that JSON has lost -----------------------------------------------------------------

Arguments = list[Any]
Convert = Callable[[Arguments], Any]


def _deep(value: Any) -> Any:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


def _sets(arguments: Arguments) -> Arguments:
    return [[set(item) if isinstance(item, list) and item else {} for item in arguments[0]]]


_CONVERSIONS: tuple[tuple[Convert, tuple[int, ...]], ...] = (
    (  # every argument is a tuple
        lambda arguments: [tuple(argument) for argument in arguments],
        (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
    ),
    (  # every argument is a list of tuples
        lambda arguments: [[tuple(item) for item in argument] for argument in arguments],
        (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780),
    ),
    (  # every argument is a tuple of tuples
        lambda arguments: [tuple(tuple(item) for item in argument) for argument in arguments],
        (259, 401, 445),
    ),
    (lambda arguments: [[tuple(item) for item in arguments[0]], arguments[1]], (75, 413, 444, 753)),
    (lambda arguments: [arguments[0], tuple(arguments[1])], (106, 750)),
    (lambda arguments: [tuple(arguments[0]), *arguments[1:]], (250, 307, 405, 446, 617, 720, 763, 808)),
    (lambda arguments: [tuple(_deep(item) if isinstance(item, list) else item for item in arguments[0])], (278,)),
    (lambda arguments: [{key: tuple(item) for key, item in arguments[0].items()}, *arguments[1:]], (722,)),
    (_deep, (580, 615, 791)),
    (_sets, (115,)),
    (lambda arguments: [float(arguments[0]), complex(arguments[1])], (124,)),
    (lambda arguments: [complex(arguments[0])], (252,)),
)
_BY_TASK = {str(number): convert for convert, numbers in _CONVERSIONS for number in numbers}


def argument_types(key: str) -> Convert:
    """How the arguments of an MBPP+ task come back from JSON: as tuples, sets and complex numbers (EvalPlus 0.3.1)."""
    return _BY_TASK.get(key, list)
