"""Strings: reversing, case, picking, counting, replacing, joining."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "strings"


def text(draw: Draw) -> Values:
    """A word or a short text."""
    return {"s": draw.text()}


def word(draw: Draw) -> Values:
    """One word."""
    return {"s": draw.word()}


def word_and_count(draw: Draw) -> Values:
    """A word and a number below its length."""
    s = draw.word()
    return {"s": s, "k": draw.small(2, len(s) - 1)}


def replacement(draw: Draw) -> Values:
    """A word, a letter of it and another letter."""
    s = draw.plain_word() if draw.chance(0.7) else draw.sentence()
    c = draw.choice([c for c in s if c.isalpha() and c.islower()])
    return {"s": s, "c": c, "e": draw.choice([x for x in "abcdefghijklmnopqrstuvwxyz" if x != c])}


def two_words(draw: Draw) -> Values:
    """Two different words."""
    s, t = draw.words(2, 2)
    return {"s": s, "t": t}


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("reverse", "{s}[::-1]", lambda s: "".join(reversed(s)), text, "Reverse the string.", main="s",
        takes="text", gives="text"),
    Operation("upper", "{s}.upper()", lambda s: "".join(c.upper() for c in s), text, "Convert to upper case.",
        main="s", takes="text", gives="text"),
    Operation("swap_case", "{s}.swapcase()", lambda s: "".join(c.lower() if c.isupper() else c.upper() for c in s),
        lambda d: {"s": "".join(c.upper() if d.chance(0.4) else c for c in d.word())}, "Swap the case.", main="s",
        takes="text", gives="text"),
    Operation("title", "{s}.title()", lambda s: " ".join(w[:1].upper() + w[1:].lower() for w in s.split(" ")),
        lambda d: {"s": " ".join(d.words(2, 5))}, "Capitalize each word.", main="s", gives="text"),
    Operation("remove_vowels", "''.join(c for c in {s} if c.lower() not in 'aeiou')",
        lambda s: s.translate(str.maketrans("", "", "aeiouAEIOU")), text, "Remove the vowels.", main="s",
        takes="text", gives="text"),
    Operation("first_letters", "{s}[:{k}]", lambda s, k: "".join(c for i, c in enumerate(s) if i < k), word_and_count,
        "Slice from the start.", main="s", gives="text"),
    Operation("last_letters", "{s}[-{k}:]", lambda s, k: s[len(s) - k :], word_and_count, "Slice from the end.",
        main="s", gives="text"),
    Operation("replace", "{s}.replace({c}, {e})", lambda s, c, e: e.join(s.split(c)), replacement,
        "Replace the letter.", main="s", takes="text", gives="text"),
    Operation("repeat", "{s} * {k}", lambda s, k: "".join(s for _ in range(k)),
        lambda d: {"s": d.plain_word(), "k": d.small(2, 3 + d.level)}, "Repeat the string."),
    Operation("join_letters", "'-'.join({s})", lambda s: s[0] + "".join("-" + c for c in s[1:]), word,
        "Join the letters with dashes.", main="s", takes="text", gives="text"),
    Operation("concatenate", "{s} + {t}", lambda s, t: f"{s}{t}", two_words, "Concatenate the strings."),
    Operation("every_second", "{s}[::2]", lambda s: "".join(s[i] for i in range(0, len(s), 2)), word,
        "Take every second character.", main="s", takes="text", gives="text"),
))
