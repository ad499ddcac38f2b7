"""Letters: counting, finding, sorting, comparing them within a string."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "letters"


def text(draw: Draw) -> Values:
    """A word or a short text."""
    return {"s": draw.text()}


def word_and_letter(draw: Draw) -> Values:
    """A word and a letter that mostly occurs in it."""
    s = draw.word() if draw.chance(0.7) else draw.sentence()
    letters = [c for c in s.lower() if c.isalpha()]
    return {"s": s, "c": draw.choice(letters)}


def word_and_place(draw: Draw) -> Values:
    """A word and a 1-based place in it."""
    s = draw.word()
    return {"s": s, "k": draw.small(2, len(s))}


def maybe_palindrome(draw: Draw) -> Values:
    """A string that reads the same backwards half of the time."""
    half = draw.letters(2, 4)
    kind = draw.random.random()
    return {"s": draw.plain_word() if kind < 0.35 else half + half[::-1][kind < 0.6 :] if kind < 0.85 else half + half}


def maybe_prefix(draw: Draw) -> Values:
    """A word and a beginning that fits half of the time."""
    s = draw.plain_word()
    k = draw.small(1, 3)
    return {"s": s, "t": s[:k] if draw.chance(0.5) else draw.plain_word()[:k]}


def maybe_anagram(draw: Draw) -> Values:
    """Two words, one a shuffle of the other half of the time."""
    s = draw.plain_word()
    letters = list(s)
    draw.random.shuffle(letters)
    if draw.chance(0.4):
        letters[0] = draw.choice("etaoin")
    return {"s": s, "t": "".join(letters)}


def shift(draw: Draw) -> Values:
    """A lower-case word and a shift."""
    return {"s": draw.plain_word(), "k": draw.small(1, 12)}


def caesar(s: str, k: int) -> str:
    """Each lower-case letter moved on by k places."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return s.translate(str.maketrans(alphabet, alphabet[k:] + alphabet[:k]))


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("count_letter", "{s}.lower().count({c})", lambda s, c: sum(1 for x in s if x.lower() == c),
        word_and_letter, "Count the letter."),
    Operation("length", "len({s})", lambda s: sum(1 for _ in s), text, "Take the length.", main="s", takes="text",
        gives="int"),
    Operation("nth_letter", "{s}[{k} - 1]", lambda s, k: s[:k][-1], word_and_place, "Index the letter.", main="s"),
    Operation("palindrome", "{s} == {s}[::-1]", lambda s: all(s[i] == s[-1 - i] for i in range(len(s) // 2)),
        maybe_palindrome, "Compare with the reverse.", main="s", out="bool"),
    Operation("starts_with", "{s}.startswith({t})", lambda s, t: s[: len(t)] == t, maybe_prefix,
        "Check the beginning.", out="bool"),
    Operation("sort_letters", "''.join(sorted({s}))", lambda s: "".join(c * s.count(c) for c in sorted(set(s))),
        lambda d: {"s": d.plain_word()}, "Sort the letters.", main="s", takes="text", gives="text"),
    Operation("unique_letters", "''.join(dict.fromkeys({s}))",
        lambda s: "".join(c for i, c in enumerate(s) if c not in s[:i]), lambda d: {"s": d.plain_word()},
        "Remove repeated letters.", main="s", takes="text", gives="text"),
    Operation("distinct_letters", "len(set({s}))", lambda s: len(dict.fromkeys(s)), lambda d: {"s": d.plain_word()},
        "Count the distinct letters.", main="s", takes="text", gives="int", ignores_order=True),
    Operation("anagram", "sorted({s}) == sorted({t})", lambda s, t: all(s.count(c) == t.count(c) for c in s + t),
        maybe_anagram, "Compare the sorted letters.", out="bool"),
    Operation("caesar", "''.join(chr((ord(c) - 97 + {k}) % 26 + 97) for c in {s})", caesar, shift,
        "Shift each letter."),
    Operation("find", "{s}.find({c})", lambda s, c: min([i for i, x in enumerate(s) if x == c], default=-1),
        lambda d: (lambda s: {"s": s, "c": d.choice(s)})(d.plain_word()), "Find the first index.", main="s"),
))
