"""Letters: counting, finding, sorting, comparing them within a string."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("count_letter", "{s}.lower().count({c})", lambda s, c: sum(1 for x in s if x.lower() == c),
        word_and_letter, "Count the letter.",
        train="""
            n: the number of times the letter {c} <occurs|appears> in {s}
            n: the count of the letter {c} in {s}
            n: the number of occurrences of the letter {c} in {s}
            v: count the <letter|character> {c} in {s}
            v: count how <often|many times> {c} <occurs|appears> in {s}
            q: how many times does <the letter |>{c} <occur|appear> in {s}?
            q: how often does <the letter |>{c} <occur|appear> in {s}?
            q: how many letters {c} <are in|does one find in> {s}?
        """,
        held_out="""
            n: the frequency of the letter {c} in {s}
            v: tell how frequently {c} is used in {s}
            q: {s} contains the letter {c} how many times?
            q: when spelling {s}, how many times do you write {c}?
        """,
    ),
    Operation("length", "len({s})", lambda s: sum(1 for _ in s), text, "Take the length.", main="s", takes="text",
        gives="int",
        train="""
            n: the length of {s}
            n: the number of characters in {s}
            n: the character count of {s}
            v: count the characters <in|of> {s}
            v: find the length of {s}
            q: how long is {s}?
            q: how many characters <does {s} have|are there in {s}|are in {s}>?
            q: what is len({s!r})?
            q: what does print(len({s!r})) <print|show>?
        """,
        held_out="""
            q: how many characters does {s} consist of?
            q: {s} is made of how many characters?
            v: measure {s} in characters
        """,
    ),
    Operation("nth_letter", "{s}[{k} - 1]", lambda s, k: s[:k][-1], word_and_place, "Index the letter.", main="s",
        train="""
            n: letter number {k} of {s}
            n: character number {k} of {s}
            n: the letter at position {k} of {s}, counting from 1
            n: the character in {s} at position {k} (counting from 1)
            v: pick letter number {k} <of|from> {s}
            v: give character number {k} of {s}
            q: which letter is <at position|number> {k} in {s}, counting from 1?
            q: what is letter number {k} <of|in> {s}?
            q: which <letter|character> stands in place {k} of {s}?
        """,
        held_out="""
            n: the {k}th letter of {s}
            q: counting letters from one, which one comes {k}th in {s}?
            v: name the letter that has place {k} in {s}
        """,
    ),
    Operation("palindrome", "{s} == {s}[::-1]", lambda s: all(s[i] == s[-1 - i] for i in range(len(s) // 2)),
        maybe_palindrome, "Compare with the reverse.", main="s", out="bool",
        train="""
            q: is {s} a palindrome?
            q: does {s} read the same <forwards and backwards|backwards|in both directions>?
            q: is {s} the same when reversed?
            q: is {s!r} == {s!r}[::-1]?
            v: check <whether|if> {s} is a palindrome
            v: test <whether|if> {s} reads the same backwards
            v: determine if {s} is a palindrome
            v: decide whether {s} equals its reverse
        """,
        held_out="""
            q: can {s} be read from either end with the same outcome?
            v: find out whether {s} is palindromic
            q: {s} - palindrome?
        """,
    ),
    Operation("starts_with", "{s}.startswith({t})", lambda s, t: s[: len(t)] == t, maybe_prefix,
        "Check the beginning.", out="bool",
        train="""
            q: does {s} <start|begin> with {t}?
            q: is {t} a prefix of {s}?
            q: is {t} <at the beginning|the start> of {s}?
            q: what is {s!r}.startswith({t!r})?
            v: check <whether|if> {s} <starts|begins> with {t}
            v: test <whether|if> {t} is a prefix of {s}
            q: tell me <whether|if> {s} starts with {t}.
        """,
        held_out="""
            q: are the opening letters of {s} equal to {t}?
            v: verify that {s} has {t} at its front
            q: {s}: does it open with {t}?
        """,
    ),
    Operation("sort_letters", "''.join(sorted({s}))", lambda s: "".join(c * s.count(c) for c in sorted(set(s))),
        lambda d: {"s": d.plain_word()}, "Sort the letters.", main="s", takes="text", gives="text",
        train="""
            n: the letters of {s} in alphabetical order
            n: the string of the sorted <letters|characters> of {s}
            n: {s} with its <letters|characters> sorted
            v: sort the <letters|characters> of {s} <alphabetically|in alphabetical order>
            v: put the letters of {s} in alphabetical order
            v: arrange the letters of {s} alphabetically
            v: order the letters in {s} from a to z
            q: what is ''.join(sorted({s!r}))?
        """,
        held_out="""
            v: rearrange {s} so that its letters follow the alphabet
            n: {s} after its letters have been alphabetized
            q: what string results from lining up the letters of {s} from a to z?
        """,
    ),
    Operation("unique_letters", "''.join(dict.fromkeys({s}))",
        lambda s: "".join(c for i, c in enumerate(s) if c not in s[:i]), lambda d: {"s": d.plain_word()},
        "Remove repeated letters.", main="s", takes="text", gives="text",
        train="""
            n: {s} without <repeated|duplicate> letters, keeping the first of each
            n: {s} with <duplicate|repeated> <letters|characters> removed
            v: remove <duplicate|repeated> <letters|characters> from {s}<|, keeping the first of each>
            v: delete repeated <letters|characters> <from|in> {s}, keeping the first one
            v: drop duplicate <letters|characters> from {s} and keep the order
            v: keep only the first occurrence of each <letter|character> in {s}
            q: what is ''.join(dict.fromkeys({s!r}))?
        """,
        held_out="""
            v: write {s} so that no letter comes twice, in order of first appearance
            v: deduplicate the characters of {s} in order
            q: what is left of {s} if a letter that came before is left out?
        """,
    ),
    Operation("distinct_letters", "len(set({s}))", lambda s: len(dict.fromkeys(s)), lambda d: {"s": d.plain_word()},
        "Count the distinct letters.", main="s", takes="text", gives="int", ignores_order=True,
        train="""
            n: the number of <different|distinct|unique> <letters|characters> in {s}
            n: the count of <different|distinct|unique> <letters|characters> in {s}
            v: count the <different|distinct|unique> <letters|characters> in {s}
            q: how many <different|distinct|unique> <letters|characters> <are there in|does one find in|are in> {s}?
            q: how many <different|distinct|unique> <letters|characters> does {s} have?
            q: what is len(set({s!r}))?
        """,
        held_out="""
            q: if each letter counts once, how many letters does {s} use?
            q: how many distinct characters occur in {s}?
            v: tell how many letters of the alphabet take part in {s}, each counted once
        """,
    ),
    Operation("anagram", "sorted({s}) == sorted({t})", lambda s, t: all(s.count(c) == t.count(c) for c in s + t),
        maybe_anagram, "Compare the sorted letters.", out="bool",
        train="""
            q: are {s} and {t} anagrams<| of each other>?
            q: is {t} an anagram of {s}?
            q: do {s} and {t} consist of the same letters?
            q: can {t} be made by rearranging <all |>the letters of {s}?
            v: check <whether|if> {s} and {t} are anagrams
            v: test <whether|if> {t} is an anagram of {s}
            v: determine whether {s} and {t} are anagrams of each other
        """,
        held_out="""
            q: if I shuffle {s}, can I get exactly {t}?
            v: find out whether {t} uses just the letters of {s}, each as often
            q: {s} / {t}: anagrams?
        """,
    ),
    Operation("caesar", "''.join(chr((ord(c) - 97 + {k}) % 26 + 97) for c in {s})", caesar, shift,
        "Shift each letter.",
        train="""
            n: {s} <encrypted|encoded> with a Caesar shift of {k}
            n: the Caesar cipher of {s} with shift {k}
            v: shift <each|every> letter of {s} <by {k} places|{k} places forward> in the alphabet
            v: apply a Caesar cipher with shift {k} to {s}
            v: <encode|encrypt> {s} with a Caesar cipher, shift {k}
            v: move each letter in {s} forward by {k} (z wraps around to a)
            q: what is {s} in a Caesar cipher with <a |>shift <of |>{k}?
        """,
        held_out="""
            v: rotate the letters of {s} through the alphabet by {k}
            q: each letter of {s} is swapped for the one {k} steps later, a after z. What comes out?
            n: {s} as ROT{k} text
        """,
    ),
    Operation("find", "{s}.find({c})", lambda s, c: min([i for i, x in enumerate(s) if x == c], default=-1),
        lambda d: (lambda s: {"s": s, "c": d.choice(s)})(d.plain_word()), "Find the first index.", main="s",
        train="""
            n: the index of the first {c} in {s}, counting from 0
            n: the zero-based position of the first {c} in {s}
            n: the <first |>index of {c} in {s} (from 0)
            v: find the index of the first {c} in {s}, starting at 0
            v: locate the first {c} in {s} (zero-based)
            q: what is {s!r}.find({c!r})?
            q: at <which|what> index, from 0, does {c} first <occur|appear> in {s}?
            q: where is the first {c} in {s}, counting from 0?
        """,
        held_out="""
            q: with indices that start at 0, which one has the earliest {c} of {s}?
            n: the place (zero-based) at which {c} shows up first in {s}
            v: give the lowest index i, from 0, with {c} at place i of {s}
        """,
    ),
)
# fmt: on
