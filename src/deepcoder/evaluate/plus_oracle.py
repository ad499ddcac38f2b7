"""Runs inside the sandbox, in the tests' process: comparing results as EvalPlus 0.3.1 does.

A result passes where it equals the canonical solution's, or, for floats, is close to it: numpy's allclose
with rtol 1e-7 and the task's atol, 1e-6 where the task has none and floats come back. A few tasks allow
more than one right answer and have rules of their own. This file's text is put before a task's inputs;
it uses the standard library alone.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

RTOL = 1e-7
DEFAULT_ATOL = 1e-6
SET_EQUAL = frozenset({
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
    "intersection_array", "find_dissimilar", "Diff",
})  # fmt: skip
NOT_NONE = frozenset({"check_str", "text_match_three", "text_starta_endb"})


def expected_values(name: str, reference: Callable[..., Any], inputs: Sequence[Sequence[Any]]) -> list[Any]:
    """The canonical solution's results: once a check, whatever the number of samples."""
    if name == "find_zero":  # HumanEval/32: any zero will do
        return [None] * len(inputs)
    return [reference(*copy.deepcopy(list(arguments))) for arguments in inputs]


def verify(
    name: str,
    candidate: Callable[..., Any],
    expected: Sequence[Any],
    inputs: Sequence[Sequence[Any]],
    atol: float,
    namespace: dict[str, Any],
) -> None:
    """AssertionError on the first input for which the candidate's result is not right."""
    for number, (arguments, want) in enumerate(zip(inputs, expected, strict=True)):
        got = candidate(*copy.deepcopy(list(arguments)))
        if name == "find_zero":
            assert abs(namespace["poly"](*arguments, got)) <= atol, f"input {number}: not a zero"
            continue
        if atol == 0 and is_floats(want):
            atol = DEFAULT_ATOL
        if not also_right(name, arguments, got, want, atol):
            assert close(got, want, atol), f"input {number}: another result than the canonical solution's"


def also_right(name: str, arguments: Sequence[Any], got: Any, want: Any, atol: float) -> bool:
    """Equality, or a task's own rule."""
    if name in SET_EQUAL:
        return set(got) == set(want)
    if name in NOT_NONE:
        found = want if isinstance(want, bool) else want is not None
        return bool(got == found) if isinstance(got, bool) else found == (got is not None)
    if got == want or name == "are_equivalent":  # Mbpp/164 is ambiguous: EvalPlus takes any answer
        return True
    if name == "sum_div":
        return bool(got == 0)
    if name == "surface_Area":
        base, height = arguments
        area = round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))
        return bool(abs(got - area) <= atol)
    if name == "digit_distance_nums":
        one, other = (str(number) for number in arguments)
        width = max(len(one), len(other))
        return bool(got == sum(abs(int(a) - int(b)) for a, b in zip(one.zfill(width), other.zfill(width), strict=True)))
    return False


def is_floats(value: Any) -> bool:
    """A float, or a list or tuple of nothing else."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def close(got: Any, want: Any, atol: float) -> bool:
    """Same types, same shape, |got - want| <= atol + RTOL * |want| everywhere."""
    if atol == 0 or type(got) is not type(want):
        return False
    return _close(got, want, atol)


def _close(got: Any, want: Any, atol: float) -> bool:
    if isinstance(want, list | tuple):
        same_shape = isinstance(got, list | tuple) and len(got) == len(want)
        return same_shape and all(_close(a, b, atol) for a, b in zip(got, want, strict=True))
    if not isinstance(got, int | float | complex) or not isinstance(want, int | float | complex):
        return False
    return bool(got == want or abs(got - want) <= atol + RTOL * abs(want))
