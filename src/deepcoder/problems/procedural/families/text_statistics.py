"""Text statistics: words, vowels, lengths, frequencies."""

from __future__ import annotations

from collections import Counter

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("word_count", "len({s}.split())", lambda s: s.strip().count(" ") + 1, sentence, "Count the words.",
        main="s", takes="sentence", gives="int",
        train="""
            n: the number of words in {s}
            n: the word count of {s}
            v: count the words <in|of> {s}
            q: how many words <are in|are there in|does one find in> {s}?
            q: how many words does {s} have?
            q: what is len({s!r}.split())?
            q: {name} wrote {s!r}. How many words is that?
        """, held_out="""
            q: of how many words is {s} made?
            v: tell how many words somebody needs to say {s}
            n: the amount of words that {s} consists of
        """),
    Operation("vowel_count", "sum(c in 'aeiou' for c in {s}.lower())",
        lambda s: sum(s.lower().count(v) for v in "aeiou"), text, "Count the vowels.", main="s", takes="text",
        gives="int",
        train="""
            n: the number of vowels in {s}
            n: the vowel count of {s}
            n: the number of letters a, e, i, o, u in {s}
            v: count the vowels <in|of> {s}
            v: count how many vowels {s} <has|contains>
            q: how many vowels <are in|are there in> {s}?
            q: how many vowels does {s} <have|contain>?
            q: how many letters of {s} are vowels?
        """, held_out="""
            q: how often do a, e, i, o and u occur in {s} altogether?
            v: go through {s} and keep a tally of the vowels
            q: {s}: number of vowels?
        """),
    Operation("consonant_count", "sum(c.isalpha() and c not in 'aeiou' for c in {s}.lower())",
        lambda s: len([c for c in s if c.isalpha()]) - sum(s.lower().count(v) for v in "aeiou"), text,
        "Count the consonants.", main="s", takes="text", gives="int",
        train="""
            n: the number of consonants in {s}
            n: the consonant count of {s}
            v: count the consonants <in|of> {s}
            q: how many consonants <are in|are there in> {s}?
            q: how many consonants does {s} <have|contain>?
            q: how many letters of {s} are <consonants|not vowels>?
        """, held_out="""
            q: leaving a, e, i, o and u out, how many letters has {s}?
            v: go through {s} and keep a tally of the consonants
        """),
    Operation("longest_word", "max({s}.split(), key=len)", lambda s: sorted(s.split(), key=lambda w: -len(w))[0],
        clear_longest, "Compare by length.", main="s", takes="sentence", gives="text",
        train="""
            n: the longest word <in|of> {s}
            n: the word with the most letters in {s}
            v: find the longest word <in|of> {s}
            v: pick the longest word from {s}
            q: which word <in|of> {s} is the longest?
            q: <what|which> is the longest word in {s}?
            q: which word in {s} has the most letters?
        """, held_out="""
            q: no word in {s} is longer than which one?
            v: single out the word of greatest length in {s}
        """),
    Operation("word_frequency", "{s}.split().count({w})", lambda s, w: len([x for x in s.split(" ") if x == w]),
        with_word, "Count the word.",
        train="""
            n: the number of times <the word |>{w} <occurs|appears> in {s!r}
            n: the number of occurrences of <the word |>{w} in {s!r}
            v: count how often <the word |>{w} <occurs|appears> in {s!r}
            v: count the word {w} in {s!r}
            q: how <often|many times> does <the word |>{w} <occur|appear> in {s!r}?
            q: {name} said: {s!r}. How many times was {w} said?
        """, held_out="""
            n: the frequency of the word {w} within {s!r}
            q: reading {s!r}, how many times do I meet {w}?
        """),
    Operation("most_common_word", "Counter({s}.split()).most_common(1)[0][0]",
        lambda s: max(sorted(set(s.split())), key=s.split().count), clear_mode, "Count with Counter.",
        before="from collections import Counter", main="s",
        train="""
            n: the most <common|frequent> word in {s}
            n: the word that <occurs|appears> most often in {s}
            v: find the most <common|frequent> word in {s}
            v: find the word that occurs most often in {s}
            q: which word <occurs|appears> most often in {s}?
            q: <what|which> is the most frequent word in {s}?
        """, held_out="""
            q: which word dominates {s} by count?
            v: tell which word somebody repeats the most in {s}
        """),
    Operation("most_common_letter", "Counter({s}).most_common(1)[0][0]", lambda s: max(sorted(set(s)), key=s.count),
        clear_letter, "Count with Counter.", before="from collections import Counter", main="s",
        train="""
            n: the most <common|frequent> letter in {s}
            n: the letter that <occurs|appears> most often in {s}
            v: find the most <common|frequent> letter <in|of> {s}
            q: which letter <occurs|appears> most often in {s}?
            q: <what|which> is the most frequent letter in {s}?
            q: which character is repeated most in {s}?
        """, held_out="""
            q: which letter would I type most when writing {s}?
            v: tell the letter with the highest count in {s}
        """),
    Operation("average_word_length", "sum(len(w) for w in {s}.split()) / len({s}.split())",
        lambda s: len(s.replace(" ", "")) / (s.count(" ") + 1), plain, "Average the lengths.", out="float2", main="s",
        train="""
            n: the average word length in {s}
            n: the <mean|average> length of the words in {s}
            v: compute the average length of the words in {s}
            v: find the mean word length of {s}
            q: what is the average number of letters per word in {s}?
            q: how long are the words in {s} on average?
        """, held_out="""
            q: how many letters has a typical (mean) word of {s}?
            v: divide the letters of {s} by its words, spaces not counted
        """),
    Operation("unique_words", "len(set({s}.split()))", lambda s: len(dict.fromkeys(s.split(" "))),
        some_repeats, "Count the distinct words.", main="s",
        train="""
            n: the number of <different|distinct|unique> words in {s}
            v: count the <different|distinct|unique> words in {s}
            q: how many <different|distinct|unique> words <are in|are there in> {s}?
            q: how many <different|distinct|unique> words does {s} have?
            q: what is len(set({s!r}.split()))?
        """, held_out="""
            q: counting repeats once, how many words does {s} use?
            n: the size of the vocabulary of {s}
        """),
    Operation("words_longer", "sum(len(w) > {k} for w in {s}.split())",
        lambda s, k: len([w for w in s.split() if w[k:]]), with_length, "Count the long words.", main="s",
        train="""
            n: the number of words in {s} <with more than|longer than> {k} letters
            v: count the words in {s} <with more than|longer than> {k} letters
            v: count the words of {s} that have more than {k} letters
            q: how many words in {s} <have more than|are longer than> {k} letters?
            q: how many words of {s} have a length above {k}?
        """, held_out="""
            q: which number of words in {s} exceed {k} letters?
            v: tell how many words of {s} go beyond {k} letters
        """),
    Operation("letter_count", "sum(c.isalpha() for c in {s})", lambda s: len([c for c in s if c not in " ."]),
        sentence, "Count the letters.", main="s",
        train="""
            n: the number of letters in {s}<|, spaces not counted>
            v: count the letters <in|of> {s}, without spaces and punctuation
            v: count only the letters in {s}
            q: how many letters (no spaces) are in {s}?
            q: how many letters does {s} have, not counting spaces?
        """, held_out="""
            q: ignoring blanks and punctuation, how many characters has {s}?
            v: tell how many letters of the alphabet stand in {s}, repeats included
        """),
    Operation("capital_count", "sum(c.isupper() for c in {s})", lambda s: len([c for c in s if "A" <= c <= "Z"]),
        lambda d: {"s": " ".join(w.capitalize() if d.chance(0.5) else w for w in d.words(3, 6))},
        "Count the capitals.", main="s",
        train="""
            n: the number of <capital|upper-case|uppercase> letters in {s}
            v: count the <capital|upper-case|uppercase> letters in {s}
            v: count the capitals in {s}
            q: how many <capital|uppercase> letters <are in|are there in> {s}?
            q: how many capitals does {s} have?
        """, held_out="""
            q: how often was the shift key needed for letters in {s}?
            v: tell how many big letters {s} has
        """),
    Operation("digit_count", "sum(c.isdigit() for c in {s})", lambda s: len([c for c in s if c in "0123456789"]),
        some_digits, "Count the digits.", main="s",
        train="""
            n: the number of digits in {s}
            v: count the <digits|digit characters> in {s}
            q: how many digits <are in|are there in> {s}?
            q: how many characters of {s} are digits?
            q: how many digits does {s} contain?
        """, held_out="""
            q: of the characters in {s}, how many are figures from 0 to 9?
            v: tell how many numerals stand in {s}
        """),
    Operation("reverse_words", "' '.join({s}.split()[::-1])", lambda s: " ".join(reversed(s.split(" "))), plain,
        "Reverse the word order.", main="s", takes="sentence", gives="sentence",
        train="""
            n: {s} with the <order of its words|words> reversed
            n: the words of {s} in reverse order
            v: reverse the order of the words in {s}
            v: reverse the word order of {s}
            v: write the words of {s} in reverse order
            v: put the words of {s} in the opposite order
            q: what is {s} with its words in reverse order?
        """, held_out="""
            v: say {s} word by word from the last word to the first
            n: {s}, its last word first and its first word last
        """),
    Operation("word_lengths", "[len(w) for w in {s}.split()]", lambda s: list(map(len, s.split(" "))), plain,
        "Measure each word.", main="s", takes="sentence", gives="ints", out="list",
        train="""
            p: the lengths of the words in {s}
            p: the word lengths of {s}
            v: list the lengths of the words in {s}
            v: list how many letters each word of {s} has
            q: what are the lengths of the words in {s}?
            q: how many letters does each word in {s} have? Give a list.
        """, held_out="""
            v: note, word by word, how many letters {s} has
            q: which list of letter counts belongs to the words of {s}?
        """),
    Operation("acronym", "''.join(w[0] for w in {s}.split()).upper()",
        lambda s: "".join(w.upper()[0] for w in s.split(" ")), plain, "Take the first letters.", main="s",
        takes="sentence", gives="text",
        train="""
            n: the acronym of {s}<| in capitals|, in upper case>
            p: the first letters of the words in {s}, in upper case, as one string
            v: build the acronym of {s} in capitals
            v: make an upper-case acronym from {s}
            v: join the first letters of the words of {s} in upper case
            q: what is the acronym of {s} in capital letters?
        """, held_out="""
            v: abbreviate {s} to capital initials without dots
            q: which upper-case abbreviation do the initials of {s} form?
        """),
)
# fmt: on
