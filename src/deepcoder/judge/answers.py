"""Comparing a short answer with the expected one.

Formatting is forgiven only where it cannot change what is meant. In order:

1. What models wrap answers in is taken off both sides: surrounding blanks, one ``` fence, `backticks`,
   **bold**, $ and \\boxed{}, and one pair of quotes around the whole.
2. Equal text (line by line, blanks at the ends of lines aside) is equal. Upper and lower case matter.
3. Numbers are compared by value. An expected integer is exact: 12, 12.0, +12 and 1.2e1 are 12, and so
   is 1,200 for 1200 (commas in groups of three); 12.0000001 is not. An expected number with a decimal
   point or exponent is met within REL_TOL of its value or ABS_TOL, whichever is larger. nan is nan.
4. Lists, tuples, sets and dicts are read in Python's or JSON's spelling, with or without spaces, with
   either quotes or none around words, a list's or tuple's brackets left away if it has commas; items
   are compared by these same rules, sets and dicts without order. [1, 2] and (1, 2) are the same
   sequence; a set is not a list.
5. True, true and TRUE are one, as are None, none and null; neither equals a number: True is not 1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

REL_TOL = 1e-6
ABS_TOL = 1e-9
MAX_CHARS = 100_000
_MAX_DEPTH = 50

_NUMBER = re.compile(r"[+-]?(\d+(_\d+)*\.?\d*|\.\d+)(e[+-]?\d{1,4})?|[+-]?(inf|infinity)|nan", re.I | re.A)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.A)
_FENCE = re.compile(r"(`{3,})\w*\n(.*?)\n?\1", re.S)
_WRAPPINGS = (("**", "**"), ("`", "`"), ("$", "$"), ("\\boxed{", "}"), ("\\(", "\\)"))


def same_answer(expected: str, answer: str) -> bool:
    """Whether `answer` says the same as `expected`, by the rules above."""
    if len(answer) > MAX_CHARS:
        return False
    left, right = _unwrap(expected), _unwrap(answer)
    if _lines(left) == _lines(right) or _lines(_unquote(left)) == _lines(_unquote(right)):
        return True
    wanted, given = _number(left), _number(right)
    if wanted is not None:
        given = given if given is not None else _grouped(right)
        return given is not None and _same_number(wanted, given)
    try:
        return _same(_read(left), _read(right))
    except _Unreadable:
        return False


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _unwrap(text: str) -> str:
    text = text.strip()
    while True:
        before = text
        if (match := _FENCE.fullmatch(text)) is not None:
            text = match.group(2).strip()
        for start, end in _WRAPPINGS:
            inner = text[len(start) : -len(end)]
            if text.startswith(start) and text.endswith(end) and len(text) > len(start) + len(end) and end not in inner:
                text = inner.strip()
        if text == before:
            return text


def _unquote(text: str) -> str:
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]
    return text[1:-1] if quoted else text


# --- numbers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Number:
    value: Decimal
    exact: bool


def _number(text: str) -> _Number | None:
    if len(text) > 20_000 or _NUMBER.fullmatch(text) is None:
        return None
    try:
        value = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return None
    return _Number(value, exact=re.fullmatch(r"[+-]?[\d_]+", text) is not None)


def _grouped(text: str) -> _Number | None:
    return _number(text.replace(",", "")) if _GROUPED.fullmatch(text) else None


def _same_number(expected: _Number, given: _Number) -> bool:
    left, right = expected.value, given.value
    if left.is_nan() or right.is_nan():
        return left.is_nan() and right.is_nan()
    if expected.exact or left.is_infinite() or right.is_infinite():
        return left == right
    return math.isclose(float(left), float(right), rel_tol=REL_TOL, abs_tol=ABS_TOL)


# --- structures ---------------------------------------------------------------------------------


class _Unreadable(ValueError):
    """Not a list, tuple, set, dict, number or word."""


@dataclass(frozen=True)
class _Word:
    """Text; `bare` where it stood without quotes."""

    text: str
    bare: bool


@dataclass(frozen=True)
class _Group:
    """Items of a sequence, a set, or (key, value) pairs of a dict; `kind` is one of "[", "{", ":"."""

    kind: str
    items: tuple[Any, ...]


def _read(text: str) -> _Word | _Number | _Group:
    reader = _Reader(text)
    value = reader.items("")
    if reader.position != len(text):
        raise _Unreadable
    if len(value) == 1 and not reader.comma:
        only: _Word | _Number | _Group = value[0]
        return only
    return _Group("[", tuple(value))


_CLOSING = {"[": "]", "(": ")", "{": "}"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "/": "/", "b": "\b", "f": "\f"}
_WORD = re.compile(r"[^\[\](){}:,'\"\n]+")


class _Reader:
    """Recursive descent over Python's and JSON's spelling of data, words without quotes allowed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0
        self.comma = False

    def items(self, closing: str) -> list[Any]:
        """Values up to `closing`, or to the end of the text for ""."""
        found: list[Any] = []
        self.comma = False
        while True:
            self._blanks()
            if self._peek() == closing:
                return found
            value: Any = self._value()
            self._blanks()
            if self._peek() == ":" and closing == "}":
                self.position += 1
                self._blanks()
                value = (value, self._value())
                self._blanks()
            found.append(value)
            if self._peek() == ",":
                self.position += 1
                self.comma = True
            elif self._peek() != closing:
                raise _Unreadable

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _blanks(self) -> None:
        while self._peek().isspace():
            self.position += 1

    def _value(self) -> _Word | _Number | _Group:
        start = self._peek()
        if start in _CLOSING and start:
            return self._group(start)
        if start in ("'", '"') and start:
            return self._quoted(start)
        match = _WORD.match(self.text, self.position)
        if match is None:
            raise _Unreadable
        self.position = match.end()
        word = match.group().strip()
        if word == "set" and self.text.startswith("()", self.position):  # Python's empty set
            self.position += 2
            return _Group("{", ())
        return _number(word) or _Word(word, bare=True)

    def _group(self, start: str) -> _Word | _Number | _Group:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _Unreadable
        self.position += 1
        items = self.items(_CLOSING[start])
        self.position += 1
        self.depth -= 1
        comma, self.comma = self.comma, False
        if start != "{":
            if start == "(" and len(items) == 1 and not comma:
                only: _Word | _Number | _Group = items[0]  # (1) is 1; (1,) is a tuple
                return only
            return _Group("[", tuple(items))
        pairs = [isinstance(item, tuple) for item in items]
        if any(pairs) and not all(pairs):
            raise _Unreadable
        return _Group(":" if all(pairs) else "{", tuple(items))

    def _quoted(self, quote: str) -> _Word:
        self.position += 1
        out: list[str] = []
        while (character := self._peek()) != quote:
            if not character:
                raise _Unreadable
            self.position += 1
            if character == "\\":
                character = self._escape()
            out.append(character)
        self.position += 1
        return _Word("".join(out), bare=False)

    def _escape(self) -> str:
        letter = self._peek()
        self.position += 1
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        digits = {"x": 2, "u": 4, "U": 8}.get(letter, 0)
        code = self.text[self.position : self.position + digits]
        if not digits or re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", code) is None or int(code, 16) > 0x10FFFF:
            return "\\" + letter
        self.position += digits
        return chr(int(code, 16))


_CONSTANTS = {"true": "True", "false": "False", "none": "None", "null": "None"}


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, _Number) and isinstance(right, _Number):
        return _same_number(left, right)
    if isinstance(left, _Word) and isinstance(right, _Word):
        constants = [_CONSTANTS.get(word.text.lower()) if word.bare else None for word in (left, right)]
        return left.text == right.text or (constants[0] is not None and constants[0] == constants[1])
    if isinstance(left, _Group) and isinstance(right, _Group) and len(left.items) == len(right.items):
        if left.kind == right.kind == "[":
            return all(_same(*pair) for pair in zip(left.items, right.items, strict=True))
        empty = not left.items and {left.kind, right.kind} <= {"{", ":"}
        return empty or (left.kind == right.kind and _same_unordered(list(left.items), list(right.items)))
    if isinstance(left, tuple) and isinstance(right, tuple):
        return all(_same(*pair) for pair in zip(left, right, strict=True))
    return False


def _same_unordered(left: list[Any], right: list[Any]) -> bool:
    for item in left:
        match = next((index for index, other in enumerate(right) if _same(item, other)), None)
        if match is None:
            return False
        right.pop(match)
    return True
