from __future__ import annotations

from typing import Any

import pytest

from deepcoder.evaluate.evalplus import argument_types
from deepcoder.evaluate.plus_oracle import also_right, close, expected_values, is_floats, verify


@pytest.mark.parametrize(
    ("got", "want", "atol", "right"),
    [
        (1.0000001, 1.0, 1e-6, True), (1.00001, 1.0, 1e-6, False), (1.0, 1.0, 0, False), (1, 1.0, 1e-6, False),
        ([1.0, 2.0], [1.0, 2.0000001], 1e-6, True), ([1.0], [1.0, 2.0], 1e-6, False), ((1.0,), [1.0], 1e-6, False),
        (float("nan"), 1.0, 1e-6, False), (float("inf"), float("inf"), 1e-6, True), ("a", "b", 1e-6, False),
        ([[1.0]], [[1.0000001]], 1e-6, True), (None, 1.0, 1e-6, False),
    ],
)  # fmt: skip
def test_close_is_allclose_with_types(got: Any, want: Any, atol: float, right: bool) -> None:
    assert close(got, want, atol) is right


def test_what_counts_as_floats() -> None:
    assert is_floats(1.0)
    assert is_floats([1.0, 2.0])
    assert not is_floats([])
    assert not is_floats([1.0, 2])
    assert not is_floats(1)


def test_tasks_with_rules_of_their_own() -> None:
    assert also_right("similar_elements", [], (2, 1), (1, 2), 0)
    assert not also_right("any other", [], (2, 1), (1, 2), 0)
    assert also_right("check_str", [], "a match", True, 0)
    assert not also_right("check_str", [], None, True, 0)
    assert also_right("sum_div", [7], 0, 1, 0)
    assert also_right("digit_distance_nums", [123, 4], 1 + 2 + 1, 99, 0)
    assert also_right("surface_Area", [3, 4], 35, 33, 0)


def test_the_candidate_gets_its_own_copy_of_the_arguments() -> None:
    inputs = [[[3, 1]]]

    def clears(items: list[int]) -> list[int]:
        items.clear()
        return []

    with pytest.raises(AssertionError, match="input 0"):
        verify("f", clears, expected_values("f", sorted, inputs), inputs, 0, {})
    assert inputs == [[[3, 1]]]


@pytest.mark.parametrize(
    ("task", "arguments", "expected"),
    [
        ("2", [[1, 2], [3]], [(1, 2), (3,)]), ("63", [[[1], [2]]], [[(1,), (2,)]]),
        ("401", [[[1]], [[2]]], [((1,),), ((2,),)]),
        ("75", [[[1]], 2], [[(1,)], 2]), ("106", [[1], [2]], [[1], (2,)]), ("307", [[1], 2, 3], [(1,), 2, 3]),
        ("278", [[1, [2]]], [(1, (2,))]), ("580", [[1, [2, [3]]]], ((1, (2, (3,))),)), ("252", ["(1+2j)"], [1 + 2j]),
        ("115", [[[1], []]], [[{1}, {}]]), ("3", [[1]], [[1]]),
    ],
)  # fmt: skip
def test_argument_types_come_back(task: str, arguments: list[Any], expected: Any) -> None:
    assert argument_types(task)(arguments) == expected
