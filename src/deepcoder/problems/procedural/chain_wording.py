"""How people ask for two things in a row: one after the other, or one inside the other."""

from __future__ import annotations

from collections.abc import Callable

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.frames import frames_for, lines
from deepcoder.problems.procedural.operation import Operation, Template, Values
from deepcoder.problems.procedural.wording import chainable, fill_template, finish, put, shower

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
    "nq": lines("""
        With {a} at hand: {b}
        Think of {a}. {B}
    """),
}  # fmt: skip
IT_TRAIN = ("the result", "the result", "the result", "that", "the outcome", "it", "what you get")
IT_HELD_OUT = ("the new value", "the intermediate result", "what has come out", "the result")


def ask_chain(
    first: Operation, first_values: Values, second: Operation, second_values: Values, draw: Draw, *,
    held_out_wording: bool, yes_no: bool,
) -> str:  # fmt: skip
    """The prompt of a chain: nested ("the length of the reverse of 'abc'") in four of ten, else in sequence."""
    frames = frames_for(held_out_wording)
    table_a = first.held_out_templates if held_out_wording else first.train_templates
    table_b = second.held_out_templates if held_out_wording else second.train_templates
    shown_a, shown_b = shower(first, first_values, draw), shower(second, second_values, draw)
    nouns_a = [t for t in table_a if t.kind in "np" and "{name}" not in t.text and "!r}" not in t.text]
    orders_a = [t for t in table_a if t.kind == "v"]
    inside = chainable(table_b, second.main, "npvq")
    if not inside or not (nouns_a or orders_a):
        raise LookupError(f"{first.key}>{second.key}: no wording of this side fits")
    template_b = draw.choice(inside)
    if nouns_a and (draw.chance(0.4) or not orders_a):
        noun = fill_template(draw.choice(nouns_a), shown_a, draw)
        wording = fill_template(template_b, _with(second.main, noun, shown_b), draw)
        fixed = template_b.text.startswith("{")
        sentence = put(draw.choice(frames.around(template_b.kind)), wording, draw, fixed=fixed)
    else:
        sentence = _in_sequence(
            table_a, orders_a, nouns_a, template_b, shown_a, shown_b, second.main, draw, held_out_wording
        )
    wants_list = second.out == "list" and "[" not in sentence
    return finish(sentence, second, draw, frames, yes_no=yes_no, list_wanted=wants_list)


def _in_sequence(
    table_a: tuple[Template, ...], orders_a: list[Template], nouns_a: list[Template], template_b: Template,
    shown_a: Callable[[str, bool], str], shown_b: Callable[[str, bool], str], main: str, draw: Draw, held_out: bool,
) -> str:  # fmt: skip
    chain_frames = HELD_OUT if held_out else TRAIN
    template_a = draw.choice(nouns_a if nouns_a and (not orders_a or draw.chance(0.25)) else orders_a)
    it = draw.choice(IT_HELD_OUT if held_out else IT_TRAIN)
    a = fill_template(template_a, shown_a, draw)
    b = fill_template(template_b, _with(main, it, shown_b), draw)
    kinds = ("v" if template_a.kind == "v" else "n") + template_b.kind
    frame = draw.choice(chain_frames["nn" if kinds == "np" else kinds])
    text = frame.replace("{name}", draw.name()) if "{name}" in frame else frame
    capital_a = a if template_a.text.startswith("{") or a[0] in "'\"`" else a[0].upper() + a[1:]
    for slot, value in (("{A}", capital_a), ("{a}", a), ("{B}", b[0].upper() + b[1:]), ("{b}", b)):
        text = text.replace(slot, value.rstrip(".") if f"{slot}." in text or f"{slot}?" in text else value)
    return text


def _with(main: str, phrase: str, shown: Callable[[str, bool], str]) -> Callable[[str, bool], str]:
    """Show `main` as a phrase, everything else as before."""
    return lambda key, as_literal: phrase if key == main else shown(key, as_literal)
