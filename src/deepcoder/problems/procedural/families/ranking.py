"""Words and ranks: sorting by a key, top k, positions."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "ranking"


def words(draw: Draw) -> Values:
    """Different words."""
    return {"ws": draw.words(3, 7)}


def different_lengths(draw: Draw) -> Values:
    """Words of different lengths."""
    ws: list[str] = []
    for word in draw.words(6, 12):
        if len(word) not in map(len, ws) and len(ws) < 3 + draw.level:
            ws.append(word)
    return {"ws": ws}


def top(draw: Draw) -> Values:
    """Different numbers and how many are wanted."""
    return {"xs": draw.distinct(5, 9), "k": draw.small(2, 4)}


def with_word(draw: Draw) -> Values:
    """Words and one of them."""
    ws = draw.words(3, 6)
    return {"ws": ws, "w": draw.choice(ws)}


def with_letter(draw: Draw) -> Values:
    """Words and a letter that some of them start with."""
    ws = draw.words(4, 7)
    return {"ws": ws, "c": draw.choice(ws)[0]}


def with_length(draw: Draw) -> Values:
    """Words and a length."""
    return {"ws": draw.words(4, 7), "k": draw.small(5, 7)}


# fmt: off
OPERATIONS = (
    Operation("sort_words", "sorted({ws})", lambda ws: [w for _, w in sorted((w, w) for w in ws)], words,
        "Sort the words.", main="ws", takes="words", gives="words", out="list", reorders=True,
        train="""
            n: {ws} in alphabetical order
            n: {ws} sorted alphabetically
            v: sort {ws} <alphabetically|in alphabetical order>
            v: put {ws} in alphabetical order
            v: <arrange|order> {ws} alphabetically
            v: order {ws} from a to z
            q: what is sorted({ws!r})?
            q: what is the alphabetical order of {ws}?
        """, held_out="""
            v: list {ws} as a dictionary would
            q: how do {ws} follow each other in the dictionary?
        """),
    Operation("sort_words_reverse", "sorted({ws}, reverse=True)", lambda ws: sorted(ws)[::-1], words,
        "Sort in reverse order.", main="ws", takes="words", gives="words", out="list", reorders=True,
        train="""
            n: {ws} in reverse alphabetical order
            n: {ws} sorted from z to a
            v: sort {ws} in <reverse|descending> alphabetical order
            v: put {ws} in reverse alphabetical order
            v: order {ws} from z to a
            q: what is sorted({ws!r}, reverse=True)?
        """, held_out="""
            v: list {ws} against the alphabet, the last letters first
            q: with the alphabet running backwards, how are {ws} ordered?
        """),
    Operation("sort_by_length", "sorted({ws}, key=len)",
        lambda ws: [w for _, _, w in sorted((len(w), i, w) for i, w in enumerate(ws))], different_lengths,
        "Sort by length.", main="ws", takes="words", gives="words", out="list", reorders=True,
        train="""
            n: {ws} sorted by length<|, shortest first>
            n: {ws} ordered from shortest to longest
            v: sort {ws} by length<|, shortest first>
            v: order {ws} from the shortest to the longest
            v: arrange {ws} by their number of letters, smallest first
            q: what is sorted({ws!r}, key=len)?
            q: what is the order of {ws} by length, shortest first?
        """, held_out="""
            v: line up {ws} so that each is longer than the one before
            q: from the fewest letters to the most, how do {ws} rank?
        """),
    Operation("sort_by_last_letter", "sorted({ws}, key=lambda w: (w[-1], w))",
        lambda ws: [w for _, w in sorted((w[::-1][0], w) for w in ws)], words, "Sort by the last letter.", main="ws",
        out="list",
        train="""
            n: {ws} sorted by their last letter, ties alphabetically
            v: sort {ws} by the last letter (ties alphabetically)
            v: order {ws} by their final letter, breaking ties alphabetically
            v: arrange {ws} by last letter; words with the same one go in alphabetical order
            q: what is the order of {ws} by last letter, ties alphabetically?
        """, held_out="""
            v: line up {ws} by how they end: the closing letter counts, equal ones by alphabet
            q: if closing letters decide, and the alphabet where they agree, how do {ws} rank?
        """),
    Operation("longest", "max({ws}, key=len)", lambda ws: sorted(ws, key=lambda w: -len(w))[0], different_lengths,
        "Compare by length.", main="ws", takes="words", gives="text",
        train="""
            n: the longest <word|string> <in|of> {ws}
            n: the longest of {ws}
            v: find the longest <word|string> <in|of> {ws}
            v: pick the longest of {ws}
            q: which of {ws} is the longest?
            q: which of {ws} has the most letters?
            q: what is max({ws!r}, key=len)?
        """, held_out="""
            q: none of {ws} has more letters than which one?
            v: single out the member of greatest length among {ws}
        """),
    Operation("shortest", "min({ws}, key=len)", lambda ws: sorted(ws, key=len)[0], different_lengths,
        "Compare by length.", main="ws", takes="words", gives="text",
        train="""
            n: the shortest <word|string> <in|of> {ws}
            n: the shortest of {ws}
            v: find the shortest <word|string> <in|of> {ws}
            v: pick the shortest of {ws}
            q: which of {ws} is the shortest?
            q: which of {ws} has the fewest letters?
            q: what is min({ws!r}, key=len)?
        """, held_out="""
            q: none of {ws} has fewer letters than which one?
            v: single out the member of least length among {ws}
        """),
    Operation("top_k", "sorted({xs})[-{k}:][::-1]", lambda xs, k: sorted(xs, reverse=True)[:k], top,
        "Take the largest ones.", main="xs", takes="ints", gives="ints", out="list", ignores_order=True,
        train="""
            p: the {k} <largest|biggest|highest> <numbers|values> in {xs}, largest first
            p: the top {k} of {xs} in descending order
            v: find the {k} <largest|biggest> <numbers|values> in {xs}, in descending order
            v: list the {k} <largest|highest> of {xs}, largest first
            q: what are the {k} <largest|biggest> <numbers|values> in {xs}, from the largest down?
            q: which are the top {k} of {xs}, best first?
            q: what is heapq.nlargest({k}, {xs!r})?
        """, held_out="""
            v: give the podium of {xs} with {k} places, the winner in front
            q: going down from the maximum, what are the first {k} of {xs}?
        """),
    Operation("bottom_k", "sorted({xs})[:{k}]", lambda xs, k: sorted(xs, reverse=True)[-k:][::-1], top,
        "Take the smallest ones.", main="xs", takes="ints", gives="ints", out="list", ignores_order=True,
        train="""
            p: the {k} <smallest|lowest> <numbers|values> in {xs}, smallest first
            p: the bottom {k} of {xs} in ascending order
            v: find the {k} <smallest|lowest> <numbers|values> in {xs}, in ascending order
            v: list the {k} <smallest|lowest> of {xs}, smallest first
            q: what are the {k} <smallest|lowest> <numbers|values> in {xs}, from the smallest up?
            q: what is heapq.nsmallest({k}, {xs!r})?
        """, held_out="""
            q: going up from the minimum, what are the first {k} of {xs}?
            v: give the last {k} of a ranking of {xs} by size, the very least in front
        """),
    Operation("kth_smallest", "sorted({xs})[{k} - 1]",
        lambda xs, k: next(x for x in xs if sum(y < x for y in xs) == k - 1), top, "Sort and index.", main="xs",
        gives="int",
        train="""
            n: number {k!r} in size of {xs}, counting from the smallest
            n: the element of {xs} with rank {k} (rank 1 is the smallest)
            v: find the element with rank {k} in {xs}, 1 being the smallest
            q: sorted in ascending order, what is element number {k} of {xs}?
            q: what is sorted({xs!r})[{k} - 1]?
            q: which number is in place {k} when {xs} are sorted in ascending order?
        """, held_out="""
            q: only {k} - 1 of {xs} are smaller than which member?
            v: line up {xs} from the least on and name the one in place {k}
        """),
    Operation("rank_of", "sorted({ws}).index({w}) + 1", lambda ws, w: sum(x <= w for x in ws), with_word,
        "Sort and find the place.",
        train="""
            n: the <place|position> of {w} when {ws} is sorted alphabetically, counting from 1
            n: the alphabetical rank of {w} in {ws} (1 is first)
            v: find the position of {w} in the alphabetically sorted {ws}, starting at 1
            q: in which place (from 1) is {w} when {ws} is sorted alphabetically?
            q: what is sorted({ws!r}).index({w!r}) + 1?
        """, held_out="""
            q: if {ws} goes by the alphabet, as which number does {w} come (1 for the first)?
            v: tell the rank, from 1, that the alphabet gives {w} within {ws}
        """),
    Operation("starting_with", "[w for w in {ws} if w.startswith({c})]", lambda ws, c: [w for w in ws if w[:1] == c],
        with_letter, "Filter by first letter.", out="list",
        train="""
            p: the words in {ws} that <start|begin> with {c}
            p: all words of {ws} <starting|beginning> with the letter {c}
            v: find the words in {ws} that start with {c}
            v: keep only the words of {ws} that begin with {c}
            v: filter {ws} by the first letter {c}
            q: which words in {ws} <start|begin> with {c}?
        """, held_out="""
            p: those of {ws} whose opening letter is {c}
            q: looking under {c}, which of {ws} do I find?
        """),
    Operation("longer_words", "[w for w in {ws} if len(w) > {k}]", lambda ws, k: [w for w in ws if w[k:]],
        with_length, "Filter by length.", main="ws", takes="words", gives="words", out="list",
        train="""
            p: the words in {ws} with more than {k} letters
            p: the words of {ws} longer than {k} letters
            v: keep only the words of {ws} with more than {k} letters
            v: filter {ws} to words longer than {k} characters
            q: which words in {ws} have more than {k} letters?
            q: what is [w for w in {ws!r} if len(w) > {k}]?
        """, held_out="""
            p: those of {ws} that go beyond {k} letters
            v: throw words of {k} letters or fewer out of {ws}
        """),
    Operation("upper_words", "[w.upper() for w in {ws}]", lambda ws: " ".join(ws).upper().split(" "), words,
        "Convert each word.", main="ws", takes="words", gives="words", out="list",
        train="""
            n: {ws} in <upper case|capitals>
            v: convert <each|every> word in {ws} to upper case
            v: make all words in {ws} <upper case|uppercase>
            v: uppercase {ws}
            q: what is [w.upper() for w in {ws!r}]?
            q: what is {ws} with every word in capital letters?
        """, held_out="""
            v: shout each of {ws} in capital letters, as a list
            q: with caps lock on, how would the list {ws!r} look?
        """),
    Operation("lengths", "[len(w) for w in {ws}]", lambda ws: list(map(len, ws)), words, "Measure each word.",
        main="ws", takes="words", gives="ints", out="list",
        train="""
            p: the lengths of {ws}
            p: the lengths of the words in {ws}
            v: list the lengths of {ws}
            v: replace each word in {ws} by its length
            q: how long is each of {ws}? Give a list.
            q: what is [len(w) for w in {ws!r}]?
        """, held_out="""
            v: note how many letters each of {ws} has, in order
            q: which list of letter counts belongs to {ws}?
        """),
    Operation("join_words", "'-'.join({ws})", lambda ws: str(ws)[2:-2].replace("', '", "-"), words, "Join the words.",
        main="ws", takes="words", gives="text",
        train="""
            n: {ws} joined <with|by> <dashes|hyphens>
            n: the string of {ws} joined by '-'
            v: join {ws} with <dashes|hyphens>
            v: write {ws} as one string with '-' between the words
            v: concatenate {ws} with hyphens
            q: what is '-'.join({ws!r})?
        """, held_out="""
            v: chain {ws} together in one string, a hyphen at every seam
            q: which hyphenated string do {ws} form?
        """),
    Operation("total_letters", "sum(len(w) for w in {ws})", lambda ws: len("".join(ws)), words, "Sum the lengths.",
        main="ws", takes="words", gives="int", ignores_order=True,
        train="""
            n: the total number of letters in {ws}
            n: the combined length of {ws}
            v: count all letters in {ws}
            v: add up the lengths of {ws}
            q: how many letters do {ws} have in total?
            q: how many letters are in {ws} altogether?
        """, held_out="""
            q: typing {ws} takes how many letters, all in all?
            v: measure {ws} together, in letters
        """),
)
# fmt: on
