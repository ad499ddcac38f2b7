from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.judge.extraction import extract_code
from deepcoder.records import fence_python

CODE = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    "answer",
    [
        CODE,
        f"```python\n{CODE}```",
        f"Here it is:\n\n```py\n{CODE}```\nIt works.",
        f"````python\n{CODE}````",
        f"~~~\n{CODE}~~~",
        f"```python\n{CODE}",
        f"```python\r\n{CODE}```".replace("\n", "\r\n"),
        f"```python\n{CODE}```\nUsage:\n```python\nprint(f(1))\n```",
        f"```\n$ pip install x\n```\n```python\n{CODE}```",
    ],
)
def test_the_block_that_defines_the_function_is_found(answer: str) -> None:
    assert extract_code(answer, ["f"]).strip() == CODE.strip()


def test_python_with_a_fence_inside_a_string_is_taken_whole() -> None:
    program = 'def f():\n    """Example:\n\n```python\nf()\n```\n"""\n    return 1\n'
    assert extract_code(program, ["f"]) == program


def test_the_last_definition_wins_and_prose_stays_as_it_is() -> None:
    assert extract_code("```python\ndef f(): return 1\n```\nBetter:\n```python\ndef f(): return 2\n```", ["f"]) == (
        "def f(): return 2\n"
    )
    assert extract_code("I do not know.", ["f"]) == "I do not know."
    assert extract_code("```python\ndef f(: pass\n```", ["f"]) == "def f(: pass\n"


@given(st.text(alphabet="`~\npython f(x)=1'\"#", max_size=60))
def test_what_is_fenced_comes_out_again(code: str) -> None:
    program = f"{code}\ndef f(): pass"
    extracted = extract_code(fence_python(program), ["f"])
    try:
        compile(program, "<program>", "exec", dont_inherit=True)
    except SyntaxError:
        return
    assert extracted.rstrip("\n") == program.rstrip("\n")


@given(st.text(max_size=200))
def test_any_answer_gives_some_text(answer: str) -> None:
    assert isinstance(extract_code(answer), str)
