"""Sets: union, intersection, differences, membership."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "sets"


def two(draw: Draw) -> Values:
    """Two overlapping lists of different numbers."""
    common = draw.distinct(1, 3, 1, 60)
    sides = []
    for _ in range(2):
        rest = [x for x in draw.distinct(2, 4, 1, 60) if x not in common]
        side = [*common, *rest]
        draw.random.shuffle(side)
        sides.append(side)
    return {"a": sides[0], "b": sides[1]}


def maybe_subset(draw: Draw) -> Values:
    """Two lists, the first inside the second half of the time."""
    b = draw.distinct(4, 7, 1, 60)
    a = b[: draw.small(2, 3)]
    draw.random.shuffle(b)
    return {"a": a if draw.chance(0.5) else [*a, draw.small(61, 90)], "b": b}


def maybe_disjoint(draw: Draw) -> Values:
    """Two lists, disjoint half of the time."""
    values = draw.distinct(6, 9, 1, 60)
    a, b = values[: len(values) // 2], values[len(values) // 2 :]
    return {"a": a, "b": b if draw.chance(0.5) else [*b, a[0]]}


def repeated(draw: Draw) -> Values:
    """A list with repeats."""
    return {"xs": draw.repeated(6, 10, 1, 40)}


def member(draw: Draw) -> Values:
    """A list and a number that is in it half of the time."""
    xs = draw.distinct(5, 8, 1, 99)
    return {"xs": xs, "k": draw.choice(xs) if draw.chance(0.5) else draw.small(1, 99)}


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("union", "sorted(set({a}) | set({b}))", lambda a, b: sorted([*a, *(x for x in b if x not in a)]), two,
        "Unite the sets.", gives="ints", out="list"),
    Operation("intersection", "sorted(set({a}) & set({b}))", lambda a, b: sorted(x for x in a if x in b), two,
        "Intersect the sets.", gives="ints", out="list"),
    Operation("set_difference", "sorted(set({a}) - set({b}))", lambda a, b: sorted(x for x in a if x not in b), two,
        "Subtract the sets.", out="list"),
    Operation("symmetric_difference", "sorted(set({a}) ^ set({b}))",
        lambda a, b: sorted([x for x in a if x not in b] + [x for x in b if x not in a]), two,
        "Take the symmetric difference.", out="list"),
    Operation("common_count", "len(set({a}) & set({b}))", lambda a, b: sum(1 for x in a if x in b), two,
        "Count the common elements.", gives="int"),
    Operation("union_count", "len(set({a}) | set({b}))", lambda a, b: len(a) + sum(1 for x in b if x not in a), two,
        "Count the union.", gives="int"),
    Operation("is_subset", "set({a}) <= set({b})", lambda a, b: all(x in b for x in a), maybe_subset,
        "Compare the sets.", out="bool"),
    Operation("is_disjoint", "set({a}).isdisjoint({b})", lambda a, b: not any(x in b for x in a), maybe_disjoint,
        "Test for common elements.", out="bool"),
    Operation("distinct_count", "len(set({xs}))", lambda xs: len(dict.fromkeys(xs)), repeated,
        "Count the distinct values.", main="xs", takes="ints", gives="int", ignores_order=True),
    Operation("duplicates", "sorted(x for x in set({xs}) if {xs}.count(x) > 1)",
        lambda xs: sorted({x for i, x in enumerate(xs) if x in xs[:i]}), repeated, "Find the repeated values.",
        main="xs", gives="ints", out="list"),
    Operation("contains", "{k} in {xs}", lambda xs, k: xs.count(k) > 0, member, "Test membership.", out="bool",
        main="xs"),
))
