"""The tests' process that is kept: what one answer does must not reach the next."""

from __future__ import annotations

import pytest

from deepcoder.judge import judge_program
from deepcoder.judge.tests_side import TestsSide
from deepcoder.records import Outcome, TestsCheck
from deepcoder.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

SQUARE = TestsCheck(
    entry_point="f", tests="def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 9"
)
STATEFUL = TestsCheck(
    entry_point="f",
    tests="""
import math
SEEN = []
def check(candidate):
    SEEN.append(1)
    math.pi = candidate(1)
    assert len(SEEN) == 1 and not hasattr(math, "marked")
    math.marked = True
""",
)


async def test_many_answers_to_one_check(box: Sandbox) -> None:
    answers = ["def f(x): return x * x", "def f(x): return x + 2", "def f(x): return 1 / 0", "def f(x): return x ** 2"]
    async with TestsSide(box) as tests:
        found = [(await judge_program(SQUARE, answer, box, tests=tests)).outcome for answer in answers]
    assert found == [Outcome.PASSED, Outcome.WRONG, Outcome.ERROR, Outcome.PASSED]


async def test_checks_alternate(box: Sandbox) -> None:
    other = TestsCheck(tests="assert g(1) == 1")
    async with TestsSide(box) as tests:
        for _ in range(2):
            assert (await judge_program(SQUARE, "def f(x): return x * x", box, tests=tests)).passed
            assert (await judge_program(other, "def g(x): return x", box, tests=tests)).passed


async def test_nothing_that_a_run_changes_is_there_in_the_next(box: Sandbox) -> None:
    async with TestsSide(box) as tests:
        for value in (1, 2, 3):
            verdict = await judge_program(STATEFUL, f"def f(x): return {value}", box, tests=tests)
            assert verdict.passed, verdict


@pytest.mark.parametrize(
    "bad",
    [
        "import os\ndef f(x): os._exit(0)",
        "import deepcoder_channel as c\ndef f(x):\n    for _ in range(300): c.send(b'x' * 100_000)\n    return 1",
        "import deepcoder_channel as c\ndef f(x):\n"
        '    for n in range(9): c.send(b\'{"id": %d, "value": 4}\' % n)\n    return 4',
        "def f(x): return 'x' * 17_000_000",
        "def f(x): return [[]] * 200_000",
    ],
)
async def test_a_hostile_answer_fails_alone(box: Sandbox, bad: str) -> None:
    async with TestsSide(box) as tests:
        for _ in range(2):
            verdict = await judge_program(SQUARE, bad, box, tests=tests)
            assert verdict.outcome in (Outcome.ERROR, Outcome.WRONG, Outcome.OUTPUT_LIMIT, Outcome.MEMORY), verdict
            honest = await judge_program(SQUARE, "def f(x): return x * x", box, tests=tests)
            assert honest.passed, honest


async def test_a_verdict_that_earlier_replies_decided_stands(box: Sandbox) -> None:
    """All calls are on their way at once; the second would never end."""
    answer = "def f(x):\n    while x == 3: pass\n    return 0"
    assert (await judge_program(SQUARE, answer, box)).outcome is Outcome.WRONG


async def test_calls_that_were_not_foreseen_are_judged_without_foresight(box: Sandbox) -> None:
    check = TestsCheck(
        entry_point="f",
        tests="def check(candidate):\n    assert locals()['candidate'](7) == 1\n    assert candidate(2) == 2",
    )
    counts = "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n"
    assert (await judge_program(check, counts, box)).passed


async def test_the_tests_own_time_is_limited_run_by_run(box: Sandbox) -> None:
    slow = TestsCheck(
        entry_point="f",
        tests="def check(candidate):\n    n = candidate(1)\n    while n == 5: pass\n    assert n == 1",
    )
    async with TestsSide(box, scale=0.04) as tests:
        first = await judge_program(slow, "def f(x): return 5", box, tests=tests)
        again = await judge_program(slow, "def f(x): return 1", box, tests=tests)
    assert first.outcome is Outcome.TIMEOUT
    assert again.passed
