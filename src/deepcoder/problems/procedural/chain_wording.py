"""How people ask for two things in a row: one after the other, or one inside the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Template, Values
from deepcoder.problems.procedural.tables import Side, frames
from deepcoder.problems.procedural.wording import QUOTES, chainable, fill_template, finish, put, shower


@dataclass(frozen=True)
class _Side:
    """One operation of the chain, with the wordings that may be used and a way to show its parameters."""

    operation: Operation
    table: tuple[Template, ...]
    shown: Callable[[str, bool], str]

    def nouns(self) -> list[Template]:
        """Noun phrases that can stand inside another wording."""
        return [t for t in self.table if t.kind in "np" and "{name}" not in t.text and "!r}" not in t.text]

    def orders(self) -> list[Template]:
        """Orders."""
        return [t for t in self.table if t.kind == "v" and "{name}" not in t.text and "!r}" not in t.text]

    def say(self, template: Template, draw: Draw, main: str | None = None) -> str:
        """The template filled; `main` stands in the place of the main parameter."""
        if main is None:
            return fill_template(template, self.shown, draw)
        key = self.operation.main
        return fill_template(template, lambda k, raw: main if k == key else self.shown(k, raw), draw)


def ask_chain(
    first: Operation, first_values: Values, second: Operation, second_values: Values, draw: Draw, *,
    yes_no: bool,
) -> str:  # fmt: skip
    """The prompt of a chain: nested ("the length of the reverse of 'abc'") in four of ten, else in sequence.

    Only for operations that this side's wordings can join (`joinable`).
    """
    a, b = _side(first, first_values, draw), _side(second, second_values, draw)
    fitting = chainable(b.table, second.main, "npvq")
    template = draw.choice(fitting)
    if a.nouns() and (draw.chance(0.4) or not a.orders()):
        wording = b.say(template, draw, a.say(draw.choice(a.nouns()), draw))
        frame = draw.choice(frames(draw.wording, template.kind))
        sentence = put(frame, wording, draw, fixed=template.text.startswith("{"))
    else:
        sentence = _in_sequence(a, b, template, draw)
    wants_list = second.out == "list" and "[" not in sentence
    return finish(sentence, second, draw, yes_no=yes_no, list_wanted=wants_list)


def joinable(first: Operation, second: Operation, side: Side) -> bool:
    """Whether a side has wordings for a chain of the two."""
    opens = any(t.kind in "npv" and "{name}" not in t.text and "!r}" not in t.text for t in first.templates(side))
    return opens and bool(chainable(second.templates(side), second.main, "npvq"))


def _side(operation: Operation, values: Values, draw: Draw) -> _Side:
    return _Side(operation, operation.templates(draw.wording), shower(operation, values, draw))


def _in_sequence(a: _Side, b: _Side, template_b: Template, draw: Draw) -> str:
    """Two clauses; the second one calls the first one's result "the result", "it", ..."""
    template_a = draw.choice(a.nouns() if a.nouns() and (not a.orders() or draw.chance(0.25)) else a.orders())
    plural = b.operation.takes in ("ints", "words", "matrix")
    it = draw.choice(frames(draw.wording, "it_list" if plural else "it"))
    said_a, said_b = a.say(template_a, draw), b.say(template_b, draw, it)
    frame = draw.choice(frames(draw.wording, ("v" if template_a.kind == "v" else "n") + template_b.kind))
    text = frame.replace("{name}", draw.name()) if "{name}" in frame else frame
    fixed = template_a.text.startswith("{") or said_a[0] in QUOTES
    capital_a = said_a if fixed else said_a[0].upper() + said_a[1:]
    capital_b = said_b[0].upper() + said_b[1:]
    for slot, value in (("{A}", capital_a), ("{a}", said_a), ("{B}", capital_b), ("{b}", said_b)):
        text = text.replace(slot, value.rstrip(".") if f"{slot}." in text or f"{slot}?" in text else value)
    return text
