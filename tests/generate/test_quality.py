from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.generate.runs import a_run, act, finish

from deepcoder.agent.loop import read_message
from deepcoder.config import QualityConfig
from deepcoder.generate.quality import REASONS, broken_rule
from deepcoder.parser import as_thought, parse_step
from deepcoder.records import Step, Trajectory

DEFAULT = QualityConfig()
PROSE = " ".join(f"word{number}" for number in range(60))


def reason(trajectory: Trajectory, config: QualityConfig = DEFAULT) -> str | None:
    broken = broken_rule(trajectory, config)
    assert broken is None or broken.reason in REASONS
    return broken.reason if broken else None


def unreadable(text: str = "I would rather talk.") -> Step:
    return Step(thought=text, action="", input="", observation="Write one step", error="no_action", raw=text)


def cut(text: str = "Thought: let me cut o") -> Step:
    return Step(thought=text, action="", input="", observation="The step was cut off", error="truncated", raw=text)


def test_a_plain_run_is_good() -> None:
    assert reason(a_run()) is None


def test_failed_steps_that_were_recovered_from_are_wanted() -> None:
    failed = act("print(1 / 0)", "ZeroDivisionError: division by zero (line 1)", error="tool_failed")
    assert reason(a_run(failed, unreadable(), failed.model_copy(update={"input": "x"}), act(), finish())) is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"min_steps": 3}, "too_short"),
        ({"max_steps": 1}, "too_many_steps"),
        ({"max_step_chars": 60}, "too_long"),
        ({"max_chars": 100}, "too_long"),
        ({"min_steps": 2, "max_steps": 2, "max_step_chars": 1000, "max_chars": 1000}, None),
        ({"min_steps": 3, "max_steps": 1, "enabled": False}, None),
    ],
)
def test_limits(config: dict[str, int], expected: str | None) -> None:
    assert reason(a_run(), QualityConfig.model_validate(config)) == expected


def test_one_step_at_the_token_limit_rejects_the_run() -> None:
    run = a_run(cut(), act(), finish())
    assert reason(run) == "truncated"
    assert reason(run, QualityConfig(allow_truncated=True)) is None


def test_cut_off_steps_are_found_as_the_loop_records_them() -> None:
    from langchain_core.messages import AIMessage

    names = ("execute_python", "finish")
    limit = {"finish_reason": "length"}
    for message in (
        AIMessage("Thought: so\nAction: execute_python\nAction Input:\nprint(1", response_metadata=limit),
        AIMessage("", additional_kwargs={"reasoning_content": "Let me think"}, response_metadata=limit),
    ):
        step = read_message(message, names)
        assert reason(a_run(step, act(), finish())) == "truncated"
    nothing = read_message(AIMessage("", response_metadata={"finish_reason": "stop"}), names)
    assert reason(a_run(nothing, act(), finish())) is None


def test_too_many_unreadable_steps() -> None:
    assert reason(a_run(*[unreadable()] * 2, act(), finish())) is None
    assert reason(a_run(*[unreadable()] * 3, act(), finish())) == "unreadable"
    assert reason(a_run(*[unreadable()] * 3, finish()), QualityConfig(max_unreadable=None)) is None


def test_a_run_without_any_thought() -> None:
    run = a_run(act(thought=""), finish(thought=" "))
    assert reason(run) == "no_thought"
    assert reason(run, QualityConfig(require_thought=False)) is None
    assert reason(a_run(act(thought=""), finish(thought="So."))) is None


@pytest.mark.parametrize("mark", ["<|im_end|>", "<think>", "</think>", "<｜end▁of▁sentence｜>", "[INST]"])
def test_marks_of_chat_templates(mark: str) -> None:
    for run in (a_run(act(thought=f"So {mark}"), finish()), a_run(act(f"print('{mark}')"), finish())):
        assert reason(run) == "template_tokens"
        assert reason(run, QualityConfig(allow_template_tokens=True)) is None
    assert reason(a_run(act(observation=mark), finish())) is None


def test_operators_are_no_marks() -> None:
    assert reason(a_run(act("print(a<b, c|d, x[0], [INSTANCE], a <| b |> c)"), finish())) is None


def test_the_same_action_again_and_again() -> None:
    again = act("print(6 *  7)\n")
    assert reason(a_run(act(), again, finish())) is None
    assert reason(a_run(act(), again, act(), finish())) == "repeated_action"
    assert reason(a_run(act(), again, act(), finish()), QualityConfig(max_repeats=3)) is None
    assert reason(a_run(act("print(1)"), act("print(2)"), act("print(3)"), finish())) is None


@given(st.integers(8, 20), st.integers(4, 12), st.randoms(use_true_random=False))
def test_any_block_said_often_is_a_loop(size: int, times: int, chance: random.Random) -> None:
    block = [chance.choice(["so", "then", "I", "try", "again", "number"]) for _ in range(size)]
    looping = " ".join(block * times)
    assert (reason(a_run(act(thought=looping), finish())) == "repetition") == (size * times - 7 >= 40)


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=5), unique=True, max_size=80))
def test_what_is_said_once_or_twice_is_no_loop(text: list[str]) -> None:
    for times in (1, 2):
        assert reason(a_run(act(thought=" ".join(text * times)), finish())) is None


def test_tables_of_data_are_no_loop() -> None:
    table = f"m = {[[0] * 30] * 30}\nnames = {['a', 'b', 'c'] * 3}\nprint(m)"
    assert reason(a_run(act(table), finish())) is None
    assert reason(a_run(act("print(total)\n" * 60), finish())) == "repetition"
    assert reason(a_run(act("print(total)\n" * 60), finish()), QualityConfig(max_repetition=None)) is None


def written(raw: str, observation: str | None) -> Step:
    step = parse_step(raw)
    assert isinstance(step, Step)
    return step.model_copy(update={"raw": raw, "observation": observation})


INVENTING = (
    "Thought: go\nAction: execute_python\nAction Input:\nprint(x)\n\nObservation: {}\nThought: good\nAction: finish\n"
    "Action Input:\n42"
)


def test_an_answer_taken_from_an_observation_that_the_model_wrote() -> None:
    used = a_run(written(INVENTING.format("42"), "NameError: name 'x' is not defined"), finish("42"), problem="x?")
    assert reason(used) == "invented_observation"
    for dropped in (
        a_run(written(INVENTING.format("42"), "42"), finish("42"), problem="x?"),
        a_run(written(INVENTING.format("1"), "NameError"), act(), finish("42"), problem="x?"),
        a_run(written(INVENTING.format("42"), "142"), act(observation="= 42."), finish("42"), problem="x?"),
    ):
        assert reason(dropped) is None
        assert reason(dropped, QualityConfig(invented_observations="any")) == "invented_observation"
    assert reason(used, QualityConfig(invented_observations="keep")) is None


def test_an_observation_in_a_thought() -> None:
    thought = as_thought("I run it.\nObservation: 42\nSo it is 42.")
    assert "Observation - 42" in thought
    assert reason(a_run(act(), finish(thought=thought))) == "invented_observation"
    assert reason(a_run(act(), finish(thought="The observation: it is 42."))) is None
    assert reason(a_run(act(), finish(thought="Observation-based reasoning."))) is None


def test_a_thought_that_copies_out_what_it_was_shown() -> None:
    seen = act(observation=PROSE)
    assert reason(a_run(seen, finish(thought=f"I see {PROSE}"))) == "copied_observation"
    assert reason(a_run(seen, finish(thought="I see " + " ".join(PROSE.split()[:50])))) is None
    assert reason(a_run(seen, finish(PROSE))) is None, "an answer may be what a program printed"
    assert reason(a_run(seen, act(f"print({PROSE!r})"), finish())) is None, "a program may use it"
    assert reason(a_run(act(thought=PROSE, observation=PROSE), finish())) is None, "thought of before it was seen"


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_longest_copied_run_decides(most: int, copied: int) -> None:
    thought = "before " + " ".join(PROSE.split()[:copied]) + " after"
    run = a_run(act(observation=PROSE), finish(thought=thought))
    assert reason(run, QualityConfig(max_copied_words=most)) == ("copied_observation" if copied > most else None)
