"""Combinatorics: counting selections, arrangements, paths."""

from __future__ import annotations

import math
from functools import cache

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("factorial", "math.factorial({n})", lambda n: _falling(n, n), small_n, "Use math.factorial.",
        before="import math", main="n",
        train="""
            n: the factorial of {n}
            n: {n} factorial
            n: {n!r}!
            n: the product of all <whole numbers|integers> from 1 to {n}
            v: compute the factorial of {n}
            v: calculate {n} factorial
            q: what is math.factorial({n})?
            q: in how many <ways|orders> can {n} <books|people|cards> be arranged in a row?
        """, held_out="""
            q: how many different queues can {n} people form?
            v: multiply the numbers 1, 2, 3 and so on up to {n}
            q: {n} songs are played once each. In how many orders can that be done?
        """),
    Operation("combinations", "math.comb({n}, {k})", _choose, choose, "Use math.comb.", before="import math",
        train="""
            n: {n} choose {k}
            n: the binomial coefficient of {n} over {k}
            n: the number of combinations of {k} <items|elements> <out of|from> {n}
            n: the number of subsets of size {k} of a set with {n} elements
            v: compute {n} choose {k}
            q: what is math.comb({n}, {k})?
            q: in how many ways can <you|one|we> choose {k} <items|people|books> from {n}<|, order ignored>?
            q: how many <teams|committees|groups> of {k} can be <formed|chosen> from {n} people?
            q: how many different hands of {k} cards can be drawn from {n} cards?
        """, held_out="""
            q: {k} of {n} friends get a ticket. How many selections are possible?
            q: order being unimportant, how many picks of {k} out of {n} exist?
            v: evaluate the binomial coefficient C({n}, {k})
        """),
    Operation("permutations", "math.perm({n}, {k})", _falling, choose, "Use math.perm.", before="import math",
        train="""
            n: the number of permutations of {k} <items|elements> <out of|from> {n}
            n: the number of ordered selections of {k} out of {n}
            n: the number of ways to arrange {k} of {n} <books|items> in a row
            v: compute the number of {k}-permutations of {n}
            q: what is math.perm({n}, {k})?
            q: in how many ways can {k} of {n} <people|runners> be lined up<| in order>?
            q: in how many ways can {k} different prizes go to {n} people, at most one each?
            q: how many ordered <lists|arrangements> of {k} different items can be made from {n}?
        """, held_out="""
            q: {n} runners compete for {k} distinct medals. In how many ways can the medals be given?
            q: order being important, how many picks of {k} out of {n} exist?
            v: evaluate P({n}, {k}), the count of arrangements
        """),
    Operation("handshakes", "{n} * ({n} - 1) // 2", lambda n: _choose(n, 2), lambda d: {"n": d.int(4, 150)},
        "Count the pairs.", main="n",
        train="""
            n: the number of pairs that can be formed from {n} people
            n: the number of handshakes when {n} people each shake hands once with every other
            v: count the handshakes among {n} people
            q: {n} people all shake hands with each other once. How many handshakes are there?
            q: how many <games|matches> are played when {n} teams each play every other team once?
            q: how many different pairs can be made from {n} <items|people>?
        """, held_out="""
            q: {n} players in a club play everybody else exactly once. How many games is that?
            n: the count of two-person groups among {n} people
            q: how many lines connect {n} points, each with every other?
        """),
    Operation("subsets", "2 ** {n}", lambda n: sum(_choose(n, k) for k in range(n + 1)),
        lambda d: {"n": d.small(3, 24)}, "Count the subsets.", main="n",
        train="""
            n: the number of subsets of a set with {n} elements
            n: the size of the power set of a set with {n} elements
            v: count <all|the> subsets of a set with {n} elements
            q: how many subsets does a set of {n} elements have<|, the empty set included>?
            q: how many different selections, from none to all, can be made of {n} toppings?
            q: how many binary strings of length {n} are there?
        """, held_out="""
            q: {n} switches are each on or off. How many states are possible?
            v: say how many ways there are to take any number of {n} things, none and all included
        """),
    Operation("letter_arrangements",
        "math.factorial(len({s})) // math.prod(math.factorial({s}.count(c)) for c in set({s}))", _arrangements,
        lambda d: {"s": d.choice((d.plain_word(), d.plain_word()))[:9]}, "Divide by repeated letters.",
        before="import math", main="s",
        train="""
            n: the number of distinct <arrangements|permutations> of the letters of {s}
            n: the number of different anagrams of {s}, real words or not
            v: count the distinct <arrangements|permutations> of the letters <of|in> {s}
            q: how many different <arrangements|strings> can be made with all the letters of {s}?
            q: in how many distinct ways can the letters of {s} be <arranged|ordered>?
        """, held_out="""
            q: shuffling {s} can give how many different strings?
            v: tell the number of different rearrangements that {s} has
        """),
    Operation("grid_paths", "math.comb({a} + {b}, {a})", lambda a, b: _choose(a + b, b), grid, "Use math.comb.",
        before="import math",
        train="""
            n: the number of <shortest |>paths with {a} steps right and {b} steps up
            n: the number of ways to go {a} steps to the right and {b} steps down on a grid
            q: how many paths consist of {a} steps right and {b} steps up?
            q: a robot moves {a} steps right and {b} steps down in any order. How many paths are there?
            q: in how many orders can one take {a} steps east and {b} steps north?
        """, held_out="""
            q: a taxi must go {a} blocks east and {b} blocks north, no detours. Between how many routes can it choose?
            v: count the sequences made of {a} letters R and {b} letters U
        """),
    Operation("catalan", "math.comb(2 * {n}, {n}) // ({n} + 1)", lambda n: _choose(2 * n, n) - _choose(2 * n, n + 1),
        lambda d: {"n": d.small(3, 22)}, "Use the Catalan formula.", before="import math", main="n",
        train="""
            n: the Catalan number C({n})
            n: the Catalan number with index {n} (C(0) = 1)
            v: compute the Catalan number C({n}), where C(0) = 1
            q: how many balanced strings of {n} pairs of <brackets|parentheses> are there?
            q: in how many ways can {n} pairs of parentheses be balanced?
        """, held_out="""
            q: {n} opening and {n} closing brackets: how many correct sequences do they form?
            v: evaluate Catalan's number for n = {n}
        """),
    Operation("codes", "{n} ** {k}", lambda n, k: len(range(n**k)),
        lambda d: {"n": d.small(3, 26), "k": d.small(2, 5)}, "Raise to the power.",
        train="""
            n: the number of codes of length {k} over {n} symbols
            n: the number of strings of length {k} with {n} different letters allowed
            q: how many codes of {k} <symbols|characters> can be made with {n} different symbols, repetition allowed?
            q: a lock has {k} wheels with {n} positions each. How many combinations are there?
            q: how many passwords of length {k} can be made from {n} letters<| if letters may repeat>?
        """, held_out="""
            q: {k} dice with {n} faces each are thrown one after the other. How many sequences can come?
            v: say how many words of {k} letters an alphabet of {n} letters allows
        """),
    Operation("derangements", "d[{n}]", _derangements, lambda d: {"n": d.small(3, 16)}, "Use the recurrence.",
        main="n", before="d = [1, 0]\nfor i in range(2, {n} + 1):\n    d.append((i - 1) * (d[-1] + d[-2]))",
        train="""
            n: the number of derangements of {n} items
            n: the number of permutations of {n} items without a fixed point
            v: count the derangements of {n} items
            q: how many permutations of {n} items leave no item in its place?
            q: in how many ways can {n} people swap hats so that nobody gets their own?
        """, held_out="""
            q: {n} letters go into {n} addressed envelopes, each into a wrong one. In how many ways?
            v: tell how many shuffles of {n} cards move every card
        """),
    Operation("pick_pairs", "list(itertools.combinations({xs}, 2))",
        lambda xs: [(xs[i], xs[j]) for i in range(len(xs)) for j in range(i + 1, len(xs))],
        lambda d: {"xs": d.distinct(3, 4)}, "Use itertools.combinations.", before="import itertools", out="list",
        main="xs",
        train="""
            p: all pairs <from|of> {xs}, as a list of tuples
            p: the 2-element combinations of {xs}
            v: list all pairs of elements <from|of> {xs} as tuples
            v: list every combination of two elements of {xs}
            q: what is list(itertools.combinations({xs!r}, 2))?
        """, held_out="""
            v: write down each way to take two of {xs}, as tuples in order
            q: which pairs, as tuples, can be drawn out of {xs}?
        """),
    Operation("count_pairs_sum", "sum(a + b == {k} for a, b in itertools.combinations({xs}, 2))",
        lambda xs, k: sum(xs[i] + xs[j] == k for i in range(len(xs)) for j in range(i)),
        lambda d: (lambda xs: {"xs": xs, "k": xs[0] + xs[-1]})(d.distinct(5, 8, 1, 19)), "Check every pair.",
        before="import itertools", main="xs",
        train="""
            n: the number of pairs in {xs} that sum to {k}
            n: the number of pairs of {xs} whose sum is {k}
            v: count the pairs in {xs} <that sum to|with sum> {k}
            q: how many pairs of <elements|numbers> in {xs} <add up to|sum to> {k}?
            q: in how many ways can two of {xs} be added to give {k}?
        """, held_out="""
            q: choosing two of {xs}, how often is their total {k}?
            v: tell how many couples within {xs} make {k}
        """),
)
# fmt: on
