"""Base conversion: binary, octal, hexadecimal, other bases, Roman numerals, character codes."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "base_conversion"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
         (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip

TO_ROMAN = """
n, s = {n}, ''
for v, c in zip([1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1], 'M CM D CD C XC L XL X IX V IV I'.split()):
    s += c * (n // v)
    n %= v
"""
FROM_ROMAN = """
v = {'I': 1, 'V': 5, 'X': 10, 'L': 50, 'C': 100, 'D': 500, 'M': 1000}
s, t = {s}, 0
for a, b in zip(s, s[1:] + 'I'):
    t += v[a] if v[a] >= v[b] else -v[a]
"""


def number(draw: Draw) -> Values:
    """A number, larger with the level."""
    return {"n": draw.int(9, 10 ** (1 + draw.level))}


def binary(draw: Draw) -> Values:
    """A binary numeral."""
    return {"s": to_base(draw.int(9, 10 ** (1 + draw.level)), 2)}


def hexadecimal(draw: Draw) -> Values:
    """A hexadecimal numeral."""
    return {"s": to_base(draw.int(30, 16 ** (1 + draw.level)), 16)}


def with_base(draw: Draw) -> Values:
    """A number and a base."""
    return {"n": draw.int(20, 2000), "b": draw.choice((3, 4, 5, 6, 7, 9))}


def numeral_with_base(draw: Draw) -> Values:
    """A numeral and its base."""
    b = draw.choice((3, 4, 5, 6, 7, 9, 11, 12))
    return {"s": to_base(draw.int(20, 2000), b), "b": b}


def to_base(n: int, b: int) -> str:
    """The numeral of n in base b."""
    text = ""
    while n:
        n, digit = divmod(n, b)
        text = DIGITS[digit] + text
    return text or "0"


def from_base(s: str, b: int) -> int:
    """The value of a numeral."""
    value = 0
    for c in s.lower():
        value = value * b + DIGITS.index(c)
    return value


def to_roman(n: int) -> str:
    """The Roman numeral of n."""
    text = ""
    for value, symbol in ROMAN:
        while n >= value:
            text += symbol
            n -= value
    return text


def _from_roman(s: str) -> int:
    value = 0
    for number, symbol in ROMAN:
        while s.startswith(symbol):
            value, s = value + number, s[len(symbol) :]
    return value


# fmt: off
OPERATIONS = (
    Operation("to_binary", "bin({n})[2:]", lambda n: to_base(n, 2), number, "Convert to binary.", main="n",
        takes="int",
        train="""
            n: {n} in <binary|base 2>
            n: the binary <representation|form> of {n}<|, without a prefix>
            n: {n} <written|expressed> in binary
            v: convert {n} to <binary|base 2>
            v: write {n} in <binary|base 2>
            v: express {n} <in binary|as a binary number>
            q: what is {n} in binary<| (without 0b)>?
            q: how do you write {n} in <binary|base two>?
        """, held_out="""
            n: {n} as zeros and ones
            q: which bits, from the highest one down, make up {n}?
            v: turn {n} into a base-two numeral
        """),
    Operation("from_binary", "int({s}, 2)", lambda s: from_base(s, 2), binary, "Parse as base 2.", gives="int",
        train="""
            n: the decimal value of the binary number {s}
            n: binary {s} in decimal
            n: the binary number {s} in <decimal|base 10>
            v: convert binary {s} to decimal
            v: convert the binary number {s} to <decimal|base 10>
            v: read {s} as a binary number and give it in decimal
            q: what is binary {s} in decimal?
            q: <which|what> decimal number is {s} in binary?
            q: what is int({s!r}, 2)?
        """, held_out="""
            q: the bits {s} stand for which number?
            v: translate the base-two numeral {s} into an ordinary number
            q: what is the bit string {s} worth?
        """),
    Operation("to_hex", "hex({n})[2:]", lambda n: to_base(n, 16), number, "Convert to hexadecimal.", main="n",
        takes="int",
        train="""
            n: {n} in <hexadecimal|hex|base 16><|, lower case, without a prefix>
            n: the hexadecimal <representation|form> of {n}<| (lower case)>
            v: convert {n} to <hexadecimal|hex|base 16>
            v: write {n} in <hexadecimal|hex>
            v: express {n} in <hexadecimal|base 16>
            q: what is {n} in <hexadecimal|hex><| (without 0x)>?
            q: how do you write {n} in <hexadecimal|hex>?
        """, held_out="""
            n: {n} as a base-sixteen numeral with small letters
            q: which hex digits make up {n}?
            v: turn {n} into a number of base sixteen
        """),
    Operation("from_hex", "int({s}, 16)", lambda s: from_base(s, 16), hexadecimal, "Parse as base 16.", gives="int",
        train="""
            n: the decimal value of the <hexadecimal|hex> number {s}
            n: <hexadecimal|hex> {s} in decimal
            v: convert <hexadecimal|hex> {s} to decimal
            v: convert the <hexadecimal|hex> number {s} to <decimal|base 10>
            v: read {s} as a hexadecimal number and give it in decimal
            q: what is <hexadecimal|hex> {s} in decimal?
            q: <which|what> decimal number is {s} in hexadecimal?
            q: what is int({s!r}, 16)?
        """, held_out="""
            q: the hex digits {s} stand for which number?
            v: translate the base-sixteen numeral {s} into an ordinary number
        """),
    Operation("to_octal", "oct({n})[2:]", lambda n: to_base(n, 8), number, "Convert to octal.", main="n", takes="int",
        train="""
            n: {n} in <octal|base 8>
            n: the octal <representation|form> of {n}<|, without a prefix>
            v: convert {n} to <octal|base 8>
            v: write {n} in <octal|base 8>
            v: express {n} in octal
            q: what is {n} in <octal|base 8><| (without 0o)>?
        """, held_out="""
            n: {n} as a base-eight numeral
            q: which octal digits make up {n}?
            v: turn {n} into a number of base eight
        """),
    Operation("from_octal", "int({s}, 8)", lambda s: from_base(s, 8), lambda d: {"s": to_base(d.int(20, 4000), 8)},
        "Parse as base 8.", gives="int",
        train="""
            n: the decimal value of the octal number {s}
            n: octal {s} in decimal
            v: convert octal {s} to decimal
            v: convert the octal number {s} to <decimal|base 10>
            v: read {s} as an octal number and give it in decimal
            q: what is octal {s} in decimal?
            q: what is int({s!r}, 8)?
        """, held_out="""
            q: the octal digits {s} stand for which number?
            v: translate the base-eight numeral {s} into an ordinary number
        """),
    Operation("from_base", "int({s}, {b})", from_base, numeral_with_base, "Parse in the base.", gives="int",
        train="""
            n: the decimal value of {s} in base {b}
            n: the base {b} number {s} in decimal
            v: convert {s} from base {b} to <decimal|base 10>
            v: convert the base {b} number {s} to <decimal|base 10>
            v: read {s} as a number in base {b} and give it in decimal
            q: what is the base-{b} number {s} in decimal?
            q: what is int({s!r}, {b})?
        """, held_out="""
            q: if {s} is written in base {b}, which ordinary number is it?
            v: translate {s}, a base-{b} numeral, to decimal
        """),
    Operation("to_base", "s", to_base, with_base, "Divide repeatedly.",
        before="n, s = {n}, ''\nwhile n:\n    s = str(n % {b}) + s\n    n //= {b}", main="n",
        train="""
            n: {n} in base {b}
            n: the base {b} representation of {n}
            v: convert {n} to base {b}
            v: write {n} in base {b}
            v: express {n} in base {b}
            q: what is {n} in base {b}?
            q: how is {n} written in base {b}?
        """, held_out="""
            n: {n} as a numeral of base {b}
            q: which digits has {n} when the base is {b} instead of ten?
        """),
    Operation("to_roman", "s", to_roman, lambda d: {"n": d.int(4, 3000)}, "Build the Roman numeral.", main="n",
        before=TO_ROMAN,
        train="""
            n: {n} as a Roman numeral
            n: {n} in Roman numerals
            n: the Roman numeral for {n}
            v: convert {n} to <a Roman numeral|Roman numerals>
            v: write {n} <as a Roman numeral|in Roman numerals>
            q: what is {n} in Roman numerals?
            q: how do you write {n} in Roman numerals?
        """, held_out="""
            q: how would an ancient Roman have carved {n}?
            v: render {n} with the letters M, D, C, L, X, V and I
        """),
    Operation("from_roman", "t", _from_roman, lambda d: {"s": to_roman(d.int(4, 3000))},
        "Add or subtract each symbol.", before=FROM_ROMAN, gives="int",
        train="""
            n: the value of the Roman numeral {s}
            n: the Roman numeral {s} as a number
            v: convert the Roman numeral {s} to <a number|an integer|decimal>
            v: read the Roman numeral {s}
            q: what <number|integer> is the Roman numeral {s}?
            q: which number does the Roman numeral {s} stand for?
        """, held_out="""
            q: a stone has {s} carved on it in Roman numerals. Which number is that?
            v: decode the Roman number {s}
        """),
    Operation("ord", "ord({s})", lambda s: [chr(i) for i in range(128)].index(s),
        lambda d: {"s": d.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")}, "Use ord.",
        train="""
            n: the <ASCII|Unicode> code of <the character |>{s}
            n: the <ASCII value|code point> of <the character |>{s}
            n: ord({s!r})
            v: find the <ASCII|character> code of {s}
            q: what is ord({s!r})?
            q: which <ASCII|character> code does {s} have?
        """, held_out="""
            q: what number is the character {s} in the ASCII table?
            v: look at {s} as a code point number
        """),
    Operation("code_list", "[ord(c) for c in {s}]", lambda s: list(s.encode()), lambda d: {"s": d.plain_word()[:6]},
        "Use ord on each character.", out="list", main="s", takes="text",
        train="""
            p: the <ASCII|character> codes of <the characters in |>{s}
            p: the code points of the characters in {s}
            v: list the ASCII <codes|values> of the characters in {s}
            v: convert each character of {s} to its <ASCII|character> code
            q: what are the <ASCII|character> codes of the letters in {s}?
            q: what is [ord(c) for c in {s!r}]?
        """, held_out="""
            v: give the ASCII number for each letter of {s}, in order
            q: which code numbers stand behind the characters of {s}?
        """),
    Operation("ones_in_binary", "bin({n}).count('1')", lambda n: sum(int(c) for c in to_base(n, 2)), number,
        "Count the ones in binary.", main="n", takes="int", gives="int",
        train="""
            n: the number of <ones|1s|1 bits> in the binary <representation|form> of {n}
            n: the number of set bits in {n}
            v: count the <ones|1s|1 bits> in the binary <representation|form> of {n}
            v: count the set bits <in|of> {n}
            q: how many <ones|1s|set bits> does {n} have in binary?
            q: how many 1 bits are in {n}?
        """, held_out="""
            n: the population count of {n}
            q: writing {n} with zeros and ones takes how many ones?
        """),
)
# fmt: on
