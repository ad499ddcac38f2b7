"""A long text in pieces that each fit: cut at paragraphs, else lines, else sentences, else words, else anywhere."""

from __future__ import annotations

import re

_BORDERS = (r"(?<=\n)(?=[ \t]*\n)", r"(?<=\n)", r"(?<=[.!?]) +", r"(?<= )")


def pieces(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` characters that hold all of the text but blanks at their ends, in order.

    Neighbouring parts share a piece as long as they fit into it.
    """
    return [piece for part in _cut(text, limit, 0) if (piece := part.strip("\n").rstrip()).strip()]


def _cut(text: str, limit: int, border: int) -> list[str]:
    if len(text.strip("\n").rstrip()) <= limit:
        return [text]
    if border == len(_BORDERS):
        return [text[start : start + limit] for start in range(0, len(text), limit)]
    out = [""]
    for part in _parts(text, _BORDERS[border]):
        if len((out[-1] + part).strip("\n").rstrip()) <= limit:
            out[-1] += part
        else:
            *whole, last = _cut(part, limit, border + 1)
            out += [*whole, last]
    return out


def _parts(text: str, border: str) -> list[str]:
    """The text cut behind each border; joined, they are the text."""
    ends = [match.end() for match in re.finditer(border, text)]
    starts = [0, *ends]
    return [text[start:end] for start, end in zip(starts, [*ends, len(text)], strict=True) if text[start:end]]
