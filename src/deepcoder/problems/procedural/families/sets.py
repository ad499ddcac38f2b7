"""Sets: union, intersection, differences, membership."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("union", "sorted(set({a}) | set({b}))", lambda a, b: sorted([*a, *(x for x in b if x not in a)]), two,
        "Unite the sets.", gives="ints", out="list",
        train="""
            n: the union of {a} and {b}, sorted
            n: the sorted union of {a} and {b}
            v: unite {a} and {b} and sort the result
            v: merge {a} and {b} without duplicates, sorted
            v: list, in ascending order, <all numbers|everything> in {a} or {b}
            q: which numbers are in {a} or in {b}? Sort them.
            q: what is sorted(set({a}) | set({b}))?
        """, held_out="""
            v: put {a} and {b} together, each value once, in rising order
            q: what do {a} and {b} contain between them, sorted and without repeats?
        """),
    Operation("intersection", "sorted(set({a}) & set({b}))", lambda a, b: sorted(x for x in a if x in b), two,
        "Intersect the sets.", gives="ints", out="list",
        train="""
            n: the intersection of {a} and {b}, sorted
            n: the sorted intersection of {a} and {b}
            p: the common <numbers|elements> of {a} and {b}, sorted
            p: the numbers that {a} and {b} have in common, in ascending order
            v: intersect {a} and {b} and sort the result
            v: find the elements common to {a} and {b}, sorted
            q: which numbers are in both {a} and {b}? Sort them.
            q: what is sorted(set({a}) & set({b}))?
        """, held_out="""
            p: the values shared by {a} and {b}, in rising order
            q: what occurs in {a} as well as in {b}, from small to large?
        """),
    Operation("set_difference", "sorted(set({a}) - set({b}))", lambda a, b: sorted(x for x in a if x not in b), two,
        "Subtract the sets.", out="list",
        train="""
            n: the set difference {a} minus {b}, sorted
            p: the <numbers|elements> in {a} that are not in {b}, sorted
            p: the elements of {a} missing from {b}, in ascending order
            v: remove from {a} everything that is in {b} and sort the rest
            v: find the elements of {a} that are not in {b}, sorted
            q: which numbers are in {a} but not in {b}? Sort them.
            q: what is sorted(set({a}) - set({b}))?
        """, held_out="""
            p: the values that only {a} has and {b} lacks, in rising order
            q: what is left of {a}, sorted, once the members of {b} are crossed out?
        """),
    Operation("symmetric_difference", "sorted(set({a}) ^ set({b}))",
        lambda a, b: sorted([x for x in a if x not in b] + [x for x in b if x not in a]), two,
        "Take the symmetric difference.", out="list",
        train="""
            n: the symmetric difference of {a} and {b}, sorted
            p: the numbers in exactly one of {a} and {b}, sorted
            p: the elements of {a} and {b} that are not common to both, sorted
            v: find the elements that are in only one of {a} and {b}, sorted
            q: which numbers are in {a} or in {b} but not in both? Sort them.
            q: what is sorted(set({a}) ^ set({b}))?
        """, held_out="""
            p: the values that {a} and {b} do not share, in rising order
            q: what belongs to either {a} or {b}, never to the two of them, from small to large?
        """),
    Operation("common_count", "len(set({a}) & set({b}))", lambda a, b: sum(1 for x in a if x in b), two,
        "Count the common elements.", gives="int",
        train="""
            n: the number of <elements|values> common to {a} and {b}
            n: the size of the intersection of {a} and {b}
            v: count the common <elements|numbers> of {a} and {b}
            v: count the numbers that are in both {a} and {b}
            q: how many numbers are in both {a} and {b}?
            q: how many elements do {a} and {b} have in common?
        """, held_out="""
            q: how many values do {a} and {b} share?
            v: tell how large the overlap of {a} and {b} is
        """),
    Operation("union_count", "len(set({a}) | set({b}))", lambda a, b: len(a) + sum(1 for x in b if x not in a), two,
        "Count the union.", gives="int",
        train="""
            n: the size of the union of {a} and {b}
            n: the number of <different|distinct> values in {a} and {b} together
            v: count the <different|distinct> numbers in {a} and {b} together
            q: how many <different|distinct> numbers are in {a} and {b} together?
            q: how many elements does the union of {a} and {b} have?
        """, held_out="""
            q: if {a} and {b} are poured together and repeats dropped, how many remain?
            v: tell how many values occur in at least one of {a} and {b}
        """),
    Operation("is_subset", "set({a}) <= set({b})", lambda a, b: all(x in b for x in a), maybe_subset,
        "Compare the sets.", out="bool",
        train="""
            q: is {a} a subset of {b}?
            q: are all elements of {a} in {b}?
            q: does {b} contain every element of {a}?
            v: check <whether|if> {a} is a subset of {b}
            v: test <whether|if> every element of {a} is in {b}
            v: determine whether {b} is a superset of {a}
        """, held_out="""
            q: can each of {a} be found in {b}?
            v: find out whether {a} has nothing that {b} lacks
        """),
    Operation("is_disjoint", "set({a}).isdisjoint({b})", lambda a, b: not any(x in b for x in a), maybe_disjoint,
        "Test for common elements.", out="bool",
        train="""
            q: are {a} and {b} disjoint?
            q: do {a} and {b} have no elements in common?
            v: check <whether|if> {a} and {b} are disjoint
            v: test <whether|if> {a} and {b} have no common element
            v: determine whether {a} and {b} are disjoint sets
        """, held_out="""
            q: is it the case that {a} and {b} share nothing?
            v: find out whether the overlap of {a} and {b} is empty
        """),
    Operation("distinct_count", "len(set({xs}))", lambda xs: len(dict.fromkeys(xs)), repeated,
        "Count the distinct values.", main="xs", takes="ints", gives="int", ignores_order=True,
        train="""
            n: the number of <different|distinct|unique> <values|numbers|elements> in {xs}
            v: count the <different|distinct|unique> <values|numbers|elements> in {xs}
            q: how many <different|distinct|unique> <values|numbers> are <there |>in {xs}?
            q: how many <different|distinct|unique> elements does one find in {xs}?
            q: what is len(set({xs!r}))?
        """, held_out="""
            q: repeats counted once, how many values occur in {xs}?
            v: tell how many values {xs} have if doubles are dropped
        """),
    Operation("duplicates", "sorted(x for x in set({xs}) if {xs}.count(x) > 1)",
        lambda xs: sorted({x for i, x in enumerate(xs) if x in xs[:i]}), repeated, "Find the repeated values.",
        main="xs", gives="ints", out="list",
        train="""
            p: the numbers that occur more than once in {xs}, sorted
            p: the duplicated values in {xs}, in ascending order
            p: the duplicates in {xs}, sorted, each listed once
            v: find the values that appear more than once in {xs}, sorted
            v: list the duplicates of {xs} in ascending order, each once
            q: which numbers occur more than once in {xs}? Sort them.
        """, held_out="""
            p: the values of {xs} with a repeat, each once, in rising order
            q: what is there at least twice in {xs}, from small to large?
        """),
    Operation("contains", "{k} in {xs}", lambda xs, k: xs.count(k) > 0, member, "Test membership.", out="bool",
        main="xs",
        train="""
            q: is {k} in {xs}?
            q: does the number {k} occur in {xs}?
            q: is the number {k} one of {xs}?
            v: check <whether|if> {k} is in {xs}
            v: test <whether|if> {k} occurs in {xs}
            q: what is {k} in {xs!r}?
        """, held_out="""
            q: can {k} be found among {xs}?
            v: search {xs} for {k} and say whether it is there
        """),
)
# fmt: on
