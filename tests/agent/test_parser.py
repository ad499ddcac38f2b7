from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.agent.parser import ParseFailure, answer_text, parse_step, reasoning_of
from deepcoder.parser import as_thought
from deepcoder.records import Action, Step, StepError, render_step


def step(text: str) -> Step:
    result = parse_step(text)
    assert isinstance(result, Step), result
    return result


def failure(text: str) -> ParseFailure:
    result = parse_step(text)
    assert isinstance(result, ParseFailure), result
    return result


def test_the_canonical_form() -> None:
    got = step("Thought: add them\nAction: execute_python\nAction Input:\n```python\nprint(1 + 1)\n```")
    assert (got.thought, got.action, got.input) == ("add them", "execute_python", "print(1 + 1)")


PYTHON = "print(1)\nprint(2)"


@pytest.mark.parametrize(
    "text",
    [
        f"Thought: t\r\nAction: execute_python\r\nAction Input:\r\n```python\r\n{PYTHON}\r\n```\r\n",
        f"Thought：t\nAction：execute_python\nAction Input：\n```python\n{PYTHON}\n```",
        f"**Thought:** t\n**Action:** execute_python\n**Action Input:**\n```python\n{PYTHON}\n```",
        f"**Thought**: t\n**Action**: `execute_python`\n**Action Input**: ```python\n{PYTHON}\n```",
        f"### Thought: t\n### Action: execute_python\n### Action Input:\n```py\n{PYTHON}\n```",
        f"thought: t\naction: Execute_Python\naction input:\n```\n{PYTHON}\n```",
        f"THOUGHT: t\nACTION: EXECUTE_PYTHON\nACTION INPUT:\n~ignored prose~\n```python\n{PYTHON}\n```",
        f"Sure, I will help.\n\nThought: t\nAction: execute_python.\nAction_Input:\n```python\n{PYTHON}\n```\nDone!",
        f"Thought: t\nAction: execute_python\n```python\n{PYTHON}\n```",
        f"Thought: t\nAction: execute_python\nAction Input:\n{PYTHON}",
        f"Thought: t\nAction: execute_python\nAction Input:\n{PYTHON}\nObservation: 1\n2\nThought: u\nAction: finish",
        f"Thought: t\nAction: execute_python\nAction Input:\n```python\n{PYTHON}",
        f"Thought: t\nAction: execute_python\nAction Input:\n```python\n{PYTHON}\n\nObservation: 1",
        f"Thought: t\nAction: execute_python\nAction Input:\nHere it is:\n````python\n{PYTHON}\n````\nI hope it helps",
        f"Thought: t\nAction: execute_python\nAction Input:\n```python\n{PYTHON}\n```\nObservation: 1\nAction: finish",
        f"<think>\nAction: finish(9)\n</think>\nThought: t\nAction: execute_python\nAction Input:\n```\n{PYTHON}\n```",
        f"we see that\n</think>\nThought: t\nAction: execute_python\nAction Input:\n```\n{PYTHON}\n```",
        "Thought: t\nAction: execute_python\nAction Input: {\"code\": \"print(1)\\nprint(2)\"}",
        "Thought: t\nAction: execute_python(code=\"print(1)\\nprint(2)\")",
        "Thought: t\nAction: execute_python('''print(1)\nprint(2)''')",
        f"Thought: t\nAction: execute_python({PYTHON})\nObservation: x",
        f"Thought: t\nAction: I will use execute_python here\nAction Input:\n```python\n{PYTHON}\n```",
        f"Thought: t\nAction: execute_python()\nAction Input:\n```python\n{PYTHON}\n```",
    ],
)  # fmt: skip
def test_what_models_write_instead(text: str) -> None:
    got = step(text)
    assert (got.thought, got.action, got.input) == ("t", "execute_python", PYTHON)


@pytest.mark.parametrize(
    "text",
    [
        "Action: finish\nAction Input: 42",
        "Action: finish\nAction Input:\n42\n",
        "Action: finish\nAction Input:\n```\n42\n```",
        "Action: finish\nAction Input: `42`",
        "Action: finish(42)",
        'Action: finish("42")',
        "Action: finish[42]",
        "Action: finish(answer=42)",
        'Action: finish\nAction Input: {"answer": "42"}',
        "Action: finish\nAction Input: 42\nObservation: correct!\nThought: good",
        "Action: finish\nAction Input: 42\n\nAction: execute_python\nAction Input: print(1)",
    ],
)
def test_answers(text: str) -> None:
    got = step(f"Thought: done\n{text}")
    assert (got.action, got.input, answer_text(got.input)) == ("finish", "42", "42")


def test_a_program_as_the_answer_keeps_its_indentation() -> None:
    body = "    total = 0\n    return total"
    assert step(f"Thought: x\nAction: finish\nAction Input:\n{body}").input == body
    program = "from dataclasses import dataclass\n\n@dataclass\nclass A:\n    action: str\n    thought: str"
    assert step(f"Thought: x\nAction: finish\nAction Input:\n{program}").input == program


def test_labels_and_fences_inside_code_are_code() -> None:
    code = 'text = """\nObservation: 3\nAction: finish\n```\n"""\nprint(text)'
    assert step(f"Thought: x\nAction: execute_python\nAction Input:\n```python\n{code}\n```").input == code
    assert step(render_step(Step(thought="", action="execute_python", input=code))).input == code


def test_an_answer_that_reads_as_labels_keeps_its_fence() -> None:
    got = step("Thought: x\nAction: finish\nAction Input:\n```\nObservation: 3\n```")
    assert got.input == "```\nObservation: 3\n```"
    assert answer_text(got.input) == "Observation: 3"
    assert step(render_step(got)).input == got.input


def test_several_thoughts_are_one() -> None:
    got = step("Thought: a\nThought: b\nAction: finish\nAction Input: 1")
    assert got.thought == "a\nb"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", StepError.NO_ACTION),
        ("Thought: I wonder", StepError.NO_ACTION),
        ("<think>on and on", StepError.NO_ACTION),
        ("Thought: a\nObservation: 4\nAction: finish\nAction Input: 4", StepError.NO_ACTION),
        ("Thought: a\nAction: search_web\nAction Input: x", StepError.UNKNOWN_ACTION),
        ("Thought: a\nAction:", StepError.UNKNOWN_ACTION),
        ("Thought: a\nAction: finish", StepError.EMPTY_INPUT),
        ("Thought: a\nAction: execute_python\nAction Input:\n```python\n\n```", StepError.EMPTY_INPUT),
        ("Thought: a\nAction: finish\nAction Input:\nObservation: 4", StepError.EMPTY_INPUT),
    ],
)
def test_what_cannot_be_read_is_a_typed_failure(text: str, error: StepError) -> None:
    got = failure(text)
    assert got.error is error
    assert got.message


def test_only_tools_that_exist_are_actions() -> None:
    text = "Thought: a\nAction: finish\nAction Input: 1"
    assert isinstance(parse_step(text, ["look_up"]), ParseFailure)
    assert isinstance(parse_step(text.replace("finish", "look_up"), ["look_up"]), Step)


def test_the_text_of_think_blocks() -> None:
    assert reasoning_of("<think>\nhm\n</think>\nThought: a\nAction: finish\nAction Input: 1") == "hm"
    assert reasoning_of("Thought: a\nAction: finish\nAction Input: 1") == ""


# --- properties ---------------------------------------------------------------------------------

LABEL = re.compile(r"(?im)^[ \t]*[#*_ ]*(thoughts?|action|action[ _]*input|observation)[ \t*_]*[:：]")
thoughts = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=80).map(str.strip).filter(
    lambda text: not LABEL.search(text) and "think>" not in text
)  # fmt: skip
pieces = st.sampled_from(
    ["Thought:", "Action:", "Action Input:", "Observation:", "finish", "execute_python", "```", "````python", "`", "\n",
     "\n", " ", "<think>", "</think>", "**", "(", ")", '"', "{", "}", '"answer":', "42", "print(1)", "\r\n", "：", "é",
     "'''", "    "]
)  # fmt: skip
code = st.lists(pieces, min_size=1, max_size=12).map("".join).map(lambda text: text.replace("\r", "")).filter(str.strip)


@given(thought=thoughts, code=code)
def test_any_program_survives_rendering(thought: str, code: str) -> None:
    written = Step(thought=thought, action=Action.EXECUTE_PYTHON, input=code)
    got = step(render_step(written))
    assert (got.thought, got.action, got.input) == (thought, Action.EXECUTE_PYTHON, code)


@given(
    thought=thoughts,
    action=st.sampled_from([Action.FINISH, Action.RETRIEVE_KNOWLEDGE]),
    argument=st.text(st.characters(codec="utf-8", exclude_characters="\r`{"), min_size=1, max_size=60)
    .map(str.strip)
    .filter(lambda text: text and not LABEL.search(text)),
)
def test_any_plain_argument_survives_rendering(thought: str, action: Action, argument: str) -> None:
    got = step(render_step(Step(thought=thought, action=action, input=argument)))
    assert (got.thought, got.action, got.input) == (thought, action, argument)


@given(st.one_of(st.text(), st.lists(pieces, max_size=30).map("".join)))
def test_any_text_is_read_without_an_exception_and_what_is_read_is_canonical(text: str) -> None:
    got = parse_step(text)
    if isinstance(got, Step):
        assert step(render_step(got)) == got
        assert got.input.strip()


@given(st.lists(pieces, max_size=20).map("".join))
def test_any_reasoning_can_be_a_thought(reasoning: str) -> None:
    written = Step(thought=as_thought(reasoning), action=Action.FINISH, input="42")
    assert step(render_step(written)).input == "42"
