"""Text statistics: words, vowels, lengths, frequencies."""

from __future__ import annotations

from collections import Counter

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "text_statistics"
VOWELS = "'aeiou'"


def sentence(draw: Draw) -> Values:
    """A sentence."""
    return {"s": draw.sentence()}


def plain(draw: Draw) -> Values:
    """A sentence without a full stop."""
    return {"s": draw.sentence().rstrip(".").lower()}


def text(draw: Draw) -> Values:
    """A word or a sentence."""
    return {"s": draw.text()}


def clear_longest(draw: Draw) -> Values:
    """A sentence in which one word is the longest."""
    while True:
        s = draw.sentence().rstrip(".").lower()
        lengths = sorted(len(w) for w in s.split())
        if lengths[-1] > lengths[-2]:
            return {"s": s}


def with_word(draw: Draw) -> Values:
    """A text that repeats a word."""
    ws = draw.words(3, 4)
    items = [draw.choice(ws) for _ in range(draw.size(6, 10))]
    return {"s": " ".join(items), "w": draw.choice(items)}


def some_repeats(draw: Draw) -> Values:
    """A text in which some words come again."""
    ws = draw.words(3, 8)
    items = [*ws, *(draw.choice(ws) for _ in range(draw.small(1, 4)))]
    draw.random.shuffle(items)
    return {"s": " ".join(items)}


def clear_mode(draw: Draw) -> Values:
    """A text with one most frequent word."""
    ws = draw.words(3, 4)
    items = [*ws, *(draw.choice(ws[:2]) for _ in range(draw.size(1, 3))), ws[0], ws[0], ws[0]]
    if items.count(ws[1]) == items.count(ws[0]):
        items.append(ws[0])
    draw.random.shuffle(items)
    return {"s": " ".join(items)}


def clear_letter(draw: Draw) -> Values:
    """A word with one most frequent letter."""
    while True:
        s = draw.plain_word() if draw.chance(0.6) else "".join(draw.words(2, 2))
        top = Counter(s).most_common(2)
        if len(top) == 1 or top[0][1] > top[1][1]:
            return {"s": s}


def with_length(draw: Draw) -> Values:
    """A sentence and a word length."""
    return {"s": draw.sentence().rstrip(".").lower(), "k": draw.small(3, 6)}


def some_digits(draw: Draw) -> Values:
    """A text with numbers in it."""
    return {"s": f"{draw.plain_word()} {draw.int(1, 999)} {draw.plain_word()} {draw.int(1, 9999)}"}


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("word_count", "len({s}.split())", lambda s: s.strip().count(" ") + 1, sentence, "Count the words.",
        main="s", takes="sentence", gives="int"),
    Operation("vowel_count", "sum(c in 'aeiou' for c in {s}.lower())",
        lambda s: sum(s.lower().count(v) for v in "aeiou"), text, "Count the vowels.", main="s", takes="text",
        gives="int"),
    Operation("consonant_count", "sum(c.isalpha() and c not in 'aeiou' for c in {s}.lower())",
        lambda s: len([c for c in s if c.isalpha()]) - sum(s.lower().count(v) for v in "aeiou"), text,
        "Count the consonants.", main="s", takes="text", gives="int"),
    Operation("longest_word", "max({s}.split(), key=len)", lambda s: sorted(s.split(), key=lambda w: -len(w))[0],
        clear_longest, "Compare by length.", main="s", takes="sentence", gives="text"),
    Operation("word_frequency", "{s}.split().count({w})", lambda s, w: len([x for x in s.split(" ") if x == w]),
        with_word, "Count the word."),
    Operation("most_common_word", "Counter({s}.split()).most_common(1)[0][0]",
        lambda s: max(sorted(set(s.split())), key=s.split().count), clear_mode, "Count with Counter.",
        before="from collections import Counter", main="s"),
    Operation("most_common_letter", "Counter({s}).most_common(1)[0][0]", lambda s: max(sorted(set(s)), key=s.count),
        clear_letter, "Count with Counter.", before="from collections import Counter", main="s"),
    Operation("average_word_length", "sum(len(w) for w in {s}.split()) / len({s}.split())",
        lambda s: len(s.replace(" ", "")) / (s.count(" ") + 1), plain, "Average the lengths.", out="float2", main="s"),
    Operation("unique_words", "len(set({s}.split()))", lambda s: len(dict.fromkeys(s.split(" "))),
        some_repeats, "Count the distinct words.", main="s"),
    Operation("words_longer", "sum(len(w) > {k} for w in {s}.split())",
        lambda s, k: len([w for w in s.split() if w[k:]]), with_length, "Count the long words.", main="s"),
    Operation("letter_count", "sum(c.isalpha() for c in {s})", lambda s: len([c for c in s if c not in " ."]),
        sentence, "Count the letters.", main="s"),
    Operation("capital_count", "sum(c.isupper() for c in {s})", lambda s: len([c for c in s if "A" <= c <= "Z"]),
        lambda d: {"s": " ".join(w.capitalize() if d.chance(0.5) else w for w in d.words(3, 6))},
        "Count the capitals.", main="s"),
    Operation("digit_count", "sum(c.isdigit() for c in {s})", lambda s: len([c for c in s if c in "0123456789"]),
        some_digits, "Count the digits.", main="s"),
    Operation("reverse_words", "' '.join({s}.split()[::-1])", lambda s: " ".join(reversed(s.split(" "))), plain,
        "Reverse the word order.", main="s", takes="sentence", gives="sentence"),
    Operation("word_lengths", "[len(w) for w in {s}.split()]", lambda s: list(map(len, s.split(" "))), plain,
        "Measure each word.", main="s", takes="sentence", gives="ints", out="list"),
    Operation("acronym", "''.join(w[0] for w in {s}.split()).upper()",
        lambda s: "".join(w.upper()[0] for w in s.split(" ")), plain, "Take the first letters.", main="s",
        takes="sentence", gives="text"),
))
