"""Lists of numbers made into other lists: sorted, filtered, mapped, rotated."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "transforms"


def numbers(draw: Draw) -> Values:
    """A list of numbers."""
    return {"xs": draw.ints(4, 9)}


def with_repeats(draw: Draw) -> Values:
    """A list with repeated numbers."""
    return {"xs": draw.repeated(5, 10)}


def few(draw: Draw) -> Values:
    """A short list of small numbers."""
    return {"xs": draw.ints(3, 6, 2, 60)}


def with_limit(draw: Draw) -> Values:
    """A list and a limit inside its range."""
    return {"xs": draw.ints(5, 9), "k": draw.small(3, 18) * 5}


def with_place(draw: Draw) -> Values:
    """A list and a small count."""
    xs = draw.ints(5, 9)
    return {"xs": xs, "k": draw.small(2, min(4, len(xs) - 1))}


def _rotate(xs: list[int], k: int) -> list[int]:
    return [xs[(i + k) % len(xs)] for i in range(len(xs))]


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("sort", "sorted({xs})", lambda xs: [x for _, x in sorted((x, x) for x in xs)], numbers,
        "Sort the list.", main="xs", takes="ints", gives="ints", out="list", reorders=True, ignores_order=True),
    Operation("sort_descending", "sorted({xs}, reverse=True)", lambda xs: sorted(xs)[::-1], numbers,
        "Sort in descending order.", main="xs", takes="ints", gives="ints", out="list", reorders=True,
        ignores_order=True),
    Operation("reverse_list", "{xs}[::-1]", lambda xs: list(reversed(xs)), numbers, "Reverse the list.", main="xs",
        takes="ints", gives="ints", out="list", reorders=True),
    Operation("unique", "list(dict.fromkeys({xs}))", lambda xs: [x for i, x in enumerate(xs) if x not in xs[:i]],
        with_repeats, "Remove duplicates and keep the order.", main="xs", takes="ints", gives="ints", out="list"),
    Operation("evens", "[x for x in {xs} if x % 2 == 0]", lambda xs: list(filter(lambda x: not x & 1, xs)), numbers,
        "Keep the even numbers.", main="xs", takes="ints", gives="ints", out="list"),
    Operation("odds", "[x for x in {xs} if x % 2 == 1]", lambda xs: list(filter(lambda x: x & 1, xs)), numbers,
        "Keep the odd numbers.", main="xs", takes="ints", gives="ints", out="list"),
    Operation("above", "[x for x in {xs} if x > {k}]", lambda xs, k: list(filter(k.__lt__, xs)), with_limit,
        "Keep the numbers above the limit.", main="xs", takes="ints", gives="ints", out="list"),
    Operation("squares", "[x ** 2 for x in {xs}]", lambda xs: [x * x for x in xs], few, "Square each number.",
        main="xs", takes="ints", gives="ints", out="list"),
    Operation("double", "[x * 2 for x in {xs}]", lambda xs: [x + x for x in xs], numbers, "Double each number.",
        main="xs", takes="ints", gives="ints", out="list"),
    Operation("rotate", "{xs}[{k}:] + {xs}[:{k}]", _rotate, with_place, "Rotate to the left.", main="xs", out="list"),
    Operation("running_sum", "[s := s + x for x in {xs}]",
        lambda xs: [sum(xs[: i + 1]) for i in range(len(xs))], numbers, "Accumulate the sums.",
        before="s = 0", main="xs", takes="ints", gives="ints", out="list"),
    Operation("differences", "[b - a for a, b in zip({xs}, {xs}[1:])]",
        lambda xs: [xs[i + 1] - xs[i] for i in range(len(xs) - 1)], numbers, "Subtract neighbours.", main="xs",
        takes="ints", gives="ints", out="list"),
    Operation("every_kth", "{xs}[::{k}]", lambda xs, k: [x for i, x in enumerate(xs) if i % k == 0], with_place,
        "Take every k-th element.", main="xs", out="list"),
))
