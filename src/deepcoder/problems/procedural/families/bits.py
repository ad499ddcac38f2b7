"""Bits and logic: masks, shifts, truth values."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "bits"


def two(draw: Draw) -> Values:
    """Two numbers."""
    top = 60 * 8 ** (draw.level - 1)
    return {"a": draw.int(5, top), "b": draw.int(5, top)}


def shift(draw: Draw) -> Values:
    """A number and a shift."""
    return {"a": draw.int(5, 900), "k": draw.small(1, 7)}


def bit(draw: Draw) -> Values:
    """A number and a bit position inside it."""
    a = draw.int(20, 2000)
    return {"a": a, "k": draw.small(0, a.bit_length() - 1)}


def one(draw: Draw) -> Values:
    """A number."""
    return {"n": draw.int(5, 4000)}


def maybe_power(draw: Draw) -> Values:
    """A power of two half of the time."""
    return {"n": 2 ** draw.small(3, 20) if draw.chance(0.5) else draw.int(9, 5000)}


def truth(draw: Draw) -> Values:
    """Three truth values and two operators."""
    return {"p": draw.chance(0.5), "q": draw.chance(0.5), "r": draw.chance(0.5)}


def interval(draw: Draw) -> Values:
    """A number and an interval."""
    low = draw.int(1, 60)
    return {"n": draw.int(1, 120), "a": low, "b": low + draw.small(10, 40)}


def _bitwise(a: int, b: int, keep: tuple[int, ...]) -> int:
    return sum(2**i for i in range(20) if (a >> i & 1) + (b >> i & 1) in keep)


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("and", "{a} & {b}", lambda a, b: _bitwise(a, b, (2,)), two, "Use bitwise and."),
    Operation("or", "{a} | {b}", lambda a, b: _bitwise(a, b, (1, 2)), two, "Use bitwise or."),
    Operation("xor", "{a} ^ {b}", lambda a, b: _bitwise(a, b, (1,)), two, "Use bitwise xor."),
    Operation("left_shift", "{a} << {k}", lambda a, k: a * 2**k, shift, "Shift to the left."),
    Operation("right_shift", "{a} >> {k}", lambda a, k: a // 2**k, shift, "Shift to the right."),
    Operation("bit_length", "({n}).bit_length()", lambda n: len(f"{n:b}"), one, "Use bit_length.", main="n",
        before="", gives="int"),
    Operation("get_bit", "{a} >> {k} & 1", lambda a, k: int(f"{a:032b}"[31 - k]), bit, "Shift and mask."),
    Operation("set_bit", "{a} | 1 << {k}", lambda a, k: a if a // 2**k % 2 else a + 2**k, bit, "Set the bit with or."),
    Operation("power_of_two", "{n} & ({n} - 1) == 0", lambda n: n in [2**i for i in range(25)], maybe_power,
        "Use n & (n - 1).", main="n", out="bool"),
    Operation("truth", "{p} and not {q} or {r}", lambda p, q, r: r if r else (p if not q else False), truth,
        "Evaluate the expression.", out="bool"),
    Operation("between", "{a} <= {n} <= {b}", lambda n, a, b: n in range(a, b + 1), interval,
        "Compare with both ends.", out="bool"),
    Operation("hamming", "bin({a} ^ {b}).count('1')", lambda a, b: _bitwise(a, b, (1,)).bit_count(), two,
        "Count the differing bits.", gives="int"),
))
