"""Words and ranks: sorting by a key, top k, positions."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

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
OPERATIONS = of_family(NAME, (
    Operation("sort_words", "sorted({ws})", lambda ws: [w for _, w in sorted((w, w) for w in ws)], words,
        "Sort the words.", main="ws", takes="words", gives="words", out="list", reorders=True),
    Operation("sort_words_reverse", "sorted({ws}, reverse=True)", lambda ws: sorted(ws)[::-1], words,
        "Sort in reverse order.", main="ws", takes="words", gives="words", out="list", reorders=True),
    Operation("sort_by_length", "sorted({ws}, key=len)",
        lambda ws: [w for _, _, w in sorted((len(w), i, w) for i, w in enumerate(ws))], different_lengths,
        "Sort by length.", main="ws", takes="words", gives="words", out="list", reorders=True),
    Operation("sort_by_last_letter", "sorted({ws}, key=lambda w: (w[-1], w))",
        lambda ws: [w for _, w in sorted((w[::-1][0], w) for w in ws)], words, "Sort by the last letter.", main="ws",
        out="list"),
    Operation("longest", "max({ws}, key=len)", lambda ws: sorted(ws, key=lambda w: -len(w))[0], different_lengths,
        "Compare by length.", main="ws", takes="words", gives="text"),
    Operation("shortest", "min({ws}, key=len)", lambda ws: sorted(ws, key=len)[0], different_lengths,
        "Compare by length.", main="ws", takes="words", gives="text"),
    Operation("top_k", "sorted({xs})[-{k}:][::-1]", lambda xs, k: sorted(xs, reverse=True)[:k], top,
        "Take the largest ones.", main="xs", takes="ints", gives="ints", out="list", ignores_order=True),
    Operation("bottom_k", "sorted({xs})[:{k}]", lambda xs, k: sorted(xs, reverse=True)[-k:][::-1], top,
        "Take the smallest ones.", main="xs", takes="ints", gives="ints", out="list", ignores_order=True),
    Operation("kth_smallest", "sorted({xs})[{k} - 1]",
        lambda xs, k: next(x for x in xs if sum(y < x for y in xs) == k - 1), top, "Sort and index.", main="xs",
        gives="int"),
    Operation("rank_of", "sorted({ws}).index({w}) + 1", lambda ws, w: sum(x <= w for x in ws), with_word,
        "Sort and find the place."),
    Operation("starting_with", "[w for w in {ws} if w.startswith({c})]", lambda ws, c: [w for w in ws if w[:1] == c],
        with_letter, "Filter by first letter.", out="list"),
    Operation("longer_words", "[w for w in {ws} if len(w) > {k}]", lambda ws, k: [w for w in ws if w[k:]],
        with_length, "Filter by length.", main="ws", takes="words", gives="words", out="list"),
    Operation("upper_words", "[w.upper() for w in {ws}]", lambda ws: " ".join(ws).upper().split(" "), words,
        "Convert each word.", main="ws", takes="words", gives="words", out="list"),
    Operation("lengths", "[len(w) for w in {ws}]", lambda ws: list(map(len, ws)), words, "Measure each word.",
        main="ws", takes="words", gives="ints", out="list"),
    Operation("join_words", "'-'.join({ws})", lambda ws: str(ws)[2:-2].replace("', '", "-"), words, "Join the words.",
        main="ws", takes="words", gives="text"),
    Operation("total_letters", "sum(len(w) for w in {ws})", lambda ws: len("".join(ws)), words, "Sum the lengths.",
        main="ws", takes="words", gives="int", ignores_order=True),
))
