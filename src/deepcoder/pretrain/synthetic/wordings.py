"""Wordings of a chain of stages: as an instruction, and as a plan."""

from __future__ import annotations

from random import Random

from deepcoder.pretrain.synthetic.grammar import expand, fill
from deepcoder.pretrain.synthetic.operands import REFERENCES, mention, shape, slot_texts
from deepcoder.pretrain.synthetic.stages import Stage
from deepcoder.pretrain.synthetic.words import NAMES, Words

_VERB_FRAMES = [
    "{V}.",
    "{V}.",
    "{V}.",
    "Please {v}.",
    "{V} and print the result.",
    "I want you to {v}.",
    "Your task: {v}.",
    "Can you {v}?",
    "Could you {v} for me?",
    "Use Python to {v}.",
    "Your job is to {v}.",
    "{V}, then report the outcome.",
    "We need to {v}.",
    "{name} asks you to {v}.",
    "{V}. Print only the result.",
    "Write a program to {v}.",
    "Show how to {v}.",
    "Help {name} to {v}.",
    "Kindly {v}.",
    "Let us {v}.",
    "{name} has to {v}. What is the result?",
    "The exercise says: {v}.",
    "Try to {v}.",
    "{V} with a short program.",
    "Now {v}.",
]
_NOUN_FRAMES = [
    "Find {n}.",
    "Find {n}.",
    "Determine {n}.",
    "Give {n}.",
    "Give me {n}.",
    "Print {n}.",
    "Tell me {n}.",
    "Show {n}.",
    "I would like to know {n}.",
    "Work out {n}.",
    "Report {n}.",
    "Output {n}.",
    "{name} wants to know {n}.",
    "Compute {n}.",
    "Calculate {n}.",
    "I need {n}.",
    "State {n}.",
    "{name} is looking for {n}.",
    "Please find out {n}.",
    "Can you tell me {n}?",
    "We are interested in {n}.",
    "Produce {n}.",
    "Return {n}.",
    "Write a program that prints {n}.",
    "Use Python to find {n}.",
    "Answer with {n}.",
    "Obtain {n}.",
    "{name} needs {n}.",
]
_WHAT_FRAMES = ["What is {n}?", "What is {n}?", "What's {n}?", "{N}: what is it?"]
_FACT_FRAMES = [
    "Find out {n}.",
    "Determine {n}.",
    "Tell me {n}.",
    "I would like to know {n}.",
    "{name} wants to know {n}.",
    "Say {n}.",
    "Work out {n}.",
    "Can you tell me {n}?",
    "Please check {n}.",
    "Print {n}.",
    "Report {n}.",
]
_OPENINGS = [
    "Given is {x}. ",
    "Here is {x}. ",
    "Consider {x}. ",
    "Take {x}. ",
    "Look at {x}. ",
    "{name} wrote down {x}. ",
    "We start from {x}. ",
    "Input: {x}. ",
    "There is {x} on the board. ",
    "You are given {x}. ",
    "{name} has {x}. ",
    "Think of {x}. ",
    "Suppose we have {x}. ",
]
_SEQUENCE = (
    "{A}, then {b}",
    "First {a}, then {b}",
    "{A}. Then {b}",
    "{A} and after that {b}",
    "{A}; next, {b}",
    "{A}. Afterwards {b}",
    "{A} and then {b}",
    "First {a}. With what you get, {b}",
    "Step 1: {a}. Step 2: {b}",
    "{A}. Finally {b}",
)
_RESULT_NAMES = ["the result", "it", "the outcome", "what you get", "that", "the new value"]
REFERENCE_SHARE = 0.12


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_fact(noun: str) -> bool:
    return noun.startswith(("whether ", "how ", "what ", "where ", "which "))


def noun_phrase(stages: tuple[Stage, ...], rng: Random, words: Words, subject: str | None = None) -> str:
    """The last stage's result as a noun phrase, the earlier stages nested inside it."""
    stage = stages[-1]
    if len(stages) > 1:
        inner = noun_phrase(stages[:-1], rng, words, subject)
        if _is_fact(inner):
            return ""
        subject = inner
    template = expand(rng.choice(stage.operation.nouns), rng)
    return fill(template, slot_texts(stage.values, stage.operation.takes, rng, subject))


def verb_phrase(stage: Stage, rng: Random, subject: str | None = None) -> str:
    """One stage as an imperative, starting with a small letter."""
    template = expand(rng.choice(stage.operation.verbs), rng)
    return fill(template, slot_texts(stage.values, stage.operation.takes, rng, subject))


def _frame(frames: list[str], rng: Random, words: dict[str, str]) -> str:
    return rng.choice(frames).format_map(words)


def _names(rng: Random, text: str) -> dict[str, str]:
    return {"name": rng.choice(NAMES), "n": text, "v": text, "N": _capital(text), "V": _capital(text)}


def instruction(stages: tuple[Stage, ...], rng: Random, words: Words) -> str:
    """A wording of the whole chain."""
    first = stages[0]
    opening, subject = "", None
    if "x" in first.values and rng.random() < 0.25:
        kind = first.operation.takes[0]
        x = mention(kind, first.values["x"], rng)
        opening = rng.choice(_OPENINGS).format(x=x, name=_names(rng, "")["name"])
        subject = rng.choice(REFERENCES.get(shape(kind), ["it"]))
    if len(stages) > 1 and rng.random() < 0.5:
        return opening + _sequence(stages, rng, words, subject)
    if len(stages) == 1 and first.operation.asks and rng.random() < 0.3:
        template = expand(rng.choice(first.operation.asks), rng)
        return opening + _capital(fill(template, slot_texts(first.values, first.operation.takes, rng, subject)))
    if rng.random() < 0.5 and (noun := noun_phrase(stages, rng, words, subject)):
        frames = _FACT_FRAMES if _is_fact(noun) else rng.choice((_NOUN_FRAMES, _NOUN_FRAMES, _WHAT_FRAMES))
        return opening + _frame(frames, rng, _names(rng, noun))
    inner = noun_phrase(stages[:-1], rng, words, subject) if len(stages) > 1 else subject
    if inner is not None and (not inner or _is_fact(inner)):
        return opening + _sequence(stages, rng, words, subject)
    return opening + _frame(_VERB_FRAMES, rng, _names(rng, verb_phrase(stages[-1], rng, inner)))


def _sequence(stages: tuple[Stage, ...], rng: Random, words: Words, subject: str | None) -> str:
    text = verb_phrase(stages[0], rng, subject)
    for stage in stages[1:]:
        following = verb_phrase(stage, rng, rng.choice(_RESULT_NAMES))
        if rng.random() < 0.2 and stage.operation.nouns:
            noun = fill(
                expand(rng.choice(stage.operation.nouns), rng),
                slot_texts(stage.values, stage.operation.takes, rng, "the result"),
            )
            following = ("find out " if _is_fact(noun) else rng.choice(("find ", "give ", "print "))) + noun
        text = rng.choice(_SEQUENCE).format(a=text, A=_capital(text), b=following)
    return _capital(text) + "."


def plan(stages: tuple[Stage, ...], rng: Random, words: Words) -> str:
    """What the program does, in another wording, mostly without repeating the operands."""
    parts = []
    for index, stage in enumerate(stages):
        subject = None if rng.random() < REFERENCE_SHARE else ("the result" if index else _generic(stage))
        parts.append(verb_phrase(stage, rng, subject) if rng.random() < 0.6 else _goal(stage, rng, subject))
    text = ", then ".join(parts)
    return rng.choice(("{t}", "{t}", "I {t}", "The program has to {t}", "We {t}", "So: {t}", "Idea: {t}")).format(
        t=_capital(text) if rng.random() < 0.3 else text
    )


def _generic(stage: Stage) -> str:
    return {"word": "the word", "text": "the text", "ints": "the list", "words": "the words", "int": "the number"}.get(
        shape(stage.operation.takes[0]), "the value"
    )


def _goal(stage: Stage, rng: Random, subject: str | None) -> str:
    template = expand(rng.choice(stage.operation.nouns), rng)
    noun = fill(template, slot_texts(stage.values, stage.operation.takes, rng, subject))
    return f"{rng.choice(('find', 'compute', 'get', 'need'))} {noun}"
