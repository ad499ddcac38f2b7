"""How people ask for two things in a row: one after the other, or one inside the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.frames import frames_for, lines
from deepcoder.problems.procedural.operation import Operation, Template, Values
from deepcoder.problems.procedural.wording import QUOTES, chainable, fill_template, finish, put, shower

# By the kinds of the two wordings: v an order, n a singular and p a plural noun phrase, q a sentence.
TRAIN = {
    "vv": lines("""
        {A}, then {b}.
        First {a}, then {b}.
        {A} and then {b}.
        {A}. Then {b}.
        {A}; after that, {b}.
        {A}. Next, {b}.
        Please {a} and then {b}.
        Can you {a} and then {b}?
        Step 1: {a}. Step 2: {b}.
        I want to {a} and then {b}. What do I get?
        What do you get if you {a} and then {b}?
        {name} wants to {a}, then {b}. What comes out?
        You should {a}, and afterwards {b}.
        {a}, {b}
        1. {A} 2. {B}
    """),
    "vn": lines("""
        {A}. What is {b}?
        {A}, then find {b}.
        {A} and give me {b}.
        {A}, then tell me {b}.
        If you {a}, what is {b}?
        After you {a}, what is {b}?
        First {a}, then compute {b}.
        {A}; then print {b}.
    """),
    "vp": lines("""
        {A}. What are {b}?
        {A}, then find {b}.
        {A} and give me {b}.
        If you {a}, what are {b}?
        First {a}, then list {b}.
        {A}; then print {b}.
    """),
    "vq": lines("""
        {A}. {B}
        First {a}. {B}
        {A}, then answer this: {b}
        Please {a}. {B}
    """),
    "nv": lines("""
        Take {a} and {b}.
        Take {a}, then {b}.
        Get {a}, then {b}.
        Find {a}; then {b}.
        Start with {a} and {b}.
        Compute {a} and then {b}.
        Work out {a}. Then {b}.
    """),
    "nn": lines("""
        Take {a}. What is {b}?
        Start with {a}. What is {b}?
        Find {a}, then find {b}.
        Compute {a} and tell me {b}.
        Look at {a}. What is {b}?
    """),
    "np": lines("""
        Take {a}. What are {b}?
        Start with {a}. What are {b}?
        Find {a}, then find {b}.
        Compute {a} and tell me {b}.
        Look at {a}. What are {b}?
    """),
    "nq": lines("""
        Take {a}. {B}
        Find {a}. {B}
        Start with {a}. {B}
        Look at {a}. {B}
    """),
}  # fmt: skip
HELD_OUT = {
    "vv": lines("""
        {A}, and once that is done {b}.
        Begin by doing this: {a}. Finish with this: {b}.
        Do two things in order: {a}; {b}.
        What results when somebody sets out to {a} and finally to {b}?
        Two steps for you. One: {a}. Two: {b}.
    """),
    "vn": lines("""
        {A}, and report {b}.
        Once you {a}, let me know {b}.
        My plan is to {a}; I then need {b}.
    """),
    "vp": lines("""
        {A}, and report {b}.
        Once you {a}, let me see {b}.
        My plan is to {a}; I then need {b}.
    """),
    "vq": lines("""
        {A}, and with that done: {b}
        Let us first {a}. {B}
    """),
    "nv": lines("""
        With {a} at hand, {b}.
        Go from {a} and {b}.
        Using {a}, {b}.
    """),
    "nn": lines("""
        With {a} at hand, report {b}.
        Considering {a}, I'd like to know {b}.
    """),
    "np": lines("""
        With {a} at hand, report {b}.
        Considering {a}, I'd like to see {b}.
    """),
    "nq": lines("""
        With {a} at hand: {b}
        Think of {a}. {B}
    """),
}  # fmt: skip
IT_TRAIN = ("the result", "the result", "the result", "that", "the outcome", "it", "what you get")
LIST_TRAIN = ("the result", "the result", "the new list", "what you get", "the list you get", "that list")
IT_HELD_OUT = ("the new value", "the intermediate result", "what has come out", "the result")


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
        return [t for t in self.table if t.kind == "v"]

    def say(self, template: Template, draw: Draw, main: str | None = None) -> str:
        """The template filled; `main` stands in the place of the main parameter."""
        if main is None:
            return fill_template(template, self.shown, draw)
        key = self.operation.main
        return fill_template(template, lambda k, raw: main if k == key else self.shown(k, raw), draw)


def ask_chain(
    first: Operation, first_values: Values, second: Operation, second_values: Values, draw: Draw, *,
    held_out_wording: bool, yes_no: bool,
) -> str:  # fmt: skip
    """The prompt of a chain: nested ("the length of the reverse of 'abc'") in four of ten, else in sequence.

    LookupError where the tables of this side have no wordings that fit together.
    """
    frames = frames_for(held_out_wording)
    a, b = _side(first, first_values, draw, held_out_wording), _side(second, second_values, draw, held_out_wording)
    fitting = chainable(b.table, second.main, "npvq")
    if not fitting or not (a.nouns() or a.orders()):
        raise LookupError(f"{first.key}>{second.key}: no wording of this side fits")
    template = draw.choice(fitting)
    if a.nouns() and (draw.chance(0.4) or not a.orders()):
        wording = b.say(template, draw, a.say(draw.choice(a.nouns()), draw))
        frame = draw.choice(frames.around(template.kind))
        sentence = put(frame, wording, draw, fixed=template.text.startswith("{"))
    else:
        sentence = _in_sequence(a, b, template, draw, held_out_wording)
    wants_list = second.out == "list" and "[" not in sentence
    return finish(sentence, second, draw, frames, yes_no=yes_no, list_wanted=wants_list)


def _side(operation: Operation, values: Values, draw: Draw, held_out_wording: bool) -> _Side:
    table = operation.held_out_templates if held_out_wording else operation.train_templates
    return _Side(operation, table, shower(operation, values, draw))


def _in_sequence(a: _Side, b: _Side, template_b: Template, draw: Draw, held_out: bool) -> str:
    """Two clauses; the second one calls the first one's result "the result", "it", ..."""
    template_a = draw.choice(a.nouns() if a.nouns() and (not a.orders() or draw.chance(0.25)) else a.orders())
    plural = b.operation.takes in ("ints", "words", "matrix")
    it = draw.choice(IT_HELD_OUT if held_out else LIST_TRAIN if plural else IT_TRAIN)
    said_a, said_b = a.say(template_a, draw), b.say(template_b, draw, it)
    frame = draw.choice((HELD_OUT if held_out else TRAIN)[("v" if template_a.kind == "v" else "n") + template_b.kind])
    text = frame.replace("{name}", draw.name()) if "{name}" in frame else frame
    fixed = template_a.text.startswith("{") or said_a[0] in QUOTES
    capital_a = said_a if fixed else said_a[0].upper() + said_a[1:]
    capital_b = said_b[0].upper() + said_b[1:]
    for slot, value in (("{A}", capital_a), ("{a}", said_a), ("{B}", capital_b), ("{b}", said_b)):
        text = text.replace(slot, value.rstrip(".") if f"{slot}." in text or f"{slot}?" in text else value)
    return text
