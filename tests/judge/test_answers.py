from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.judge.answers import ABS_TOL, REL_TOL, same_answer

EQUAL = [
    ("12", "12"), ("12", " 12\n"), ("12", "12.0"), ("12", "+12"), ("12", "1.2e1"), ("1200", "1,200"),
    ("-3", "-3.000"), ("12", "`12`"), ("12", "**12**"), ("12", "$12$"), ("12", "\\boxed{12}"), ("12", "```\n12\n```"),
    ("12", "'12'"), ("0.1", "1e-1"), ("0.333333333", "0.33333333"), ("2.5", "2.50"), ("nan", "NaN"),
    ("inf", "Infinity"),    ("10000000000000000000000001", "10_000_000_000_000_000_000_000_001"),
    ("hello", '"hello"'), ("hello", "'hello'"), ('"hello"', "hello"), ("two words", "two words\n"), ("a\nb", "a  \nb"),
    ("[1, 2]", "[1,2]"), ("[1, 2]", "(1, 2)"), ("[1, 2]", "1, 2"), ("(1,)", "[1]"), ("['a', 'b']", '["a", "b"]'),
    ("['a', 'b']", "[a, b]"), ("[1, 2.5]", "[1.0, 2.5]"), ("{1, 2}", "{2, 1}"), ("{'a': 1}", '{"a": 1}'),
    ("{'a': 1, 'b': [2]}", "{b: [2], a: 1}"), ("[True, None]", "[true, null]"), ("True", "true"), ("None", "none"),
    ("[]", "[ ]"), ("{}", "{}"), ("set()", "set()"), ("[[1], [2, [3]]]", "((1,), (2, (3,)))"), ("(1)", "1"),
    (r"['a\nb']", '["a\\nb"]'), (r"['é']", r'["\u00e9"]'), ("a, b", "a,b"), ("3:30", "3:30"),
]  # fmt: skip
DIFFERENT = [
    ("12", "13"), ("12", "12.0000001"), ("12", "twelve"), ("12", "12 apples"), ("1", "True"), ("True", "1"),
    ("0.333333333", "0.33"), ("10000000000000000000000001", "10000000000000000000000002"), ("1200", "1,20"),
    ("hello", "Hello"), ("hello", "hello!"), ("a b", "ab"), ("a  b", "a b"), ("[1, 2]", "[2, 1]"), ("[1, 2]", "{1, 2}"),
    ("[1, 2]", "[1, 2, 2]"), ("{1, 2}", "{1, 2, 3}"), ("{'a': 1}", "{'a': 2}"), ("{'a': 1}", "{'a'}"),
    ("['1']", "[1]"), ("['None']", "[None, None]"), ("[1]", "1"), ("[1, 2]", "[1, 2"), ("nan", "0"), ("inf", "-inf"),
    ("[[1]]", "[1]"), ("", "x"), ("[1, 2]", "12"), ("[]", "0"), ("None", "0"), ("True", "False"), ("12", "1e400"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "answer"), EQUAL)
def test_what_says_the_same_is_the_same(expected: str, answer: str) -> None:
    assert same_answer(expected, answer)


@pytest.mark.parametrize(("expected", "answer"), DIFFERENT)
def test_what_says_something_else_is_not(expected: str, answer: str) -> None:
    assert not same_answer(expected, answer)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@given(st.text(max_size=200))
def test_every_text_is_its_own_answer(text: str) -> None:
    assert same_answer(text, text)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_compare_without_an_exception(left: str, right: str) -> None:
    assert same_answer(left, right) in (True, False)


@given(DATA)
def test_a_value_equals_itself_in_python_and_in_json(value: object) -> None:
    assert same_answer(repr(value), repr(value))
    assert same_answer(repr(value) if not isinstance(value, str) else value, json.dumps(value, ensure_ascii=False)) or (
        isinstance(value, str)  # a bare string with quotes or escapes in it has no single JSON reading
    )


@given(st.integers(), st.integers())
def test_integers_are_exact(left: int, right: int) -> None:
    assert same_answer(str(left), str(right)) == (left == right)
    assert same_answer(f"[{left}]", f"( {right} , )") == (left == right)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_met_within_the_stated_tolerance(left: float, right: float) -> None:
    assert same_answer(repr(left), repr(right)) == math.isclose(left, right, rel_tol=REL_TOL, abs_tol=ABS_TOL)


@given(
    st.lists(st.integers(-99, 99), min_size=2), st.sampled_from(["[]", "()", ""]), st.sampled_from([",", ", ", " ,\n"])
)
def test_brackets_and_blanks_of_a_sequence_do_not_matter(items: list[int], brackets: str, comma: str) -> None:
    answer = brackets[:1] + comma.join(map(str, items)) + brackets[1:]
    assert same_answer(repr(items), answer)


@given(st.sets(st.integers(), min_size=1), st.randoms())
def test_sets_have_no_order(items: set[int], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same_answer(repr(items), "{" + ", ".join(map(str, shuffled)) + "}")


def test_a_deep_or_huge_answer_is_refused_quickly() -> None:
    assert not same_answer("[1]", "[" * 5000 + "]" * 5000)
    assert not same_answer("1", "1" * 200_000)
