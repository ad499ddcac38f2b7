"""Lists of numbers: totals, extremes, order, selection, transformation."""

from __future__ import annotations

from itertools import accumulate

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "lists"


def numbers(draw: Draw) -> Values:
    """A list of numbers."""
    return {"xs": draw.ints(4, 9)}


def different(draw: Draw) -> Values:
    """A list of different numbers."""
    return {"xs": draw.distinct(4, 8)}


def few(draw: Draw) -> Values:
    """A short list of small numbers."""
    return {"xs": draw.ints(3, 6, 2, 60)}


def with_limit(draw: Draw) -> Values:
    """A list and a limit inside its range."""
    return {"xs": draw.ints(5, 9), "k": draw.small(3, 18) * 5}


def with_member(draw: Draw) -> Values:
    """A list of different numbers and one of them."""
    xs = draw.distinct(5, 9)
    return {"xs": xs, "k": draw.choice(xs)}


def with_repeated_member(draw: Draw) -> Values:
    """A list with repeats and one of its numbers."""
    xs = draw.repeated(6, 11)
    return {"xs": xs, "k": draw.choice(xs)}


def _product(xs: list[int]) -> int:
    result = 1
    for x in xs:
        result *= x
    return result


def _median(xs: list[int]) -> float:
    ordered = sorted(xs)
    n = len(ordered)
    return float(ordered[n // 2] + ordered[(n - 1) // 2]) / 2


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("sum", "sum({xs})", lambda xs: list(accumulate(xs))[-1], numbers, "Sum the numbers.", main="xs",
        takes="ints", gives="int", ignores_order=True),
    Operation("product", "math.prod({xs})", _product, few, "Multiply all numbers.", before="import math", main="xs",
        takes="ints", gives="int", ignores_order=True),
    Operation("max", "max({xs})", lambda xs: sorted(xs)[-1], numbers, "Take the maximum.", main="xs", takes="ints",
        gives="int", ignores_order=True),
    Operation("min", "min({xs})", lambda xs: sorted(xs)[0], numbers, "Take the minimum.", main="xs", takes="ints",
        gives="int", ignores_order=True),
    Operation("range", "max({xs}) - min({xs})", lambda xs: sorted(xs)[-1] - sorted(xs)[0], different,
        "Subtract the minimum from the maximum.", main="xs", takes="ints", gives="int", ignores_order=True),
    Operation("median", "statistics.median({xs})", _median, lambda d: {"xs": d.distinct(3, 9)}, "Take the median.",
        before="import statistics", main="xs", takes="ints", out="float2", ignores_order=True),
    Operation("mean", "sum({xs}) / len({xs})", lambda xs: float(sum(xs)) / float(len(xs)), numbers,
        "Divide the sum by the count.", main="xs", takes="ints", out="float2", ignores_order=True),
    Operation("count_above", "sum(x > {k} for x in {xs})", lambda xs, k: len([x for x in xs if not x <= k]),
        with_limit, "Count the numbers above the limit.", main="xs", takes="ints", gives="int"),
    Operation("second_largest", "sorted(set({xs}))[-2]", lambda xs: max(x for x in xs if x != max(xs)), different,
        "Take the second largest.", main="xs"),
    Operation("index_of", "{xs}.index({k})", lambda xs, k: next(i for i, x in enumerate(xs) if x == k), with_member,
        "Find the index.", main="xs"),
    Operation("count_value", "{xs}.count({k})", lambda xs, k: sum(1 for x in xs if x == k), with_repeated_member,
        "Count the value.", main="xs"),
    Operation("list_length", "len({xs})", lambda xs: sum(1 for _ in xs), numbers, "Count the elements.", main="xs",
        takes="ints", gives="int", ignores_order=True),
))
