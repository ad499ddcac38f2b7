from __future__ import annotations

import pytest
from tests.trajectories.made import made

from deepcoder.evaluate.failures import failure
from deepcoder.evaluate.quality import coherence, quality, thinking_share
from deepcoder.records import Step, StepError, StopReason, Trajectory


def step(thought: str, action: str = "execute_python", input: str = "print(2)", observation: str | None = "2") -> Step:
    return Step(thought=thought, action=action, input=input, observation=None if action == "finish" else observation)


def run(*steps: Step, **fields: object) -> Trajectory:
    return made("p", steps=steps, **fields)


@pytest.mark.parametrize(
    ("thought", "action", "kept"),
    [
        ("Look up math.gcd.", "retrieve_knowledge", True),
        ("Look up math.gcd.", "execute_python", False),
        ("I search nothing. Then I run the program.", "execute_python", True),
        ("The answer is 2.", "finish", True),
        ("The answer is 2.", "execute_python", False),
        ("Search the docs or run code.", "execute_python", None),  # two kinds: nothing is announced
        ("Seven times six.", "execute_python", None),
        ("The crash ran deep in research.", "finish", None),  # parts of other words announce nothing
    ],
)
def test_an_action_of_another_kind_than_announced_breaks_the_rule_tool(
    thought: str, action: str, kept: bool | None
) -> None:
    found = dict(coherence(run(step(thought, action, "2")), 0))
    assert found.get("tool") == kept


@pytest.mark.parametrize(
    ("said", "answer", "kept"), [("The result is 1,204.", "1204", True), ("The answer is 3", "4", False)]
)
def test_an_answer_other_than_the_one_in_the_thought_breaks_the_rule_value(said: str, answer: str, kept: bool) -> None:
    assert dict(coherence(run(step(said, "finish", answer)), 0))["value"] is kept


def test_an_answer_that_nothing_showed_breaks_the_rule_grounded() -> None:
    seen = step("Compute it.", observation="total 42\n")
    assert dict(coherence(run(seen, step("", "finish", "42")), 1))["grounded"] is True
    assert dict(coherence(run(seen, step("", "finish", "43")), 1))["grounded"] is False
    assert "grounded" not in dict(coherence(run(seen, step("", "finish", "def f():\n    pass")), 1))
    assert "grounded" not in dict(coherence(run(step("", "finish", "43")), 0)), "it may well have known"


def test_the_same_again_after_an_error_breaks_the_rule_correction() -> None:
    failed = step("Try.").model_copy(update={"error": StepError.TOOL_FAILED})
    assert dict(coherence(run(failed, step("Try again.")), 1))["correction"] is False
    assert dict(coherence(run(failed, step("Mend it.", input="print(3)")), 1))["correction"] is True


def test_shares_repetition_and_lengths() -> None:
    good = run(step("Run it at once, please."), step("The answer is 2.", "finish", "2"))
    bad = run(step("Look it up."), step("Look it up."), step("", "finish", "9"))
    found = quality([good, bad])
    assert (found["coherent"], found["coherent_of"]) == (pytest.approx(2 / 5), 5)
    assert found["rules"]["tool"] == {"applied": 4, "broken": 2}
    assert found["repeated_thoughts"] == pytest.approx(1 / 4), "empty thoughts repeat nothing"
    assert found["repeated_words"] == 0.0, "three words are no sequence of four"
    assert found["thought_words"]["p50"] == 3.0
    assert found["thinking_chars"] == {"mean": None, "p50": None, "p90": None}
    twice = quality([run(step("one two three four five"), step("one two three four six"))])
    assert twice["repeated_words"] == pytest.approx(1 / 4)


def test_nothing_to_count_is_none_and_not_zero() -> None:
    assert quality([])["coherent"] is None
    assert quality([run()])["repeated_words"] is None


def test_thinking_is_a_share_of_the_characters() -> None:
    assert thinking_share(Step(thought="ab", action="finish", input="cd", reasoning="x" * 12)) == 0.75
    assert thinking_share(Step(thought="ab", action="finish", input="cd")) is None


def test_why_a_run_failed() -> None:
    unread = Step(thought="chatter", action="", input="", observation="how to", error=StepError.NO_ACTION)
    broken = step("Try.").model_copy(update={"error": StepError.TOOL_FAILED})
    end = step("", "finish", "2")
    wrong = {"passed": False}
    cases = {
        "": run(step("x"), end),
        "unreadable steps": run(unread, unread, stop_reason=StopReason.MAX_STEPS, **wrong),
        "the same call again": run(step("x"), step("x"), stop_reason=StopReason.MAX_STEPS, **wrong),
        "out of steps": run(step("x"), stop_reason=StopReason.MAX_STEPS, **wrong),
        "out of tokens": run(step("x"), stop_reason=StopReason.MAX_TOKENS, **wrong),
        "no call made": run(end, **wrong),
        "finished after an error": run(broken, end, **wrong),
        "answer from nowhere": run(step("x"), step("", "finish", "7"), **wrong),
        "observed, yet wrong": run(step("x"), end, **wrong),
    }
    ended = run(*[step("x")] * 3, unread, unread, stop_reason=StopReason.UNREADABLE, **wrong)
    assert failure(ended) == "unreadable steps"
    assert {name: failure(trajectory) for name, trajectory in cases.items()} == {name: name for name in cases}
