from __future__ import annotations

import pytest

from deepcoder.errors import ProblemError
from deepcoder.judge import judge, limits
from deepcoder.records import AnswerCheck, Outcome, Problem, TestsCheck, Verdict
from deepcoder.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

TESTS = "assert f(2) == 4\nassert f(3) == 9"


def problem(tests: str = TESTS, entry_point: str | None = "f", *, setup: str = "", preamble: str = "") -> Problem:
    tested = TestsCheck(tests=tests, entry_point=entry_point, setup=setup, preamble=preamble)
    return Problem(problem_id="p", prompt="", check=tested)


async def outcome(box: Sandbox, answer: str | None, *arguments: str, **keywords: str) -> Outcome:
    return (await judge(problem(*arguments, **keywords), answer, box)).outcome


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("def f(x): return x * x", Outcome.PASSED),
        ("```python\ndef f(x):\n    return x * x\n```", Outcome.PASSED),
        ("f = lambda x: x ** 2", Outcome.PASSED),
        ("def f(x): return x + 2", Outcome.WRONG),
        ("def f(x): pass", Outcome.WRONG),
        ("def f(x): return 1 / 0", Outcome.ERROR),
        ("def f(x): assert False", Outcome.ERROR),
        ("def g(x): return x * x", Outcome.ERROR),
        ("def f(x) return x", Outcome.ERROR),
        ("f = 4", Outcome.ERROR),
        ("def f(x): return object()", Outcome.ERROR),
        ("def f(x): return f(x)", Outcome.ERROR),
        ("import sys\nsys.exit(0)", Outcome.ERROR),
        ("import os\ndef f(x): os._exit(0)", Outcome.ERROR),
        ("def f(x): return input()", Outcome.ERROR),
        ("x = '\x00'", Outcome.ERROR),
        ("def f(x): return '\ud800'", Outcome.ERROR),
        ("I do not know", Outcome.ERROR),
        (None, Outcome.NO_ANSWER),
        ("  \n", Outcome.NO_ANSWER),
        ("a = [0] * 10 ** 9\ndef f(x): return 4", Outcome.MEMORY),
        ("import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGKILL)", Outcome.KILLED),
    ],
)
async def test_outcomes(box: Sandbox, answer: str | None, expected: Outcome) -> None:
    verdict = await judge(problem(), answer, box)
    assert (verdict.outcome, verdict.mode) == (expected, "isolated")


async def test_an_answer_is_compared_without_the_sandbox(box: Sandbox) -> None:
    exact = Problem(problem_id="p", prompt="", check=AnswerCheck(answer="[1, 2]"))
    assert await judge(exact, "[1,2]", box) == Verdict(outcome=Outcome.PASSED)
    assert (await judge(exact, "[2,1]", box)).outcome is Outcome.WRONG
    assert (await judge(exact, None, box)).outcome is Outcome.NO_ANSWER


async def test_the_detail_names_the_failing_line_and_the_exception(box: Sandbox) -> None:
    wrong = await judge(problem(), "def f(x): return 4", box)
    assert wrong.detail.startswith("assert f(3) == 9")
    raised = await judge(problem(), "def f(x): raise ValueError('no ' + str(x))", box)
    assert "ValueError: no 2" in raised.detail


async def test_helpers_come_from_the_prompt_not_from_the_answer(box: Sandbox) -> None:
    tests = "def check(candidate):\n    assert poly(candidate(3)) == 0"
    preamble = "def poly(x):\n    return x - 3\ndef f(x):\n    '''the stub'''\n"
    forged = "def poly(x): return 0\ndef f(x): return 99"
    assert await outcome(box, forged, tests, "f", preamble=preamble) is Outcome.WRONG
    assert (
        await outcome(box, "def f(x): return x if poly(x) == 0 else 3", tests, "f", preamble=preamble) is Outcome.PASSED
    )
    assert await outcome(box, "x = 1", tests, "f", preamble=preamble) is Outcome.ERROR, "the stub is not an answer"


async def test_code_then_setup_then_tests(box: Sandbox) -> None:
    node = "class Node:\n    def __init__(self, v): self.v = v; self.left = None\n"
    answer = node + "def depth(n): return 1 + depth(n.left) if n else 0"
    tests, setup = "assert depth(root) == 2", "root = Node(1)\nroot.left = Node(2)"
    verdict = await judge(problem(tests, "depth", setup=setup), answer, box)
    assert (verdict.outcome, verdict.mode) == (Outcome.PASSED, "in_process")
    assert (await judge(problem(tests, "depth", setup=setup), answer + " + 1", box)).outcome is Outcome.WRONG
    assert (await judge(problem(tests, "depth", setup=setup), "depth = 1", box)).outcome is Outcome.ERROR


async def test_arguments_that_are_not_plain_choose_the_mode_not_the_answer(box: Sandbox) -> None:
    tests = "assert f(lambda x: x + 1, 2) == 3"
    verdict = await judge(problem(tests), "def f(g, x): return g(x)", box)
    assert (verdict.outcome, verdict.mode) == (Outcome.PASSED, "in_process")


async def test_changed_arguments_are_seen_where_they_are_what_is_tested(box: Sandbox) -> None:
    tests = "x = [3, 1, 2]\nf(x)\nassert x == [1, 2, 3]"
    assert await outcome(box, "def f(x): x.sort()", tests) is Outcome.PASSED
    assert await outcome(box, "def f(x): sorted(x)", tests) is Outcome.WRONG


async def test_a_cleared_argument_does_not_empty_the_expectation(box: Sandbox) -> None:
    tests = "x = [3, 1, 2]\nassert f(x) == sorted(x)"
    assert await outcome(box, "def f(x):\n    x.clear()\n    return []", tests) is Outcome.WRONG


async def test_library_types_iterators_and_several_functions(box: Sandbox) -> None:
    tests = "from collections import Counter\nassert c('aab') == Counter('aab') == {'a': 2, 'b': 1}\n"
    tests += "assert list(g(3)) == [0, 1, 2]"
    answer = "import collections\ndef c(s): return collections.Counter(s)\ndef g(n):\n    yield from range(n)"
    assert await outcome(box, answer, tests, None) is Outcome.PASSED


async def test_tests_can_expect_an_exception(box: Sandbox) -> None:
    tests = "try:\n    f(-1)\n    assert False\nexcept ValueError as error:\n    assert 'negative' in str(error)"
    assert await outcome(box, "def f(x):\n    raise ValueError('negative')", tests) is Outcome.PASSED
    assert await outcome(box, "def f(x):\n    raise KeyError('negative')", tests) is Outcome.ERROR
    assert await outcome(box, "def f(x): return 0", tests) is Outcome.WRONG
    custom = "class Bad(ValueError): pass\ndef f(x): raise Bad('negative')"
    assert await outcome(box, custom, tests) is Outcome.PASSED


async def test_a_broken_check_is_the_problems_error(box: Sandbox) -> None:
    with pytest.raises(ProblemError, match="problem p"):
        await judge(problem("assert f("), "def f(): pass", box)


async def test_state_does_not_pass_from_one_judgement_to_the_next(box: Sandbox) -> None:
    leave = "import builtins, json\nbuiltins.len = lambda x: 4\njson.dumps = None\ndef f(x): return x * x"
    await judge(problem(), leave, box)
    assert await outcome(box, "def f(x): return len('ab') * x if x == 2 else 9") is Outcome.PASSED


@pytest.mark.slow
async def test_time_in_which_nothing_is_asked_is_not_the_candidates(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WALL_S", 1.0)
    slow = "import time\nfirst = f(2)\ntime.sleep(1.5)\nassert f(first) == 16"
    assert await outcome(box, "def f(x): return x * x", slow) is Outcome.PASSED
    assert (
        await outcome(box, "import time\ndef f(x): time.sleep(1.5 * (x > 2)); return 16 / x", slow) is Outcome.TIMEOUT
    )


async def test_an_endless_loop_is_a_timeout(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CPU_S", 1.0)
    assert await outcome(box, "def f(x):\n    while True: pass") is Outcome.TIMEOUT
