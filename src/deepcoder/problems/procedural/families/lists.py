"""Lists of numbers: totals, extremes, order, selection, transformation."""

from __future__ import annotations

from itertools import accumulate

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("sum", "sum({xs})", lambda xs: list(accumulate(xs))[-1], numbers, "Sum the numbers.", main="xs",
        takes="ints", gives="int", ignores_order=True,
        train="""
            n: the <sum|total> of {xs}
            n: the sum of all <values|elements|items> in {xs}
            v: add up {xs}
            v: sum {xs}
            v: <total|sum up> {xs}
            v: add <everything in|all values in|together all of> {xs}
            q: what <does|is> sum({xs!r})<| give>?
            q: what is the total when you add up {xs}?
            q: {name}'s <expenses|earnings|savings> on several days were {xs}. How much is that in total?
        """,
        held_out="""
            q: what do {xs} come to when added?
            v: give the grand total over {xs}
            q: {xs}: what do they add up to?
            q: a till shows the entries {xs}. What is the overall amount?
        """,
    ),
    Operation("product", "math.prod({xs})", _product, few, "Multiply all numbers.", before="import math", main="xs",
        takes="ints", gives="int", ignores_order=True,
        train="""
            n: the product of {xs}
            n: the product of all <values|elements|numbers> in {xs}
            v: multiply <all of|together> {xs}
            v: multiply all <values|elements|numbers> in {xs}
            v: multiply {xs} together
            q: what is math.prod({xs!r})?
            q: what do you get when you multiply {xs} together?
            q: what is the product when all of {xs} are multiplied?
        """,
        held_out="""
            n: the outcome of multiplying every element of {xs}
            q: {xs}: what is their product?
            v: use multiplication to combine all of {xs}
        """,
    ),
    Operation("max", "max({xs})", lambda xs: sorted(xs)[-1], numbers, "Take the maximum.", main="xs", takes="ints",
        gives="int", ignores_order=True,
        train="""
            n: the <largest|biggest|greatest|highest> <number|value|element> in {xs}
            n: the maximum of {xs}
            n: the largest of {xs}
            n: the max of {xs}
            v: find the <largest|biggest|greatest> <number|value|element> <in|of> {xs}
            v: pick the <largest|maximum> value <from|in> {xs}
            q: which <number|value> is the <largest|biggest|greatest> in {xs}?
            q: what is max({xs!r})?
            q: {name}'s scores are {xs}. What is the best score?
        """,
        held_out="""
            n: the top value among {xs}
            q: none of {xs} exceeds which member?
            q: of {xs}, which has the highest value?
            v: single out the number in {xs} that beats all others
        """,
    ),
    Operation("min", "min({xs})", lambda xs: sorted(xs)[0], numbers, "Take the minimum.", main="xs", takes="ints",
        gives="int", ignores_order=True,
        train="""
            n: the <smallest|least|lowest> <number|value|element> in {xs}
            n: the minimum of {xs}
            n: the smallest of {xs}
            n: the min of {xs}
            v: find the <smallest|lowest|least> <number|value|element> <in|of> {xs}
            v: pick the <smallest|minimum> value <from|in> {xs}
            q: which <number|value> is the <smallest|lowest> in {xs}?
            q: what is min({xs!r})?
            q: the temperatures were {xs}. What was the lowest one?
        """,
        held_out="""
            n: the bottom value among {xs}
            q: of {xs}, which has the lowest value?
            v: single out the number in {xs} that all others exceed or equal
            q: no member of {xs} is below which one?
        """,
    ),
    Operation("range", "max({xs}) - min({xs})", lambda xs: sorted(xs)[-1] - sorted(xs)[0], different,
        "Subtract the minimum from the maximum.", main="xs", takes="ints", gives="int", ignores_order=True,
        train="""
            n: the <difference|distance> between the <largest and the smallest|maximum and the minimum> of {xs}
            n: the range (maximum minus minimum) of {xs}
            n: the spread of {xs}, maximum minus minimum
            n: max minus min of {xs}
            v: subtract the <smallest|minimum> from the <largest|maximum> of {xs}
            v: find the <gap|difference> between the <highest and lowest|largest and smallest> of {xs}
            q: how far apart are the <largest and the smallest|maximum and minimum> of {xs}?
            q: by how much does the largest of {xs} exceed the smallest?
            q: what is max(xs) - min(xs) for xs = {xs!r}?
        """,
        held_out="""
            n: the width of the interval that {xs} cover
            q: from lowest to highest, how wide is the span of {xs}?
            v: take the biggest of {xs} and deduct the least of them
        """,
    ),
    Operation("median", "statistics.median({xs})", _median, lambda d: {"xs": d.distinct(3, 9)}, "Take the median.",
        before="import statistics", main="xs", takes="ints", out="float2", ignores_order=True,
        train="""
            n: the median of {xs}
            n: the median value <of|in> {xs}
            n: the middle value of {xs} after sorting
            v: find the median of {xs}
            v: <compute|calculate> the median of {xs}
            v: take the median of {xs}
            q: what is the median of {xs}?
            q: what is statistics.median({xs!r})?
            q: {name} measured {xs}. What is the median of the measurements?
        """,
        held_out="""
            n: the value that splits the sorted {xs} into two halves
            q: half of {xs} lie below which median?
            v: determine which median {xs} have
        """,
    ),
    Operation("mean", "sum({xs}) / len({xs})", lambda xs: float(sum(xs)) / float(len(xs)), numbers,
        "Divide the sum by the count.", main="xs", takes="ints", out="float2", ignores_order=True,
        train="""
            n: the <average|mean> of {xs}
            n: the arithmetic mean of {xs}
            n: the average value <of|in> {xs}
            v: average {xs}
            v: <compute|calculate> the <mean|average> of {xs}
            q: what is the <mean|average> of {xs}?
            q: what do {xs} average?
            q: what is sum(xs) / len(xs) for xs = {xs!r}?
            q: {name} <scored|got|wrote down> {xs}. What is the average?
        """,
        held_out="""
            n: the mean taken over {xs}
            q: spread evenly, {xs} would each become what?
            v: work out how much {xs} come to on average
        """,
    ),
    Operation("count_above", "sum(x > {k} for x in {xs})", lambda xs, k: len([x for x in xs if not x <= k]),
        with_limit, "Count the numbers above the limit.", main="xs", takes="ints", gives="int",
        train="""
            n: the number of <values|elements|items> in {xs} <greater|larger|bigger> than {k}
            n: the number of <values|elements> in {xs} above {k}
            n: the count of values in {xs} that exceed {k}
            v: count the <numbers|values|elements> in {xs} <above|greater than|larger than> {k}
            v: count how many of {xs} <are greater than|exceed> {k}
            q: how many <numbers|values> in {xs} are <greater|larger|bigger> than {k}?
            q: how many of {xs} are <above|greater than> {k}?
            q: {name}'s results are {xs}. How many of them are above {k}?
        """,
        held_out="""
            q: how many members of {xs} go beyond {k}?
            q: how many of {xs} lie over {k}?
            v: tell the quantity of entries over {k} in {xs}
        """,
    ),
    Operation("second_largest", "sorted(set({xs}))[-2]", lambda xs: max(x for x in xs if x != max(xs)), different,
        "Take the second largest.", main="xs",
        train="""
            n: the second <largest|biggest|highest|greatest> <number|value|element> <in|of> {xs}
            n: the second largest of {xs}
            v: find the second <largest|biggest|highest> <number|value> <in|of> {xs}
            v: pick the second largest value from {xs}
            q: which <number|value> in {xs} is the second <largest|biggest>?
            q: what is sorted({xs!r})[-2]?
            q: {name}'s throws were {xs}. What was the second best?
        """,
        held_out="""
            n: the runner-up among {xs} by size
            q: apart from its maximum, what is the largest of {xs}?
            v: tell which of {xs} comes right after the maximum
        """,
    ),
    Operation("index_of", "{xs}.index({k})", lambda xs, k: next(i for i, x in enumerate(xs) if x == k), with_member,
        "Find the index.", main="xs",
        train="""
            n: the <index|zero-based index|position (from 0)> of {k} in {xs}<, counting from 0|, starting at 0>
            v: find the index of {k} in {xs}, counting from 0
            v: locate {k} in {xs} (zero-based)
            q: at <which|what> index is {k} in {xs}, counting from 0?
            q: what is {xs!r}.index({k})?
            q: what zero-based index does {k} have in {xs}?
            q: where is {k} in {xs} if the first index is 0?
        """,
        held_out="""
            q: the first entry of {xs} has number 0. Which number has {k}?
            n: the offset of {k} from the start of {xs}
            v: say how many entries of {xs} come before {k}
        """,
    ),
    Operation("count_value", "{xs}.count({k})", lambda xs, k: sum(1 for x in xs if x == k), with_repeated_member,
        "Count the value.", main="xs",
        train="""
            n: the number of times {k} <occurs|appears> in {xs}
            n: the number of occurrences of {k} in {xs}
            n: the count of {k} in {xs}
            v: count {k} in {xs}
            v: count how <often|many times> {k} <occurs|appears> in {xs}
            v: count the occurrences of {k} in {xs}
            q: how <often|many times> does {k} <occur|appear> in {xs}?
            q: how many {k}s are in {xs}?
            q: what is {xs!r}.count({k})?
        """,
        held_out="""
            n: the frequency of {k} in {xs}
            q: {k} is found in {xs} how many times?
            v: tell how frequently {k} comes up in {xs}
        """,
    ),
    Operation("list_length", "len({xs})", lambda xs: sum(1 for _ in xs), numbers, "Count the elements.", main="xs",
        takes="ints", gives="int", ignores_order=True,
        train="""
            n: the <length|size> of {xs}
            n: the number of <elements|items|values> in {xs}
            v: count <the elements in|the items in|how many values there are in> {xs}
            q: how many <elements|items|values|numbers> <are in|are there in> {xs}?
            q: how long is {xs}?
            q: what is len({xs!r})?
            q: how many numbers does one have with {xs}?
        """,
        held_out="""
            q: of how many entries do {xs} consist?
            n: the amount of entries in {xs}
            v: say how many numbers make up {xs}
        """,
    ),
)
# fmt: on
