"""Base conversion: binary, octal, hexadecimal, other bases, Roman numerals, character codes."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

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
OPERATIONS = of_family(NAME, (
    Operation("to_binary", "bin({n})[2:]", lambda n: to_base(n, 2), number, "Convert to binary.", main="n",
        takes="int"),
    Operation("from_binary", "int({s}, 2)", lambda s: from_base(s, 2), binary, "Parse as base 2.", gives="int"),
    Operation("to_hex", "hex({n})[2:]", lambda n: to_base(n, 16), number, "Convert to hexadecimal.", main="n",
        takes="int"),
    Operation("from_hex", "int({s}, 16)", lambda s: from_base(s, 16), hexadecimal, "Parse as base 16.", gives="int"),
    Operation("to_octal", "oct({n})[2:]", lambda n: to_base(n, 8), number, "Convert to octal.", main="n", takes="int"),
    Operation("from_octal", "int({s}, 8)", lambda s: from_base(s, 8), lambda d: {"s": to_base(d.int(20, 4000), 8)},
        "Parse as base 8.", gives="int"),
    Operation("from_base", "int({s}, {b})", from_base, numeral_with_base, "Parse in the base.", gives="int"),
    Operation("to_base", "s", to_base, with_base, "Divide repeatedly.",
        before="n, s = {n}, ''\nwhile n:\n    s = str(n % {b}) + s\n    n //= {b}", main="n"),
    Operation("to_roman", "s", to_roman, lambda d: {"n": d.int(4, 3000)}, "Build the Roman numeral.", main="n",
        before=TO_ROMAN),
    Operation("from_roman", "t", _from_roman, lambda d: {"s": to_roman(d.int(4, 3000))},
        "Add or subtract each symbol.", before=FROM_ROMAN, gives="int"),
    Operation("ord", "ord({s})", lambda s: [chr(i) for i in range(128)].index(s),
        lambda d: {"s": d.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")}, "Use ord."),
    Operation("code_list", "[ord(c) for c in {s}]", lambda s: list(s.encode()), lambda d: {"s": d.plain_word()[:6]},
        "Use ord on each character.", out="list", main="s", takes="text"),
    Operation("ones_in_binary", "bin({n}).count('1')", lambda n: sum(int(c) for c in to_base(n, 2)), number,
        "Count the ones in binary.", main="n", takes="int", gives="int"),
))
