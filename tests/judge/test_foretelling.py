from __future__ import annotations

import ast

import pytest

from deepcoder.judge.foretelling import foretold_calls


def calls(tests: str) -> list[object]:
    return [arguments for _, arguments, _ in foretold_calls(ast.parse(tests), ["f"], None)]


def test_literal_calls_in_order() -> None:
    assert calls("import math\nassert f(1) == 2\nassert abs(f((1, {2})) - 3) < 1, 'near'\nassert not f([])") == [
        [1], [(1, {2})], [[]],
    ]  # fmt: skip


def test_check_s_parameter_stands_for_the_function() -> None:
    tests = "def check(candidate):\n    '''doc'''\n    x = 3\n    assert candidate(1, k=None) == x\n"
    assert foretold_calls(ast.parse(tests), ["f"], "f") == [("f", [1], {"k": None})]


@pytest.mark.parametrize(
    "unsure",
    [
        "assert f(x) == 1", "assert f(1) == 1 or f(2) == 2", "assert f(f(1)) == 1", "for i in [1]:\n    assert f(i)",
        "assert all(f(i) for i in [1])", "assert (f(1) if x else 2) == 2", "assert x and f(1)", "g = f\nassert g(1)",
        "assert 1 < x < f(1)", "assert f(*[1])", "y = f(1)", "assert x == 1, f(1)",
    ],
)  # fmt: skip
def test_nothing_is_foretold_from_where_it_is_unsure(unsure: str) -> None:
    assert calls(f"assert f(0) == 0\n{unsure}\nassert f(9) == 9") == [[0]]
