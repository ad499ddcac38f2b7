"""Strings: reversing, case, picking, counting, replacing, joining."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "strings"
VOWELS = "aeiou"


def text(draw: Draw) -> Values:
    """A word or a short text."""
    return {"s": draw.text()}


def word(draw: Draw) -> Values:
    """One word."""
    return {"s": draw.word()}


def word_and_letter(draw: Draw) -> Values:
    """A word and a letter that mostly occurs in it."""
    s = draw.word() if draw.chance(0.7) else draw.sentence()
    letters = [c for c in s.lower() if c.isalpha()]
    return {"s": s, "c": draw.choice(letters)}


def word_and_count(draw: Draw) -> Values:
    """A word and a number below its length."""
    s = draw.word()
    return {"s": s, "k": draw.small(2, len(s) - 1)}


def word_and_place(draw: Draw) -> Values:
    """A word and a 1-based place in it."""
    s = draw.word()
    return {"s": s, "k": draw.small(2, len(s))}


def replacement(draw: Draw) -> Values:
    """A word, a letter of it and another letter."""
    s = draw.plain_word() if draw.chance(0.7) else draw.sentence()
    c = draw.choice([c for c in s if c.isalpha() and c.islower()])
    return {"s": s, "c": c, "e": draw.choice([x for x in "abcdefghijklmnopqrstuvwxyz" if x != c])}


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


def two_words(draw: Draw) -> Values:
    """Two different words."""
    s, t = draw.words(2, 2)
    return {"s": s, "t": t}


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
            n: how many characters {s} consists of
            q: {s} is made of how many characters?
            v: measure {s} in characters
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
            v: tell me <whether|if> {s} starts with {t}
        """,
        held_out="""
            q: are the opening letters of {s} equal to {t}?
            v: verify that {s} has {t} at its front
            q: {s}: does it open with {t}?
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
            n: how many distinct characters occur in {s}
            v: tell how many letters of the alphabet take part in {s}, each counted once
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
