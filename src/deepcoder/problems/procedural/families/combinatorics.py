"""Combinatorics: counting selections, arrangements, paths."""

from __future__ import annotations

import math
from functools import cache

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "combinatorics"


def choose(draw: Draw) -> Values:
    """n and a smaller k."""
    n = draw.small(5, 10 + 10 * draw.level)
    return {"n": n, "k": draw.small(2, min(n - 1, 6))}


def small_n(draw: Draw) -> Values:
    """A small number."""
    return {"n": draw.small(3, 8 + 4 * draw.level)}


def grid(draw: Draw) -> Values:
    """A grid."""
    return {"a": draw.small(2, 5 + 3 * draw.level), "b": draw.small(2, 5 + 3 * draw.level)}


@cache
def _choose(n: int, k: int) -> int:
    return 1 if k in (0, n) else _choose(n - 1, k - 1) + _choose(n - 1, k)


def _falling(n: int, k: int) -> int:
    result = 1
    for i in range(n - k + 1, n + 1):
        result *= i
    return result


def _arrangements(s: str) -> int:
    left, ways = len(s), 1
    for c in sorted(set(s)):
        ways *= _choose(left, s.count(c))
        left -= s.count(c)
    return ways


def _derangements(n: int) -> int:
    return round(math.factorial(n) / math.e)


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("factorial", "math.factorial({n})", lambda n: _falling(n, n), small_n, "Use math.factorial.",
        before="import math", main="n"),
    Operation("combinations", "math.comb({n}, {k})", _choose, choose, "Use math.comb.", before="import math"),
    Operation("permutations", "math.perm({n}, {k})", _falling, choose, "Use math.perm.", before="import math"),
    Operation("handshakes", "{n} * ({n} - 1) // 2", lambda n: _choose(n, 2), lambda d: {"n": d.int(4, 150)},
        "Count the pairs.", main="n"),
    Operation("subsets", "2 ** {n}", lambda n: sum(_choose(n, k) for k in range(n + 1)),
        lambda d: {"n": d.small(3, 24)}, "Count the subsets.", main="n"),
    Operation("letter_arrangements",
        "math.factorial(len({s})) // math.prod(math.factorial({s}.count(c)) for c in set({s}))", _arrangements,
        lambda d: {"s": d.choice((d.plain_word(), d.plain_word()))[:9]}, "Divide by repeated letters.",
        before="import math", main="s"),
    Operation("grid_paths", "math.comb({a} + {b}, {a})", lambda a, b: _choose(a + b, b), grid, "Use math.comb.",
        before="import math"),
    Operation("catalan", "math.comb(2 * {n}, {n}) // ({n} + 1)", lambda n: _choose(2 * n, n) - _choose(2 * n, n + 1),
        lambda d: {"n": d.small(3, 22)}, "Use the Catalan formula.", before="import math", main="n"),
    Operation("codes", "{n} ** {k}", lambda n, k: len(range(n**k)),
        lambda d: {"n": d.small(3, 26), "k": d.small(2, 5)}, "Raise to the power."),
    Operation("derangements", "d[{n}]", _derangements, lambda d: {"n": d.small(3, 16)}, "Use the recurrence.",
        main="n", before="d = [1, 0]\nfor i in range(2, {n} + 1):\n    d.append((i - 1) * (d[-1] + d[-2]))"),
    Operation("pick_pairs", "list(itertools.combinations({xs}, 2))",
        lambda xs: [(xs[i], xs[j]) for i in range(len(xs)) for j in range(i + 1, len(xs))],
        lambda d: {"xs": d.distinct(3, 4)}, "Use itertools.combinations.", before="import itertools", out="list",
        main="xs"),
    Operation("count_pairs_sum", "sum(a + b == {k} for a, b in itertools.combinations({xs}, 2))",
        lambda xs, k: sum(xs[i] + xs[j] == k for i in range(len(xs)) for j in range(i)),
        lambda d: (lambda xs: {"xs": xs, "k": xs[0] + xs[-1]})(d.distinct(5, 8, 1, 19)), "Check every pair.",
        before="import itertools", main="xs"),
))
