"""Stages: operations on random operands, alone or in a chain, with their values."""

from __future__ import annotations

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

from deepcoder.pretrain.synthetic.grammar import Operation, operations
from deepcoder.pretrain.synthetic.operands import Value, operand, parameter, shape
from deepcoder.pretrain.synthetic.words import Words

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
