"""Arithmetic: sums, products, quotients, remainders, powers, percentages, expressions."""

from __future__ import annotations

import operator
from typing import Any

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "arithmetic"


def two(draw: Draw, low: int = 12, high: int = 999) -> Values:
    """Two numbers, larger with the level."""
    top = high if draw.level == 1 else high * 10 if draw.level == 2 else high * 100
    return {"a": draw.int(low, top), "b": draw.int(low, top)}


def division(draw: Draw) -> Values:
    """A dividend and a smaller divisor."""
    return {"a": draw.int(100, 10 ** (2 + draw.level)), "b": draw.int(3, 97)}


def expression(draw: Draw) -> Values:
    """Four numbers for a formula with brackets."""
    return {key: draw.int(2, 60) for key in "abcd"}


def percentage(draw: Draw) -> Values:
    """A whole percentage of a number; the result is whole."""
    return {"a": draw.int(1, 60) * 100, "p": draw.int(2, 95)}


def power(draw: Draw) -> Values:
    """A base and a small exponent."""
    return {"a": draw.int(2, 60), "b": draw.small(2, 3 + 2 * draw.level)}


def _times(a: int, b: int) -> int:
    return sum(a * int(digit) * 10**place for place, digit in enumerate(reversed(str(b))))


def _power(a: int, b: int) -> int:
    result = 1
    for _ in range(b):
        result *= a
    return result


def _mean(**values: Any) -> float:
    return float(sum(values.values()) / len(values))


# fmt: off
OPERATIONS = (
    Operation("add", "{a} + {b}", lambda a, b: operator.add(a, b), two, "Add the numbers.",
        train="""
            n: the sum of {a} and {b}
            n: the total of {a} and {b}
            n: {a} plus {b}
            n: {a} + {b}
            v: add {a} and {b}
            v: add {b} to {a}
            v: <sum|add up> {a} and {b}
            q: <how much is|what's|calculate|evaluate> {a} + {b}<?|>
            q: what does print({a} + {b}) <print|show|output>?
            q: {name} has {a} <stickers|coins|points> and gets {b} more. How many does {name} have now?
            q: a shop sold {a} <apples|tickets|books> on Monday and {b} on Tuesday. How many in all?
        """,
        held_out="""
            n: the result of adding {a} and {b}
            v: put {a} and {b} together by addition
            q: if I have {a} marbles and somebody gives me {b} more, how many marbles is that?
            q: {a} and {b} make how much in total?
        """,
    ),
    Operation("subtract", "{a} - {b}", lambda a, b: operator.sub(a, b), two, "Subtract the numbers.",
        train="""
            n: the difference {a} - {b}
            n: {a} minus {b}
            n: {a} - {b}
            n: the result of {a} minus {b}
            v: subtract {b} from {a}
            v: take {b} away from {a}
            v: deduct {b} from {a}
            q: <how much is|what's|calculate|evaluate> {a} - {b}<?|>
            q: what is left of {a} after <subtracting|taking away> {b}?
            q: what does print({a} - {b}) <print|show|output>?
            q: {name}'s account holds {a} euros and {b} euros are paid out of it. What is the new balance?
        """,
        held_out="""
            n: {a} decreased by {b}
            v: reduce {a} by {b}
            v: start at {a} and go down by {b}
            q: a tank holds {a} litres and loses {b} of them. How many litres remain (below zero is fine)?
        """,
    ),
    Operation("multiply", "{a} * {b}", _times, lambda d: two(d, 3, 99), "Multiply the numbers.",
        train="""
            n: the product of {a} and {b}
            n: {a} times {b}
            n: {a} * {b}
            n: {a} multiplied by {b}
            v: multiply {a} by {b}
            v: multiply {a} and {b}
            v: compute {a} times {b}
            q: <how much is|what's|calculate|evaluate> {a} <*|x> {b}<?|>
            q: what does print({a} * {b}) <print|show|output>?
            q: {name} buys {a} boxes with {b} <pens|eggs|screws> each. How many are there altogether?
            q: a hall has {a} rows of {b} seats. How many seats are there?
        """,
        held_out="""
            n: the result of multiplying {a} with {b}
            v: take {a} exactly {b} times and total it
            q: there are {a} crates and each one holds {b} bottles. What's the number of bottles?
            q: {b} lots of {a} make what?
        """,
    ),
    Operation("floor_divide", "{a} // {b}", lambda a, b: (a - a % b) // b, division, "Use integer division.",
        train="""
            n: the integer quotient of {a} and {b}
            n: the whole-number part of {a} divided by {b}
            n: {a} // {b}
            n: the quotient of {a} divided by {b}, without the remainder
            v: divide {a} by {b} and <drop|ignore> the remainder
            v: divide {a} by {b} using integer division
            v: floor-divide {a} by {b}
            q: how many times does {b} fit <completely|fully|whole> into {a}?
            q: how many <full|complete> groups of {b} can be made from {a} <people|items>?
            q: what does print({a} // {b}) <print|show|output>?
            q: {name} packs {a} eggs into boxes of {b}. How many boxes become full?
        """,
        held_out="""
            n: {a} divided by {b}, rounded down to a whole number
            v: do a floor division of {a} by {b}
            q: how often can I take {b} away from {a} before it no longer goes?
            q: a rope of {a} metres is cut into pieces of {b} metres. How many whole pieces are there?
        """,
    ),
    Operation("remainder", "{a} % {b}", lambda a, b: a - a // b * b, division, "Take the remainder.",
        train="""
            n: the remainder of {a} divided by {b}
            n: the remainder when {a} is divided by {b}
            n: {a} modulo {b}
            n: {a} mod {b}
            n: {a} % {b}
            v: divide {a} by {b} and <give|keep only> the remainder
            v: reduce {a} modulo {b}
            q: what remains when you divide {a} by {b}?
            q: what is left over <when|if> {a} is split into groups of {b}?
            q: what does print({a} % {b}) <print|show|output>?
            q: {name} shares {a} sweets equally among {b} children. How many sweets are left over?
        """,
        held_out="""
            n: the rest of the division {a} by {b}
            v: work out what is left after dividing {a} into {b} equal parts
            q: after filling as many boxes of {b} as possible from {a} pieces, how many pieces are not in a box?
            q: {a} divided by {b} leaves which remainder?
        """,
    ),
    Operation("power", "{a} ** {b}", _power, power, "Raise to the power.",
        train="""
            n: {a} to the power of {b}
            n: {a} to the power {b}
            n: {a} ** {b}
            n: {a}^{b}
            n: the value of {a} raised to the power {b}
            v: raise {a} to the power of {b}
            v: raise {a} to the {b}th power
            v: compute {a} to the {b}th power
            q: what does print({a} ** {b}) <print|show|output>?
            q: what do you get <when|if> you multiply {b} copies of {a} together?
        """,
        held_out="""
            n: the {b}th power of {a}
            n: {a} with exponent {b}
            v: exponentiate: base {a}, exponent {b}
            q: {a} multiplied by itself so that it appears {b} times as a factor gives what?
        """,
    ),
    Operation("percent", "{a} * {p} // 100", lambda a, p: a // 100 * p, percentage, "Compute the percentage.",
        train="""
            n: {p}% of {a}
            n: {p} percent of {a}
            n: {p} per cent of {a}
            v: <calculate|compute|find> {p}% of {a}
            v: take {p} percent of {a}
            q: how much is {p}% of {a}?
            q: {name} pays {p}% tax on {a} euros. How much tax is that?
            q: of {a} <students|voters|seats>, {p}% are <absent|taken|new>. How many is that?
            q: a deposit of {p}% on {a} dollars: how many dollars?
        """,
        held_out="""
            n: a share of {p}% in {a}
            q: if {p} out of every 100 of {a} parts are faulty, how many faulty parts are there?
            q: what does {p} percent come to when the whole is {a}?
        """,
    ),
    Operation("average_of_three", "({a} + {b} + {c}) / 3", _mean,
        lambda d: {key: d.int(1, 100 * d.level) for key in "abc"}, "Average the three numbers.", out="float2",
        train="""
            n: the average of {a}, {b} and {c}
            n: the mean of {a}, {b} and {c}
            n: the arithmetic mean of {a}, {b}, {c}
            v: average {a}, {b} and {c}
            v: take the mean of {a}, {b} and {c}
            q: what do {a}, {b} and {c} average<| out> to?
            q: {name} scored {a}, {b} and {c}<| in three rounds>. What is the average score?
            q: three <boxes|parcels> weigh {a}, {b} and {c} kg. What is their mean weight in kg?
        """,
        held_out="""
            n: the average value over {a}, {b} and {c}
            q: on three days it rained {a}, {b} and {c} millimetres. What was the daily average?
            q: {a}, {b}, {c}: what is their arithmetic average?
        """,
    ),
    Operation("expression", "({a} + {b}) * {c} - {d}", lambda a, b, c, d: a * c + b * c - d, expression,
        "Evaluate the expression.",
        train="""
            n: ({a} + {b}) * {c} - {d}
            n: the value of ({a} + {b}) * {c} - {d}
            v: evaluate ({a} + {b}) * {c} - {d}
            v: compute ({a} + {b}) * {c} - {d}
            v: add {a} and {b}, multiply the sum by {c} and subtract {d}
            q: what does print(({a} + {b}) * {c} - {d}) <print|show|output>?
            q: take {a}, add {b}, multiply by {c}, subtract {d}. What <is the result|do you get>?
        """,
        held_out="""
            n: the result of the expression ({a} + {b}) * {c} - {d}
            v: solve ({a} + {b}) * {c} - {d}
            q: I add {b} to {a}. The sum times {c}, less {d}, is what?
        """,
    ),
    Operation("nested_expression", "{a} * {b} + {c} * {d}",
        lambda a, b, c, d: sum(x * y for x, y in ((a, b), (c, d))), expression, "Evaluate the expression.",
        train="""
            n: {a} * {b} + {c} * {d}
            n: the value of {a} * {b} + {c} * {d}
            v: evaluate {a} * {b} + {c} * {d}
            v: add the products {a} * {b} and {c} * {d}
            v: compute {a} times {b} plus {c} times {d}
            q: what does print({a} * {b} + {c} * {d}) <print|show|output>?
            q: {name} buys {a} pens at {b} cents and {c} pads at {d} cents. How many cents is that in all?
        """,
        held_out="""
            n: the result of {a} * {b} + {c} * {d}
            q: what do {a} tickets at {b} dollars and {c} tickets at {d} dollars cost together, in dollars?
            v: work out {a} x {b} and {c} x {d} and add the two
        """,
    ),
    Operation("absolute_difference", "abs({a} - {b})", lambda a, b: max(a, b) - min(a, b), two,
        "Take the absolute difference.",
        train="""
            n: the absolute difference between {a} and {b}
            n: the absolute difference of {a} and {b}
            n: the distance between {a} and {b} on the number line
            n: abs({a} - {b})
            n: the absolute value of {a} - {b}
            v: find how far apart {a} and {b} are
            q: how far apart are {a} and {b}?
            q: by how much do {a} and {b} differ?
            q: what does print(abs({a} - {b})) <print|show|output>?
        """,
        held_out="""
            n: the gap between {a} and {b}, without a sign
            v: measure the distance from {a} to {b}
            q: how big is the gap between {a} and {b}?
        """,
    ),
    Operation("ceiling_divide", "-(-{a} // {b})", lambda a, b: a // b + (a % b > 0), division, "Divide and round up.",
        train="""
            n: {a} divided by {b}, rounded up
            n: the ceiling of {a} / {b}
            v: divide {a} by {b} and round up
            v: divide {a} by {b}, rounding up to a whole number
            q: how many <boxes|bags|trips> of {b} are needed for {a} <items|people|bricks>?
            q: {a} <guests|pupils> go by bus and a bus takes {b}. How many buses are needed?
            q: {name} reads {b} pages a day. How many days does a book of {a} pages take?
        """,
        held_out="""
            n: the smallest whole number not below {a} / {b}
            q: an album page holds {b} photos. How many pages do {a} photos fill, the last one perhaps not quite?
            v: round {a} / {b} up to the next integer
        """,
    ),
)
# fmt: on
