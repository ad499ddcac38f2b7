"""How a value is written in a prompt. In code it is always its `repr`; people write it in more ways."""

from __future__ import annotations

import datetime
from typing import Any

from deepcoder.problems.procedural.draw import Draw


def show(value: Any, draw: Draw, *, main: bool = False) -> str:
    """The text of a parameter. `main`: the operation's principal input, which may carry a noun ("the word 'abc'")."""
    if isinstance(value, str):
        return _text(value, draw, main)
    if isinstance(value, datetime.date):
        return _date(value, draw)
    if isinstance(value, list) and value and all(isinstance(item, int | str) for item in value):
        return _list(value, draw, main)
    if isinstance(value, int) and not isinstance(value, bool) and main and draw.chance(0.1):
        return f"the number {value}"
    return repr(value)


def literal(value: Any) -> str:
    """The value as Python source: dates by constructor."""
    if isinstance(value, datetime.date):
        return f"date({value.year}, {value.month}, {value.day})"
    return repr(value)


def _text(value: str, draw: Draw, main: bool) -> str:
    kind = draw.random.random()
    word = value.isalnum()
    if word and kind < 0.2 and len(value) > 1:
        quoted = value
    elif kind < 0.6:
        quoted = repr(value)
    elif kind < 0.93:
        quoted = f'"{value}"'
    else:
        quoted = f"`{value}`"
    if not main or draw.chance(0.6):
        return quoted
    nouns = ("the word", "the string", "the word") if value.isalpha() else ("the string", "the text", "the phrase")
    return f"{draw.choice(nouns)} {quoted}"


def _list(value: list[Any], draw: Draw, main: bool) -> str:
    kind = draw.random.random()
    text = isinstance(value[0], str)
    if kind < 0.62 or not main:
        shown = str(value) if not text or draw.chance(0.6) else str(value).replace("'", '"')
        if not text and draw.chance(0.06):
            shown = shown.replace(" ", "")
        return f"the list {shown}" if main and draw.chance(0.3) else shown
    items = [str(item) for item in value]
    last = " and " if draw.chance(0.4) else ", "
    shown = last.join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]
    if text or draw.chance(0.75):
        noun = "the words" if text else draw.choice(("the numbers", "the numbers", "the values"))
        return f"{noun} {shown}"
    return shown


def _date(value: datetime.date, draw: Draw) -> str:
    kind = draw.random.random()
    month = _MONTHS[value.month - 1]
    if kind < 0.65:
        return value.isoformat()
    if kind < 0.82:
        return f"{value.day} {month} {value.year}"
    return f"{month} {value.day}, {value.year}"


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
