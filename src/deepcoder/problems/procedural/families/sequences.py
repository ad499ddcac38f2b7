"""Sequences: Fibonacci, arithmetic, geometric, Collatz, figurate numbers."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "sequences"


def index(draw: Draw) -> Values:
    """An index."""
    return {"n": draw.small(6, 20 * draw.level)}


def progression(draw: Draw) -> Values:
    """First term, step, index."""
    return {"a": draw.int(1, 60), "d": draw.small(2, 19), "n": draw.int(6, 99)}


def geometric(draw: Draw) -> Values:
    """First term, ratio, index."""
    return {"a": draw.small(1, 12), "r": draw.small(2, 5), "n": draw.small(4, 9)}


def start(draw: Draw) -> Values:
    """A start."""
    return {"n": draw.int(5, 99 * draw.level)}


def limits(draw: Draw) -> Values:
    """Two ends."""
    a = draw.int(1, 60)
    return {"a": a, "b": a + draw.int(8, 90 * draw.level)}


def stepped(draw: Draw) -> Values:
    """Start, end and step."""
    a = draw.small(0, 30)
    k = draw.small(2, 9)
    return {"a": a, "b": a + k * draw.small(3, 8) + draw.small(1, k), "k": k}


def shown(draw: Draw) -> Values:
    """The first terms of an arithmetic progression."""
    a, d = draw.int(1, 60), draw.small(2, 15)
    return {"xs": [a + i * d for i in range(draw.small(4, 5))]}


def _fibonacci(n: int) -> int:
    g = (1 + 5**0.5) / 2
    return round(g**n / 5**0.5)


def _collatz(n: int) -> list[int]:
    return [n] if n == 1 else [n, *_collatz(n // 2 if n % 2 == 0 else 3 * n + 1)]


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("fibonacci", "a", _fibonacci, index, "Iterate Fibonacci.",
        before="a, b = 0, 1\nfor _ in range({n}):\n    a, b = b, a + b", main="n"),
    Operation("fibonacci_list", "f[:{n}]", lambda n: [_fibonacci(i) for i in range(1, n + 1)],
        lambda d: {"n": d.small(4, 18)}, "Build the list.",
        before="f = [1, 1]\nwhile len(f) < {n}:\n    f.append(f[-1] + f[-2])", out="list", main="n", gives="ints"),
    Operation("arithmetic_term", "{a} + ({n} - 1) * {d}", lambda a, d, n: [*range(a, a + n * d, d)][n - 1],
        progression, "Add n - 1 steps."),
    Operation("arithmetic_sum", "sum({a} + i * {d} for i in range({n}))",
        lambda a, d, n: n * (2 * a + (n - 1) * d) // 2, progression, "Sum the terms."),
    Operation("geometric_term", "{a} * {r} ** ({n} - 1)", lambda a, r, n: a * r**n // r, geometric,
        "Multiply n - 1 times."),
    Operation("sum_to", "sum(range(1, {n} + 1))", lambda n: n * (n + 1) // 2,
        lambda d: {"n": d.int(10, 40 * 10**d.level)}, "Sum the range.", main="n"),
    Operation("sum_between", "sum(range({a}, {b} + 1))", lambda a, b: (a + b) * (b - a + 1) // 2, limits,
        "Sum the range."),
    Operation("sum_squares", "sum(i * i for i in range(1, {n} + 1))", lambda n: n * (n + 1) * (2 * n + 1) // 6,
        lambda d: {"n": d.int(5, 60 * d.level)}, "Sum the squares.", main="n"),
    Operation("collatz_steps", "k", lambda n: len(_collatz(n)) - 1, start, "Iterate and count.",
        before="n, k = {n}, 0\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    k += 1", main="n",
        takes="int", gives="int"),
    Operation("collatz_max", "m", lambda n: max(_collatz(n)), start, "Iterate and keep the maximum.",
        before="n = m = {n}\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    m = max(m, n)", main="n"),
    Operation("range_list", "list(range({a}, {b}, {k}))",
        lambda a, b, k: [x for x in range(a, b) if (x - a) % k == 0], stepped, "Use range.", out="list", gives="ints"),
    Operation("next_term", "xs[-1] + xs[1] - xs[0]", lambda xs: 2 * xs[-1] - xs[-2], shown,
        "Add the common difference.", before="xs = {xs}"),
    Operation("multiples", "[{k} * i for i in range(1, {n} + 1)]", lambda k, n: list(range(k, k * n + 1, k)),
        lambda d: {"k": d.int(3, 60), "n": d.small(3, 8)}, "Multiply by 1 to n.", out="list", gives="ints"),
))
