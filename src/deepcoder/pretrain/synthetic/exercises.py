"""Exercises: an instruction in words, a program that does it, what the program really prints.

An exercise is one operation or a chain of up to three. Its instruction and its plan are two independent wordings of
the same thing, so that a model learns which wordings mean the same.
"""

from __future__ import annotations

import builtins
import calendar
import heapq
import itertools
import math
import os.path
import re
import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from deepcoder.pretrain.synthetic.grammar import Operation, expand, fill, operations
from deepcoder.pretrain.synthetic.operands import (
    REFERENCES,
    VARIABLES,
    Value,
    mention,
    operand,
    parameter,
    shape,
    slot_texts,
)
from deepcoder.pretrain.synthetic.words import NAMES, Words

PARAMETERS = frozenset(["n", "small", "k", "letter", "otherletter", "width", "modulus", "terms", "w"])
CHAINABLE = frozenset(["word", "text", "ints", "words", "int", "mid"])
NAMESPACE: dict[str, Any] = {
    "Counter": Counter,
    "calendar": calendar,
    "date": date,
    "datetime": datetime,
    "groupby": itertools.groupby,
    "heapq": heapq,
    "itertools": itertools,
    "math": math,
    "os": os,
    "re": re,
    "statistics": statistics,
    "timedelta": timedelta,
}
LONGEST_OUTPUT = 240


@dataclass(frozen=True)
class Stage:
    """One operation with its operands. `expression` is the table's code, in slot names."""

    operation: Operation
    values: dict[str, Value]
    expression: str
    result: Value


@dataclass(frozen=True)
class Exercise:
    """`instruction` and `plan` are wordings; `program` prints `output`; `stages` are what it is made of."""

    instruction: str
    plan: str
    program: str
    output: str
    stages: tuple[Stage, ...]


def bind(operation: Operation, rng: Random, words: Words, subject: Value = None) -> dict[str, Value]:
    """Values for the operation's slots. `subject`: the value of x, where an earlier stage gave it."""
    values: dict[str, Value] = {"x": subject} if subject is not None else operand(operation.takes[0], rng, words)
    for kind in operation.takes[1:]:
        if kind in PARAMETERS:
            values |= parameter(kind, values.get("x"), rng)
        else:
            values["y"] = operand(kind, rng, words)["x"]
    if not operation.takes[0] or "x" not in values:
        values |= {k: v for k, v in parameter(operation.takes[0], None, rng).items() if k not in values}
    for name in ("v", "w"):
        if name in operation.slots and name not in values:
            values[name] = rng.choice(values["x"] if isinstance(values["x"], list) else values["x"].split())
    return {name: value for name, value in values.items() if name in operation.slots}


def evaluate(operation: Operation, expression: str, values: dict[str, Value]) -> Value:
    """The value of a table expression."""
    names = NAMESPACE | values
    if operation.definition:
        exec(operation.definition, names)
    return eval(expression, names)


def make_stage(operation: Operation, rng: Random, words: Words, subject: Value = None) -> Stage | None:
    """An operation on random operands; None where they do not suit it."""
    try:
        if operation.takes[0] in PARAMETERS and subject is None:
            values: dict[str, Value] = {}
            for kind in operation.takes:
                values |= {k: v for k, v in parameter(kind, None, rng).items() if k in operation.slots}
        else:
            values = bind(operation, rng, words, subject)
        expression = rng.choice(operation.code)
        result = evaluate(operation, expression, values)
    except (ValueError, IndexError, ZeroDivisionError, OverflowError, StopIteration, TypeError):
        return None
    if len(str(result)) > LONGEST_OUTPUT or result == "" or result == []:
        return None
    return Stage(operation, values, expression, result)


@cache
def followers(coarse: str) -> tuple[Operation, ...]:
    """Operations that can take a result of this coarse type as their subject and need but parameters besides."""
    return tuple(
        operation
        for operation in operations()
        if operation.takes[0] in CHAINABLE
        and shape(operation.takes[0]) == coarse
        and all(kind in PARAMETERS for kind in operation.takes[1:])
    )


def following_stage(last: Stage, rng: Random, words: Words) -> Stage | None:
    """A stage whose subject is the last one's result, None where the drawn one does not fit."""
    choices = followers(shape(last.operation.gives))
    operation = rng.choice(choices) if choices else last.operation
    kind, value = operation.takes[0], last.result
    if operation == last.operation or (kind == "mid" and not 2 <= value <= 200) or (shape(kind) == "int" and value < 2):
        return None
    return make_stage(operation, rng, words, value)


def make_stages(rng: Random, words: Words, length: int) -> tuple[Stage, ...]:
    """A chain of stages, at most `length` of them."""
    table = operations()
    while (first := make_stage(rng.choice(table), rng, words)) is None:
        pass
    stages = [first]
    while len(stages) < length:
        following = following_stage(stages[-1], rng, words)
        if following is None:
            break
        stages.append(following)
    return tuple(stages)


# --- programs -----------------------------------------------------------------------------------


def substitute(expression: str, texts: dict[str, str]) -> str:
    """Put texts for slot names into an expression; an integer before a dot gets parentheses."""
    if not texts:
        return expression

    def text(match: re.Match[str]) -> str:
        new = texts[match.group(1)]
        before_dot = expression[match.end() : match.end() + 1] == "."
        return f"({new})" if before_dot and new.lstrip("-").isdigit() else new

    names = "|".join(sorted(texts))
    return re.sub(rf"(?<![\w.'%])({names})(?![\w'])", text, expression)


def _named(values: dict[str, Value], kinds: tuple[str, ...], rng: Random, taken: set[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for slot in values:
        pool = VARIABLES.get(shape(kinds[0]), VARIABLES["int"]) if slot == "x" else VARIABLES[slot]
        free = [name for name in pool if name not in taken] or [f"{pool[0]}_{len(taken)}"]
        chosen[slot] = rng.choice(free)
        taken.add(chosen[slot])
    return chosen


def program(stages: tuple[Stage, ...], rng: Random) -> str:
    """Python that computes the chain and prints its result, in one of several styles."""
    imports = [
        line for stage in stages for line in stage.operation.imports.splitlines() if _needs(line, stage.expression)
    ]
    definitions = [stage.operation.definition for stage in stages if stage.operation.definition]
    lines: list[str] = []
    taken: set[str] = set()
    before = ""
    inline = rng.random() < 0.3
    for index, stage in enumerate(stages):
        values = {k: v for k, v in stage.values.items() if not (k == "x" and before)}
        if inline or rng.random() < 0.15:
            texts = {slot: repr(value) for slot, value in values.items()}
        else:
            names = _named(values, stage.operation.takes, rng, taken)
            constant = {slot for slot in values if slot in "cdnmkw" and rng.random() < 0.75}
            lines += [f"{names[slot]} = {value!r}" for slot, value in values.items() if slot not in constant]
            texts = {slot: repr(values[slot]) if slot in constant else names[slot] for slot in values}
        if before:
            texts["x"] = before
        expression = substitute(stage.expression, texts)
        if index + 1 < len(stages):
            before = _free(("result", "step", "first", "part", "middle", "found", "made"), rng, taken)
            lines.append(f"{before} = {expression}")
        elif rng.random() < 0.25:
            final = _free(("result", "answer", "output", "total", "found"), rng, taken)
            lines += [f"{final} = {expression}", f"print({final})"]
        else:
            lines.append(f"print({expression})")
    return "\n".join((*dict.fromkeys(imports), *definitions, *lines))


def _free(pool: tuple[str, ...], rng: Random, taken: set[str]) -> str:
    name = rng.choice([name for name in pool if name not in taken] or [f"value_{len(taken)}"])
    taken.add(name)
    return name


def _needs(line: str, expression: str) -> bool:
    names = line.split(" import ")[-1].removeprefix("import ").split(", ")
    return any(re.search(rf"\b{name.split('.')[0]}\b", expression) for name in names)


def printed(code: str) -> str:
    """What a program of ours prints (it is run in this process: never for anyone else's code)."""
    lines: list[str] = []

    def record(*values: object) -> None:
        lines.append(" ".join(map(str, values)))

    exec(compile(code, "<exercise>", "exec"), {"__builtins__": {**vars(builtins), "print": record}})
    return "\n".join(lines)


# --- wordings -----------------------------------------------------------------------------------

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


def make_exercise(rng: Random, words: Words) -> Exercise:
    """A random exercise; its output comes from running its program."""
    while True:
        stages = make_stages(rng, words, rng.choices((1, 2, 3), (0.62, 0.28, 0.10))[0])
        code = program(stages, rng)
        try:
            output = printed(code)
        except (SyntaxError, NameError):
            continue
        if output == str(stages[-1].result):
            return Exercise(instruction(stages, rng, words), plan(stages, rng, words), code, output, stages)
