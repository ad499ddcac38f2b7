"""Bits and logic: masks, shifts, truth values."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("and", "{a} & {b}", lambda a, b: _bitwise(a, b, (2,)), two, "Use bitwise and.",
        train="""
            n: {a} & {b}
            n: the bitwise <and|AND> of {a} and {b}
            n: {a} AND {b} (bitwise)
            v: compute the bitwise <and|AND> of {a} and {b}
            v: combine {a} and {b} with a bitwise AND
            v: apply the & operator to {a} and {b}
            q: what does print({a} & {b}) <print|show|output>?
            q: what is {a} & {b}?
        """, held_out="""
            q: which number has exactly the one-bits that {a} and {b} share?
            v: mask {a} with {b}
        """),
    Operation("or", "{a} | {b}", lambda a, b: _bitwise(a, b, (1, 2)), two, "Use bitwise or.",
        train="""
            n: {a} | {b}
            n: the bitwise <or|OR> of {a} and {b}
            n: {a} OR {b} (bitwise)
            v: compute the bitwise <or|OR> of {a} and {b}
            v: combine {a} and {b} with a bitwise OR
            v: apply the | operator to {a} and {b}
            q: what does print({a} | {b}) print?
        """, held_out="""
            q: which number has a one-bit wherever {a} or {b} has one?
            v: set in {a} all the bits that {b} has
        """),
    Operation("xor", "{a} ^ {b}", lambda a, b: _bitwise(a, b, (1,)), two, "Use bitwise xor.",
        train="""
            n: {a} XOR {b}
            n: the bitwise <xor|XOR|exclusive or> of {a} and {b}
            n: {a} xor {b}
            v: compute the <xor|XOR> of {a} and {b}
            v: combine {a} and {b} with a bitwise XOR
            v: xor {a} with {b}
            v: apply the ^ operator of Python to {a} and {b}
            q: what does print({a} ^ {b}) <print|show|output>?
        """, held_out="""
            q: which number has a one-bit just where {a} and {b} differ?
            v: flip in {a} the bits that {b} has
        """),
    Operation("left_shift", "{a} << {k}", lambda a, k: a * 2**k, shift, "Shift to the left.",
        train="""
            n: {a} << {k}
            n: {a} shifted left by {k} <bits|places>
            n: the left shift of {a} by {k} bits
            v: shift {a} left by {k} <bits|places|bit positions>
            v: shift the bits of {a} {k} places to the left
            q: what does print({a} << {k}) print?
        """, held_out="""
            q: {k} zero bits are put behind the binary form of {a}. Which number is that?
            v: move the bits of {a} up by {k} positions
        """),
    Operation("right_shift", "{a} >> {k}", lambda a, k: a // 2**k, shift, "Shift to the right.",
        train="""
            n: {a} >> {k}
            n: {a} shifted right by {k} <bits|places>
            n: the right shift of {a} by {k} bits
            v: shift {a} right by {k} <bits|places|bit positions>
            v: shift the bits of {a} {k} places to the right
            q: what does print({a} >> {k}) print?
        """, held_out="""
            q: the last {k} bits of {a} are cut off. Which number is left?
            v: move the bits of {a} down by {k} positions
        """),
    Operation("bit_length", "({n}).bit_length()", lambda n: len(f"{n:b}"), one, "Use bit_length.", main="n",
        before="", gives="int",
        train="""
            n: the bit length of {n}
            n: the number of bits needed <for|to write> {n} in binary
            n: the number of binary digits of {n}
            v: find the bit length of {n}
            v: compute how many bits {n} needs
            q: how many bits <does {n} have|are needed for {n}> in binary?
            q: what is ({n}).bit_length()?
        """, held_out="""
            q: written with zeros and ones, how many places does {n} take?
            v: tell how wide a register must be, in bits, to hold {n}
        """),
    Operation("get_bit", "{a} >> {k} & 1", lambda a, k: int(f"{a:032b}"[31 - k]), bit, "Shift and mask.",
        train="""
            n: bit {k} of {a} (bit 0 is the lowest)
            n: the value (0 or 1) of bit {k} of {a}, counting from the least significant bit 0
            v: extract bit {k} of {a}, where bit 0 is the least significant
            v: get bit number {k} of {a} (0 is the lowest bit)
            q: what is bit {k} of {a}, bit 0 being the lowest: 0 or 1?
            q: what is {a} >> {k} & 1?
        """, held_out="""
            q: in {a}, does the position worth 2 to the power {k} hold 0 or 1?
            v: read the binary digit of {a} at place {k}, the rightmost having place 0
        """),
    Operation("set_bit", "{a} | 1 << {k}", lambda a, k: a if a // 2**k % 2 else a + 2**k, bit, "Set the bit with or.",
        train="""
            n: {a} with bit {k} set to 1 (bit 0 is the lowest)
            v: set bit {k} of {a} to 1 (bit 0 is the lowest)
            v: switch on bit {k} in {a}, counting from bit 0
            q: what is {a} after setting bit {k} (bit 0 is the least significant)?
            q: what is {a} | (1 << {k})?
        """, held_out="""
            v: make sure that {a} has a 1 at the binary place {k}, the rightmost having place 0
            q: place {k} of {a} in binary (rightmost: 0) becomes 1. Which number comes out?
        """),
    Operation("power_of_two", "{n} & ({n} - 1) == 0", lambda n: n in [2**i for i in range(25)], maybe_power,
        "Use n & (n - 1).", main="n", out="bool",
        train="""
            q: is {n} a power of <two|2>?
            v: check <whether|if> {n} is a power of <two|2>
            v: test <whether|if> {n} is a power of two
            v: determine <whether|if> {n} is a power of 2
            q: does {n} have exactly one 1 bit?
            q: is {n} equal to 2 ** k for some k?
        """, held_out="""
            q: can {n} be halved again and again until exactly 1 is left?
            v: find out whether doubling 1 often enough gives {n}
        """),
    Operation("truth", "{p} and not {q} or {r}", lambda p, q, r: r if r else (p if not q else False), truth,
        "Evaluate the expression.", out="bool",
        train="""
            n: the value of {p} and not {q} or {r}
            n: {p} and not {q} or {r}
            v: evaluate {p} and not {q} or {r}
            v: evaluate the Python expression {p} and not {q} or {r}
            q: what does Python print for print({p} and not {q} or {r})?
        """, held_out="""
            q: what truth value has ({p} and not {q}) or {r}?
            v: simplify {p} and not {q} or {r} to one truth value
        """),
    Operation("between", "{a} <= {n} <= {b}", lambda n, a, b: n in range(a, b + 1), interval,
        "Compare with both ends.", out="bool",
        train="""
            q: is {n} between {a} and {b} (inclusive)?
            q: does {n} lie in the interval from {a} to {b}?
            q: what is {a} <= {n} <= {b}?
            v: check <whether|if> {n} is between {a} and {b}, both included
            v: test whether {a} <= {n} <= {b} holds
            v: determine whether {n} is at least {a} and at most {b}
        """, held_out="""
            q: is {n} no smaller than {a} and no larger than {b}?
            v: find out whether {n} stays within the bounds {a} and {b}
        """),
    Operation("hamming", "bin({a} ^ {b}).count('1')", lambda a, b: _bitwise(a, b, (1,)).bit_count(), two,
        "Count the differing bits.", gives="int",
        train="""
            n: the Hamming distance between {a} and {b}
            n: the number of bits in which {a} and {b} differ
            v: count the bits in which {a} and {b} differ
            v: compute the Hamming distance of {a} and {b} in binary
            q: in how many bits do {a} and {b} differ?
            q: how many bits are different in {a} and {b}?
        """, held_out="""
            q: how many bits must be flipped to turn {a} into {b}?
            v: compare {a} and {b} bit by bit and tell how many places disagree
        """),
)
# fmt: on
