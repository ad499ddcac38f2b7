"""Strings: reversing, case, picking, counting, replacing, joining."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("reverse", "{s}[::-1]", lambda s: "".join(reversed(s)), text, "Reverse the string.", main="s",
        takes="text", gives="text",
        train="""
            n: the reverse of {s}
            n: {s} <backwards|reversed|spelled backwards|written backwards>
            n: {s} in reverse order
            v: reverse {s}
            v: reverse the <order of the characters|letters|characters> in {s}
            v: <spell|write|print> {s} backwards
            v: turn {s} around
            q: what is {s} <spelled|written> backwards?
            q: what does {s} look like <reversed|backwards|in reverse>?
            q: what is s[::-1] <for|if> s = {s!r}?
            q: how do you write {s} from <right to left|the last letter to the first>?
        """,
        held_out="""
            n: the mirror image of {s}, letter by letter
            v: flip {s} so that its last character comes first
            q: if I read {s} from the end to the beginning, what do I see?
            q: {s}, but back to front?
        """,
    ),
    Operation("upper", "{s}.upper()", lambda s: "".join(c.upper() for c in s), text, "Convert to upper case.",
        main="s", takes="text", gives="text",
        train="""
            n: {s} in <upper case|uppercase|capital letters|all caps>
            n: the <uppercase|upper-case> <version|form> of {s}
            v: convert {s} to <upper case|uppercase|capital letters>
            v: <make|write> {s} <upper case|uppercase|in capitals>
            v: uppercase {s}
            v: capitalize every letter of {s}
            v: change all letters of {s} to capitals
            q: what is {s!r}.upper()?
            q: what does {s} look like in <upper case|capitals>?
        """,
        held_out="""
            n: {s}, shouted in block capitals
            v: turn every small letter of {s} into a capital one
            q: how is {s} written with caps lock on?
        """,
    ),
    Operation("swap_case", "{s}.swapcase()", lambda s: "".join(c.lower() if c.isupper() else c.upper() for c in s),
        lambda d: {"s": "".join(c.upper() if d.chance(0.4) else c for c in d.word())}, "Swap the case.", main="s",
        takes="text", gives="text",
        train="""
            n: {s} with <upper and lower case|the case of every letter> swapped
            n: the swapcase of {s}
            v: swap the case of <every letter in|all letters of|the letters in> {s}
            v: swap upper and lower case in {s}
            v: swap capitals and small letters in {s}
            v: invert the case of {s}
            q: what is {s!r}.swapcase()?
            q: what is {s} with its case <swapped|inverted>?
        """,
        held_out="""
            v: make the big letters of {s} small and the small ones big
            n: {s} after toggling the case of each letter
            q: what becomes of {s} when capitals turn small and small letters turn capital?
        """,
    ),
    Operation("title", "{s}.title()", lambda s: " ".join(w[:1].upper() + w[1:].lower() for w in s.split(" ")),
        lambda d: {"s": " ".join(d.words(2, 5))}, "Capitalize each word.", main="s", gives="text",
        train="""
            n: {s} in title case
            n: {s} with <each|every> word capitalized
            v: capitalize <each|every> word <in|of> {s}
            v: convert {s} to title case
            v: make the first letter of <each|every> word in {s} upper case
            v: title-case {s}
            q: what is {s!r}.title()?
            q: how does {s} look in title case?
        """,
        held_out="""
            v: write {s} the way a headline is written, a capital at the start of each word
            v: give all the words in {s} a capital first letter
            n: {s} as a heading with capitalised words
        """,
    ),
    Operation("remove_vowels", "''.join(c for c in {s} if c.lower() not in 'aeiou')",
        lambda s: s.translate(str.maketrans("", "", "aeiouAEIOU")), text, "Remove the vowels.", main="s",
        takes="text", gives="text",
        train="""
            n: {s} without <its |the |>vowels
            n: {s} with <all|the> vowels removed
            v: remove <all|the|every> <vowels|vowel letters> from {s}
            v: delete <all|the> vowels <from|in> {s}
            v: strip the vowels <from|out of> {s}
            v: drop <every vowel|the vowels> in {s}
            q: what is left of {s} <when|if> <you remove the|all> vowels<| are removed>?
            q: what remains of {s} without a, e, i, o and u?
        """,
        held_out="""
            n: only the part of {s} that is not a, e, i, o or u
            v: take each a, e, i, o, u out of {s}
            q: how does {s} read once its vowels are gone?
        """,
    ),
    Operation("first_letters", "{s}[:{k}]", lambda s, k: "".join(c for i, c in enumerate(s) if i < k), word_and_count,
        "Slice from the start.", main="s", gives="text",
        train="""
            n: the first {k} <letters|characters> of {s}
            n: the prefix of length {k} of {s}
            n: the leading {k} characters of {s}
            v: take the first {k} <letters|characters> of {s}
            v: cut {s} after {k} <letters|characters>
            v: keep only the first {k} <letters|characters> of {s}
            q: what are the first {k} <letters|characters> of {s}?
            q: what is {s!r}[:{k}]?
            q: <which|what> {k} letters does {s} <start|begin> with?
        """,
        held_out="""
            n: the beginning of {s}, {k} characters of it
            v: shorten {s} to its opening {k} characters
            q: what do you see of {s} when only its first {k} characters are visible?
        """,
    ),
    Operation("last_letters", "{s}[-{k}:]", lambda s, k: s[len(s) - k :], word_and_count, "Slice from the end.",
        main="s", gives="text",
        train="""
            n: the last {k} <letters|characters> of {s}
            n: the suffix of length {k} of {s}
            n: the final {k} <letters|characters> of {s}
            v: take the last {k} <letters|characters> of {s}
            v: keep only the last {k} <letters|characters> of {s}
            q: what are the last {k} <letters|characters> of {s}?
            q: what is {s!r}[-{k}:]?
            q: <which|what> {k} letters does {s} end <with|in>?
        """,
        held_out="""
            n: the tail end of {s}, {k} characters of it
            v: cut everything off {s} but its closing {k} characters
            q: on which {k} characters does {s} finish?
        """,
    ),
    Operation("replace", "{s}.replace({c}, {e})", lambda s, c, e: e.join(s.split(c)), replacement,
        "Replace the letter.", main="s", takes="text", gives="text",
        train="""
            n: {s} with <every|each> {c} replaced by {e}
            n: {s} with {e} instead of {c}
            v: replace <every|each|all> {c} with {e} in {s}
            v: replace the letter {c} by {e} in {s}
            v: change <every|each> {c} <to|into> {e} in {s}
            v: substitute {e} for {c} in {s}
            v: in {s}, replace {c} with {e}
            q: what is {s!r}.replace({c!r}, {e!r})?
            q: what does {s} become <when|if> <every|each> {c} is replaced by {e}?
        """,
        held_out="""
            v: put {e} wherever {s} has {c}
            v: swap out {c} for {e} throughout {s}
            q: what does {s} look like once each {c} has been turned into {e}?
        """,
    ),
    Operation("repeat", "{s} * {k}", lambda s, k: "".join(s for _ in range(k)),
        lambda d: {"s": d.plain_word(), "k": d.small(2, 3 + d.level)}, "Repeat the string.",
        train="""
            n: {s} repeated {k} times
            n: {s} written {k} times <in a row|without spaces>
            n: {s!r} * {k}
            v: repeat {s} {k} times
            v: write {s} {k} times without spaces
            v: concatenate {k} copies of {s}
            q: what is {s!r} * {k}?
            q: what do you get <if|when> {s} is repeated {k} times without spaces?
        """,
        held_out="""
            n: {k} copies of {s}, glued together
            v: say {s} {k} times over, as one string
            q: which string consists of {s} exactly {k} times?
        """,
    ),
    Operation("join_letters", "'-'.join({s})", lambda s: s[0] + "".join("-" + c for c in s[1:]), word,
        "Join the letters with dashes.", main="s", takes="text", gives="text",
        train="""
            n: the letters of {s} <joined|separated> <by|with> <dashes|hyphens>
            n: {s} with a <dash|hyphen> between <all|the> letters
            v: put a <dash|hyphen> between the <letters|characters> of {s}
            v: join the <letters|characters> of {s} with <dashes|hyphens>
            v: separate the <letters|characters> of {s} <by|with> <dashes|hyphens>
            v: insert '-' between the characters of {s}
            q: what is '-'.join({s!r})?
        """,
        held_out="""
            v: spell out {s} with the sign - after each letter except the last
            n: {s} hyphenated at every letter
            q: how does {s} look with hyphens in between all its letters?
        """,
    ),
    Operation("concatenate", "{s} + {t}", lambda s, t: f"{s}{t}", two_words, "Concatenate the strings.",
        train="""
            n: {s} followed by {t}, without a space
            n: the concatenation of {s} and {t}
            n: {s!r} + {t!r}
            v: concatenate {s} and {t}
            v: append {t} to {s}
            v: join {s} and {t} <without a space|into one string>
            q: what is {s!r} + {t!r}?
            q: what do you get when you <append|attach> {t} to {s}?
        """,
        held_out="""
            v: write {s} and directly after it {t}
            v: glue {t} onto the end of {s}
            q: {s} and {t} as a single word?
        """,
    ),
    Operation("every_second", "{s}[::2]", lambda s: "".join(s[i] for i in range(0, len(s), 2)), word,
        "Take every second character.", main="s", takes="text", gives="text",
        train="""
            n: every <second|other> <letter|character> of {s}, starting with the first
            n: the <letters|characters> of {s} at even indices
            v: take every <second|other> <letter|character> of {s}, beginning with the first
            v: keep every <second|other> <letter|character> of {s}, starting with the first
            v: pick the characters of {s} at even indices (0, 2, 4, ...)
            q: what is {s!r}[::2]?
        """,
        held_out="""
            v: skip each alternate letter of {s}, keeping the first
            n: the first, third, fifth and so on letters of {s}
            q: which string remains of {s} if its 2nd, 4th, 6th ... characters go?
        """,
    ),
)
# fmt: on
