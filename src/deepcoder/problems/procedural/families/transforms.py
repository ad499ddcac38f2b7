"""Lists of numbers made into other lists: sorted, filtered, mapped, rotated."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("sort", "sorted({xs})", lambda xs: [x for _, x in sorted((x, x) for x in xs)], numbers,
        "Sort the list.", main="xs", takes="ints", gives="ints", out="list", reorders=True, ignores_order=True,
        train="""
            n: {xs} in <ascending|increasing> order
            n: {xs} sorted<| from small to large| from lowest to highest>
            n: the sorted version of {xs}
            v: sort {xs}
            v: sort {xs} <in ascending order|from smallest to largest|in increasing order>
            v: <order|arrange> {xs} from <smallest to largest|small to large|low to high>
            v: put {xs} in <ascending|increasing|rising> order
            q: what is sorted({xs!r})?
            q: what <does|is> {xs} <look like |>sorted in ascending order?
        """,
        held_out="""
            v: line up {xs} by size, least first
            n: {xs} rearranged so that they only go up
            q: how do {xs} read from the least to the greatest?
        """,
    ),
    Operation("sort_descending", "sorted({xs}, reverse=True)", lambda xs: sorted(xs)[::-1], numbers,
        "Sort in descending order.", main="xs", takes="ints", gives="ints", out="list", reorders=True,
        ignores_order=True,
        train="""
            n: {xs} in <descending|decreasing> order
            n: {xs} sorted <from large to small|from highest to lowest|from largest to smallest>
            n: {xs} in reverse sorted order
            v: sort {xs} <in descending order|from largest to smallest|in decreasing order>
            v: <order|arrange> {xs} from <largest to smallest|large to small|high to low>
            v: put {xs} in <descending|decreasing|falling> order
            q: what is sorted({xs!r}, reverse=True)?
            q: what <does|is> {xs} <look like |>sorted in descending order?
        """,
        held_out="""
            v: line up {xs} by size, greatest first
            n: {xs} rearranged so that they only go down
            q: how do {xs} read from the greatest to the least?
        """,
    ),
    Operation("reverse_list", "{xs}[::-1]", lambda xs: list(reversed(xs)), numbers, "Reverse the list.", main="xs",
        takes="ints", gives="ints", out="list", reorders=True,
        train="""
            n: the reverse of {xs}
            n: {xs} in reverse order<|, without sorting>
            n: {xs} <reversed|backwards>
            v: reverse {xs}
            v: reverse the order of {xs}
            v: turn {xs} around
            q: what is {xs!r}[::-1]?
            q: what is {xs} <reversed|in reverse>?
        """,
        held_out="""
            v: list {xs} with the last one first and so on
            n: {xs}, read from right to left
            q: what do {xs} look like from back to front?
        """,
    ),
    Operation("unique", "list(dict.fromkeys({xs}))", lambda xs: [x for i, x in enumerate(xs) if x not in xs[:i]],
        with_repeats, "Remove duplicates and keep the order.", main="xs", takes="ints", gives="ints", out="list",
        train="""
            n: {xs} without duplicates, <keeping the order|in the original order>
            n: {xs} with duplicates removed, order kept
            p: the <unique|distinct> <values|elements> of {xs}, in order of <first |>appearance
            v: remove <the |>duplicates from {xs}<| and keep the order|, keeping the first of each>
            v: delete repeated <values|numbers> from {xs}, keeping the first one
            v: deduplicate {xs}, <preserving|keeping> the order
            q: what is list(dict.fromkeys({xs!r}))?
            q: what is left of {xs} when duplicates are dropped, order kept?
        """,
        held_out="""
            v: make sure that nothing occurs twice in {xs}; leave the order alone
            n: {xs}, each number only at its first appearance
            q: which numbers remain of {xs} if I cross out repeats as I read along?
        """,
    ),
    Operation("evens", "[x for x in {xs} if x % 2 == 0]", lambda xs: list(filter(lambda x: not x & 1, xs)), numbers,
        "Keep the even numbers.", main="xs", takes="ints", gives="ints", out="list",
        train="""
            p: the even <numbers|values|elements> <in|of|from> {xs}
            p: all even <numbers|values> in {xs}
            v: keep <only |>the even <numbers|values> <of|from|in> {xs}
            v: filter {xs} for even numbers
            v: select the even <numbers|elements> from {xs}
            v: remove <all|the> odd numbers from {xs}
            q: which <numbers|values> in {xs} are even?
            q: which of {xs} are even?
            q: what is [x for x in {xs!r} if x % 2 == 0]?
        """,
        held_out="""
            p: those of {xs} that can be halved without remainder
            v: throw the odd ones out of {xs}
            q: which of {xs} are multiples of two?
        """,
    ),
    Operation("odds", "[x for x in {xs} if x % 2 == 1]", lambda xs: list(filter(lambda x: x & 1, xs)), numbers,
        "Keep the odd numbers.", main="xs", takes="ints", gives="ints", out="list",
        train="""
            p: the odd <numbers|values|elements> <in|of|from> {xs}
            p: all odd <numbers|values> in {xs}
            v: keep <only |>the odd <numbers|values> <of|from|in> {xs}
            v: filter {xs} for odd numbers
            v: select the odd <numbers|elements> from {xs}
            v: remove <all|the> even numbers from {xs}
            q: which <numbers|values> in {xs} are odd?
            q: which of {xs} are odd?
            q: what is [x for x in {xs!r} if x % 2 == 1]?
        """,
        held_out="""
            p: those of {xs} that leave remainder 1 when halved
            v: throw the even ones out of {xs}
            q: which of {xs} are not multiples of two?
        """,
    ),
    Operation("above", "[x for x in {xs} if x > {k}]", lambda xs, k: list(filter(k.__lt__, xs)), with_limit,
        "Keep the numbers above the limit.", main="xs", takes="ints", gives="ints", out="list",
        train="""
            p: the <numbers|values|elements> in {xs} <greater|larger|bigger> than {k}
            p: the <numbers|values> in {xs} above {k}
            p: all <values|elements> of {xs} that are <greater than|above> {k}
            v: keep only the <numbers|values> in {xs} <above|greater than> {k}
            v: filter {xs} to values <above|greater than|larger than> {k}
            v: select the elements of {xs} that exceed {k}
            q: which <numbers|values> in {xs} are <greater|larger> than {k}?
            q: which of {xs} are <above|greater than> {k}?
            q: what is [x for x in {xs!r} if x > {k}]?
        """,
        held_out="""
            p: those of {xs} that lie over {k}
            v: discard whatever in {xs} is {k} or less
            q: which of {xs} surpass {k}?
        """,
    ),
    Operation("squares", "[x ** 2 for x in {xs}]", lambda xs: [x * x for x in xs], few, "Square each number.",
        main="xs", takes="ints", gives="ints", out="list",
        train="""
            p: the squares of {xs}
            p: the squares of <all|the> <values|elements> in {xs}
            n: {xs} with <each|every> <value|element> squared
            v: square <each|every> <value|number|element> in {xs}
            v: square {xs}
            v: square each of {xs}
            q: what are the squares of {xs}?
            q: what is [x ** 2 for x in {xs!r}]?
        """,
        held_out="""
            v: multiply each of {xs} by itself
            p: the second powers of {xs}
            q: what list results from squaring {xs} one by one?
        """,
    ),
    Operation("double", "[x * 2 for x in {xs}]", lambda xs: [x + x for x in xs], numbers, "Double each number.",
        main="xs", takes="ints", gives="ints", out="list",
        train="""
            p: the doubles of {xs}
            n: {xs} with <each|every> <value|element> doubled
            v: double <each|every> <value|number|element> in {xs}
            v: double {xs}
            v: multiply <each|every> <value|element> of {xs} by 2
            v: double each of {xs}
            q: what is [x * 2 for x in {xs!r}]?
            q: what do you get when you double each of {xs}?
        """,
        held_out="""
            p: twice the values of {xs}, one by one
            v: make each of {xs} two times as large
            q: what list results when every entry of {xs} is taken twice over?
        """,
    ),
    Operation("rotate", "{xs}[{k}:] + {xs}[:{k}]", _rotate, with_place, "Rotate to the left.", main="xs", out="list",
        train="""
            n: {xs} rotated <left by {k}|to the left by {k} places|{k} places to the left>
            n: the left rotation of {xs} by {k}
            v: rotate {xs} <left by {k}|to the left by {k} places|{k} steps to the left>
            v: shift {xs} left by {k} places, wrapping around
            v: move the first {k} elements of {xs} to the end
            q: what is {xs!r}[{k}:] + {xs!r}[:{k}]?
            q: what does {xs} become after <{k} left rotations|rotating left by {k}>?
        """,
        held_out="""
            v: take the first {k} of {xs} and put them, in order, behind the rest
            n: {xs} after a cyclic shift by {k} towards the front
            q: the {k} leading entries of {xs} go to the back. What is the list now?
        """,
    ),
    Operation("running_sum", "list(itertools.accumulate({xs}))",
        lambda xs: [sum(xs[: i + 1]) for i in range(len(xs))], numbers, "Accumulate the sums.",
        before="import itertools", main="xs", takes="ints", gives="ints", out="list",
        train="""
            p: the <running|cumulative> <sums|totals> of {xs}
            p: the partial sums of {xs}
            n: the cumulative sum of {xs} as a list
            v: compute the <running|cumulative> <sums|totals> of {xs}
            v: list the partial sums of {xs}
            v: accumulate {xs}
            q: what are the <cumulative|running> sums of {xs}?
            q: {name} saves {xs} <euros|coins> week by week. What are the running totals?
        """,
        held_out="""
            p: the totals so far, entry by entry, of {xs}
            v: add {xs} one after the other and note each intermediate total
            q: what are the subtotals when summing {xs} from the left?
        """,
    ),
    Operation("differences", "[b - a for a, b in zip({xs}, {xs}[1:])]",
        lambda xs: [xs[i + 1] - xs[i] for i in range(len(xs) - 1)], numbers, "Subtract neighbours.", main="xs",
        takes="ints", gives="ints", out="list",
        train="""
            p: the differences between <consecutive|neighbouring|adjacent> <values|elements> of {xs}
            p: the consecutive differences of {xs}
            p: the <gaps|steps> from each <value|element> of {xs} to the next
            v: compute the differences between <consecutive|neighbouring> <values|elements> of {xs}
            v: subtract each element of {xs} from the next one
            v: list the <consecutive|successive> differences of {xs}
            q: by how much does each value of {xs} differ from the one before?
        """,
        held_out="""
            p: the changes from one entry of {xs} to the following one
            v: note for {xs} how much each entry grows or falls compared to its predecessor
            q: what are the increments along {xs}?
        """,
    ),
    Operation("every_kth", "{xs}[::{k}]", lambda xs, k: [x for i, x in enumerate(xs) if i % k == 0], with_place,
        "Take every k-th element.", main="xs", out="list",
        train="""
            p: the elements of {xs} at indices 0, {k} and so on, in steps of {k}
            n: the slice of {xs} with step {k}
            v: take <one in {k}|every element whose index is divisible by {k}> of {xs}, starting with the first
            v: slice {xs} with a step of {k}
            v: step through {xs} by {k}, starting with the first
            q: what is {xs!r}[::{k}]?
        """,
        held_out="""
            v: walk along {xs} in strides of {k} from its first entry and list where you land
            q: starting with the first of {xs} and always going on by {k}, which entries do I meet?
            p: the entries of {xs} whose zero-based index is a multiple of {k}
        """,
    ),
)
# fmt: on
