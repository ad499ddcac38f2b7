from __future__ import annotations

import pytest
from langchain_core.tools import BaseTool, tool

from deepcoder.config import ProblemsConfig
from deepcoder.evaluate.calls import KINDS, NO_CALL, Call, canonical, figures, make_calls, query_words, score
from deepcoder.records import Step, StepError


def step(action: str, input: str, observation: str | None = None, error: StepError | None = None) -> Step:
    return Step(thought="", action=action, input=input, observation=observation, error=error)


def call(expected: Step) -> Call:
    return Call("c", "execute", "?", (), expected)


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("total = 3 * 4\nprint(total)", True),  # names are its own
        ("x = 3*4  # product\nprint(x)", True),
        ("x = 4 * 3\nprint(x)", False),
        ("x = 3 * 4\nprint(y)", False),
        ("x = 3 * 4\nprint(x", False),  # no program
    ],
)
def test_programs_are_compared_by_their_trees(code: str, same: bool) -> None:
    expected = step("execute_python", "x = 3 * 4\nprint(x)", "12")
    assert score(call(expected), step("execute_python", code, "?")).exact is same
    assert canonical("x = (") is None


def test_another_program_that_prints_the_same_is_right_but_not_exact() -> None:
    expected = step("execute_python", "print(3 * 4)", "12")
    given = score(call(expected), step("execute_python", "print(12)", "12\n"))
    assert (given.tool, given.argument, given.exact) == (True, True, False)
    failed = step("execute_python", "1/0", "12", StepError.TOOL_FAILED)
    assert not score(call(expected), failed).argument
    assert not score(call(expected), step("finish", "12")).tool, "no call where one was needed"


def test_queries_are_compared_by_words_and_by_what_is_found() -> None:
    assert query_words("The signature of math.gcd") == query_words("math.GCD signature")
    expected = step("retrieve_knowledge", "math.gcd", "math.gcd(*integers)\nGreatest.")
    assert score(call(expected), step("retrieve_knowledge", "Math.gcd?")).exact
    assert score(call(expected), step("retrieve_knowledge", "gcd", "math.gcd(*integers)\nother")).argument
    assert not score(call(expected), step("retrieve_knowledge", "lcm", "math.lcm(*integers)")).argument


def test_answers_are_compared_as_the_judge_does() -> None:
    assert score(call(step("finish", "1200")), step("finish", "1,200")).exact
    assert not score(call(step("finish", "1200")), step("finish", "120")).argument


@pytest.fixture
def tools() -> list[BaseTool]:
    """The real names with made-up results: what is asked and what is expected does not hang on them."""

    @tool
    async def execute_python(code: str) -> str:
        """Run."""
        return "42"

    @tool
    async def retrieve_knowledge(query: str) -> str:
        """Search."""
        return f"{query}(a, b=2)"

    return [execute_python, retrieve_knowledge]


async def test_four_kinds_a_quarter_each_always_the_same(tools: list[BaseTool]) -> None:
    calls = await make_calls(18, ProblemsConfig(), tools)
    counted = {kind: sum(each.kind == kind for each in calls) for kind in KINDS}
    assert counted == {"execute": 5, "retrieve": 5, "observed": 4, "stated": 4}
    assert len({each.call_id for each in calls}) == 18
    for each in calls:
        assert (each.expected.action == "finish") == (each.kind in NO_CALL)
        assert (each.expected.observation is None) == (each.kind in NO_CALL)
        assert bool(each.before) == (each.kind == "observed")
        assert all(before.observation is not None for before in each.before)
        if each.kind == "stated":
            assert each.expected.input in each.prompt
    assert await make_calls(18, ProblemsConfig(), tools) == calls
    assert await make_calls(18, ProblemsConfig(sealed=True), tools) != calls


async def test_kinds_whose_tool_is_not_offered_are_left_out(tools: list[BaseTool]) -> None:
    calls = await make_calls(8, ProblemsConfig(), tools[:1])
    assert {each.kind for each in calls} == {"execute", "observed", "stated"}


async def test_the_reference_itself_is_right_and_silence_is_wrong(tools: list[BaseTool]) -> None:
    calls = await make_calls(12, ProblemsConfig(), tools)
    perfect = figures(calls, {each.call_id: each.expected for each in calls})
    assert (perfect["n"], perfect["tool"], perfect["argument"], perfect["exact"], perfect["no_call"]) == (
        12,
        1,
        1,
        1,
        1,
    )
    silent = figures(calls, {each.call_id: step("", "") for each in calls})
    assert (silent["tool"], silent["no_call"]) == (0.0, 0.0)
    always = figures(calls, {each.call_id: step("execute_python", "print(1)", "1") for each in calls})
    assert always["no_call"] == 0.0
    assert figures(calls, {})["n"] == 0
