from __future__ import annotations

import datetime
import json
import math
import re
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.judge.values import MAX_ITERATOR, BadValue, NotPlain, check_value, decode, encode, parse

SURROGATES = st.text(st.characters(categories=["Cs", "L", "Zs"]), max_size=6)
HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | SURROGATES | st.binary(max_size=6),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
VALUES = st.recursive(
    HASHABLE | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(HASHABLE, max_size=3)
        | st.dictionaries(HASHABLE, inner, max_size=3)
    ),
    max_leaves=12,
)


def there_and_back(value: Any) -> Any:
    data = parse(encode(value).encode())
    check_value(data)
    return decode(data)


def identical(left: Any, right: Any) -> bool:
    """Equal in type and value all the way down; nan is nan, -0.0 is not 0.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or (
            left == right and math.copysign(1, left) == math.copysign(1, right)
        )
    if isinstance(left, complex):
        return identical(left.real, right.real) and identical(left.imag, right.imag)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(identical, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(map(identical, left.items(), right.items()))
    if isinstance(left, set | frozenset):
        return len(left) == len(right) and all(any(identical(one, other) for other in right) for one in left)
    return bool(left == right)


@given(VALUES)
def test_values_and_their_types_survive(value: Any) -> None:
    assert identical(there_and_back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        Counter("abca"), OrderedDict([("b", 1), ("a", 2)]), deque([1, 2]), range(1, 9, 2), Decimal("1.10"),
        datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3),
        datetime.time(1, 2), datetime.timedelta(1, 2, 3), Fraction(1, 3),
        bytearray(b"ab"), [10**5000], -(10**30), str, len, {(1, (2,)): frozenset({3})}, "\ud83d\ude00", "\U0001f600",
    ],
)  # fmt: skip
def test_common_library_types_survive(value: Any) -> None:
    back = there_and_back(value)
    assert type(back) is type(value)
    assert back == value


def test_a_defaultdict_keeps_its_items_and_loses_its_factory() -> None:
    back = there_and_back(defaultdict(list, {1: [2]}))
    assert back == {1: [2]}
    assert back.default_factory is None


def test_views_and_iterators_keep_their_items() -> None:
    mapping = {"a": 1, "b": 2}
    assert there_and_back(mapping.keys()) == mapping.keys()
    assert list(there_and_back(mapping.values())) == [1, 2]
    assert there_and_back(mapping.items()) == mapping.items()
    assert list(there_and_back(n * n for n in range(4))) == [0, 1, 4, 9]


def test_a_match_keeps_its_text_and_span() -> None:
    for found in (re.search("b+", "abbc\nd"), re.search(b"$", b"ab")):
        back = there_and_back(found)
        assert found is not None
        assert isinstance(back, re.Match)
        assert (back.string, back.span(), back.group()) == (found.string, found.span(), found.group())


def test_subclasses_are_written_as_the_plain_type() -> None:
    class Colour(IntEnum):
        RED = 1

    class Name(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "other"

    point = namedtuple("point", "x y")(1, 2)
    assert identical(there_and_back([Colour.RED, Name("a"), point]), [1, "a", (1, 2)])


@pytest.mark.parametrize(
    "value", [object(), lambda: 0, json, type("Own", (), {}), [1, {2: object()}], test_values_and_their_types_survive]
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(NotPlain, match="is not plain data"):
        encode(value)


def test_cycles_depth_and_endless_iterators_are_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (cycle, iter(int, 1)):
        with pytest.raises(BadValue):
            encode(value)
    assert MAX_ITERATOR < 10**6


@pytest.mark.parametrize(
    "data",
    [[], {}, {"a": 1}, ["x"], [1], ["i"], ["i", 1], ["u", 1], ["l", {}], ["t", ["zz"]], ["c", "1", 2], ["c", True, 2],
     [["l"]], ["b", "a", "b"]],
)  # fmt: skip
def test_forged_forms_do_not_pass_the_check(data: Any) -> None:
    with pytest.raises(BadValue):
        check_value(data)


@pytest.mark.parametrize(
    "data",
    [["s", ["l"]], ["d", 1], ["d", ["l"], 1], ["i", "zz"], ["u", "zz"], ["r", "a"], ["m", "x"], ["T", "__import__"],
     ["T", "nothing"], ["R", "f"], ["da", "x"], ["F", 1, 0], ["M", "ab", 1, 3], ["M", "ab", 2, 1],
     ["M", 1, 0, 0], ["M", "ab", True, 1]],
)  # fmt: skip
def test_forms_that_make_no_value_are_refused_on_reading(data: Any) -> None:
    check_value(data)
    with pytest.raises(BadValue):
        decode(data)


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers() | st.sampled_from(["l", "t", "s", "d", "i", "c"]),
        lambda inner: st.lists(inner, max_size=4),
    )
)
def test_any_json_is_refused_or_makes_plain_data(data: Any) -> None:
    try:
        check_value(data)
        value = decode(data)
    except BadValue:
        return
    encode(value)


def test_frames_that_are_no_json_are_refused() -> None:
    for data in (b"", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000):
        with pytest.raises(BadValue):
            parse(data)
