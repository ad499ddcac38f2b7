"""Arithmetic: sums, products, quotients, remainders, powers, percentages, expressions."""

from __future__ import annotations

import operator
from typing import Any

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "arithmetic"


def two(draw: Draw, low: int = 12, high: int = 999) -> Values:
    """Two numbers, larger with the level."""
    top = high if draw.level == 1 else high * 10 if draw.level == 2 else high * 100
    return {"a": draw.int(low, top), "b": draw.int(low, top)}


def division(draw: Draw) -> Values:
    """A dividend and a smaller divisor."""
    return {"a": draw.int(100, 10 ** (2 + draw.level)), "b": draw.int(3, 97)}


def expression(draw: Draw) -> Values:
    """Four numbers for a formula with brackets."""
    return {key: draw.int(2, 60) for key in "abcd"}


def percentage(draw: Draw) -> Values:
    """A whole percentage of a number; the result is whole."""
    return {"a": draw.int(1, 60) * 100, "p": draw.int(2, 95)}


def power(draw: Draw) -> Values:
    """A base and a small exponent."""
    return {"a": draw.int(2, 60), "b": draw.small(2, 3 + 2 * draw.level)}


def _times(a: int, b: int) -> int:
    return sum(a * int(digit) * 10**place for place, digit in enumerate(reversed(str(b))))


def _power(a: int, b: int) -> int:
    result = 1
    for _ in range(b):
        result *= a
    return result


def _mean(**values: Any) -> float:
    return float(sum(values.values()) / len(values))


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("add", "{a} + {b}", lambda a, b: operator.add(a, b), two, "Add the numbers."),
    Operation("subtract", "{a} - {b}", lambda a, b: operator.sub(a, b), two, "Subtract the numbers."),
    Operation("multiply", "{a} * {b}", _times, lambda d: two(d, 3, 99), "Multiply the numbers."),
    Operation("floor_divide", "{a} // {b}", lambda a, b: (a - a % b) // b, division, "Use integer division."),
    Operation("remainder", "{a} % {b}", lambda a, b: a - a // b * b, division, "Take the remainder."),
    Operation("power", "{a} ** {b}", _power, power, "Raise to the power."),
    Operation("percent", "{a} * {p} // 100", lambda a, p: a // 100 * p, percentage, "Compute the percentage."),
    Operation("average_of_three", "({a} + {b} + {c}) / 3", _mean,
        lambda d: {key: d.int(1, 100 * d.level) for key in "abc"}, "Average the three numbers.", out="float2"),
    Operation("expression", "({a} + {b}) * {c} - {d}", lambda a, b, c, d: a * c + b * c - d, expression,
        "Evaluate the expression."),
    Operation("nested_expression", "{a} * {b} + {c} * {d}",
        lambda a, b, c, d: sum(x * y for x, y in ((a, b), (c, d))), expression, "Evaluate the expression."),
    Operation("absolute_difference", "abs({a} - {b})", lambda a, b: max(a, b) - min(a, b), two,
        "Take the absolute difference."),
    Operation("ceiling_divide", "-(-{a} // {b})", lambda a, b: a // b + (a % b > 0), division, "Divide and round up."),
))
