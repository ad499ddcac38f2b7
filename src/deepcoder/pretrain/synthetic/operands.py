"""Operands: random values of each kind, how they are mentioned in English, what a program calls them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

from deepcoder.pretrain.synthetic.words import Words

Value = Any

ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
]
NUMERALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SHAPES = {"int": "int", "mid": "int", "base": "int", "clock": "int", "year": "int", "date": "date"}
WORD_KINDS = frozenset(
    ["word", "lowerword", "letterword", "cased", "mixed", "runs", "palindromic", "bits", "hexits", "equalwords"]
)
TEXT_KINDS = frozenset(("text", "repeated"))
INTS_KINDS = frozenset(("ints", "repints", "signed"))
WORDS_KINDS = frozenset(("words", "sameprefix"))
VARIABLES = {
    "word": ["word", "text", "s", "name", "string", "value", "term", "label"],
    "text": ["text", "sentence", "line", "phrase", "s", "message"],
    "ints": ["numbers", "nums", "values", "data", "items", "xs", "row"],
    "words": ["words", "items", "entries", "names", "strings", "terms"],
    "int": ["number", "value", "x", "num", "total"],
    "date": ["day", "when", "first", "start_day"],
    "y": ["other", "second", "another"],
    "n": ["n", "count", "size", "step", "limit"],
    "c": ["letter", "char"],
    "d": ["other", "new", "substitute"],
    "w": ["target", "wanted"],
    "v": ["target", "wanted"],
    "m": ["modulus", "m"],
    "k": ["k", "chosen"],
    "a": ["start", "low", "first"],
    "b": ["stop", "high", "last"],
}


@cache
def shape(kind: str) -> str:
    """The coarse type of a kind: word, text, ints, words, int or date."""
    if kind in WORD_KINDS:
        return "word"
    if kind in TEXT_KINDS:
        return "text"
    if kind in INTS_KINDS:
        return "ints"
    if kind in WORDS_KINDS:
        return "words"
    return SHAPES.get(kind, kind)


def _numbers(rng: Random, low: int, high: int) -> list[int]:
    return [rng.randint(low, high) for _ in range(rng.randint(3, 9))]


def _integer(rng: Random) -> int:
    return rng.randint(2, 10 ** rng.choice((1, 2, 2, 3, 3, 4, 5, 7)))


def operand(kind: str, rng: Random, words: Words) -> dict[str, Value]:
    """Values for the names that an operand of this kind binds; x where it is the subject."""
    match kind:
        case "word" | "lowerword":
            return {"x": words.word(rng)}
        case "letterword":
            return {"x": rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ")}
        case "cased":
            return {"x": words.cased(rng)}
        case "mixed":
            return {"x": words.mixed(rng)}
        case "runs":
            return {"x": words.runs(rng)}
        case "palindromic":
            word = words.word(rng)
            return {"x": rng.choice((word, word[:4] + word[:4][::-1], word[:3] + word[:4][::-1]))}
        case "bits":
            return {"x": f"{rng.randint(2, 1023):b}"}
        case "hexits":
            return {"x": f"{rng.randint(10, 65535):x}"}
        case "equalwords":
            first = words.word(rng)
            return {"x": first, "y": "".join(c if rng.random() < 0.6 else rng.choice("aeinorst") for c in first)}
        case "text":
            return {"x": words.sentence(rng)}
        case "repeated":
            pool = words.several(rng, 3, 4)
            row = [*pool, *(rng.choice(pool) for _ in range(rng.randint(2, 5)))]
            rng.shuffle(row)
            return {"x": " ".join(row), "w": rng.choice(row)}
        case "words":
            row = words.several(rng)
            return {"x": row, "w": rng.choice(row)}
        case "sameprefix":
            start = words.word(rng)[: rng.randint(2, 6)]
            return {"x": [start + words.word(rng)[: rng.randint(1, 5)] for _ in range(rng.randint(3, 5))]}
        case "ints":
            numbers = _numbers(rng, *rng.choice(((0, 9), (1, 20), (1, 99), (10, 999), (1, 5000))))
            return {"x": numbers, "v": rng.choice(numbers)}
        case "repints":
            numbers = _numbers(rng, 1, rng.choice((4, 6, 9)))
            return {"x": numbers, "v": rng.choice(numbers)}
        case "signed":
            return {"x": _numbers(rng, -50, 50)}
        case "int":
            return {"x": _integer(rng)}
        case "mid":
            return {"x": rng.randint(2, rng.choice((12, 60, 200)))}
        case "base":
            return {"x": rng.randint(2, rng.choice((12, 40)))}
        case "clock":
            return {"x": rng.randint(60, 86399)}
        case "year":
            return {"x": rng.choice((rng.randint(1580, 2400), 4 * rng.randint(395, 600), 100 * rng.randint(16, 24)))}
        case "date":
            return {"x": str(date(1900, 1, 1) + timedelta(days=rng.randint(0, 70000)))}
        case "choose":
            n = rng.randint(3, 20)
            return {"n": n, "k": rng.randint(2, min(n, 6))}
        case "interval":
            low = rng.randint(1, 60)
            return {"a": low, "b": low + rng.randint(3, 20)}
        case _:
            raise KeyError(kind)


def parameter(kind: str, subject: Value, rng: Random) -> dict[str, Value]:
    """Values for the names that a parameter binds, chosen to suit the subject."""
    match kind:
        case "n":
            return {"n": rng.randint(2, min(12, max(2, len(subject) - 1)) if hasattr(subject, "__len__") else 12)}
        case "small":
            return {"n": rng.randint(2, 12)}
        case "k":
            top = max([v for v in subject if isinstance(v, int)], default=20) if isinstance(subject, list) else 99
            return {
                "n": rng.choice((rng.choice(subject), rng.randint(0, max(2, top)))) if isinstance(subject, list) else 3
            }
        case "letter":
            pool = [c for c in str(subject) if c.isalpha()] or ["a"]
            return {"c": rng.choice(pool) if rng.random() < 0.8 else rng.choice("abcdefghijklmnopqrstuvwxyz")}
        case "otherletter":
            return {"d": rng.choice("abcdefghijklmnopqrstuvwxyz*#_")}
        case "width":
            return {"n": len(str(subject)) + rng.randint(1, 8)}
        case "modulus":
            return {"m": rng.randint(3, 99)}
        case "terms":
            return {"m": rng.randint(3, 10)}
        case _:
            return {}


def _listed(row: list[str], rng: Random) -> str:
    return rng.choice((", ".join(row), ", ".join(row[:-1]) + " and " + row[-1] if len(row) > 1 else row[0]))


def mention(kind: str, value: Value, rng: Random) -> str:
    """A value in English, such as: the word 'tiger'; the numbers 3, 1 and 4; [3, 1, 4]."""
    match shape(kind):
        case "word":
            quoted = rng.choice((f"'{value}'", f'"{value}"', f"'{value}'", f'"{value}"', f"`{value}`"))
            return rng.choice(
                (quoted, quoted, f"the word {quoted}", f"the string {quoted}", str(value), f"the word {value}")
            )
        case "text":
            quoted = rng.choice((f"'{value}'", f'"{value}"', f'"{value}"'))
            return rng.choice((quoted, quoted, f"the sentence {quoted}", f"the text {quoted}", f"the phrase {quoted}"))
        case "ints":
            plain = _listed([str(v) for v in value], rng)
            return rng.choice(
                (str(value), str(value), f"the list {value}", f"the numbers {plain}", plain, f"the values {plain}")
            )
        case "words":
            plain = _listed(value, rng)
            return rng.choice(
                (str(value), str(value), f"the list {value}", f"the words {plain}", f"the words {value}", plain)
            )
        case "int":
            return rng.choice((str(value), str(value), str(value), f"the number {value}"))
        case _:
            return str(value)


REFERENCES = {
    "word": ["it", "this word", "the word", "that word", "this string", "the string"],
    "text": ["it", "this sentence", "the sentence", "this text", "the text", "this line"],
    "ints": ["it", "this list", "the list", "these numbers", "the numbers", "these values"],
    "words": ["it", "this list", "the list", "these words", "the words"],
    "int": ["it", "this number", "the number", "that number"],
    "date": ["it", "this date", "that day"],
}


def slot_texts(
    values: dict[str, Value], kinds: tuple[str, ...], rng: Random, subject: str | None = None
) -> dict[str, str]:
    """The wording of each operand; `subject` replaces x (a noun phrase, or `it`)."""
    texts: dict[str, str] = {}
    for name, value in values.items():
        if name == "x":
            texts["x"] = subject if subject is not None else mention(kinds[0], value, rng)
        elif name == "y":
            texts["y"] = mention(kinds[-1], value, rng)
        elif name in "cdw":
            texts[name] = rng.choice((f"'{value}'", f'"{value}"', f"'{value}'", str(value)))
        elif name == "n" and isinstance(value, int) and 0 < value < len(NUMERALS) and rng.random() < 0.25:
            texts["n"] = NUMERALS[value]
        else:
            texts[name] = str(value)
    if isinstance(values.get("n"), int):
        n = values["n"]
        suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
        texts["nth"] = ORDINALS[n] if 0 <= n < len(ORDINALS) and rng.random() < 0.6 else f"{n}{suffix}"
    return texts
