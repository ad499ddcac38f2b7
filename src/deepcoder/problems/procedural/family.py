"""What a family is, and the plain kind: a table of operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from deepcoder.problems.contracts import Script
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool
from deepcoder.problems.procedural.expert import compute
from deepcoder.problems.procedural.operation import Operation, Values
from deepcoder.problems.procedural.wording import ask
from deepcoder.records import AnswerCheck, Check

TRAIN, PARAMETERS, WORDING, COMPOSITIONS = (
    "train", "held_out_parameters", "held_out_wording", "held_out_compositions",
)  # fmt: skip
SPLITS = (TRAIN, PARAMETERS, WORDING, COMPOSITIONS)
MAX_TRIES = 80


@dataclass(frozen=True)
class Made:
    """A generated problem before it has an id. `code`: a program that prints the answer, where one does."""

    operation: str
    prompt: str
    check: Check
    script: Script
    difficulty: int
    code: str | None = None


class Family(Protocol):
    """A kind of problem."""

    @property
    def name(self) -> str:
        """The family's name, as in problem ids."""
        ...

    @property
    def weight(self) -> int:
        """Its share in a mixed split."""
        ...

    @property
    def operations(self) -> tuple[str, ...]:
        """The keys of its operations."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that it has problems for."""
        ...

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Problem number `index` of a split; everything random comes from `draw`."""
        ...


class OperationFamily:
    """A family that is a table of operations, taken in turn."""

    splits = (TRAIN, PARAMETERS, WORDING)

    def __init__(self, name: str, table: Sequence[Operation], weight: int = 1) -> None:
        self.name, self.weight, self.table = name, weight, tuple(table)
        self.operations = tuple(operation.key for operation in table)

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Operation `index` modulo their number, with fresh parameters and wording."""
        operation = self.table[index % len(self.table)]
        values = draw_values(operation, draw)
        yes_no = operation.out == "bool" and draw.chance(0.4)
        prompt = ask(operation, values, draw, yes_no=yes_no)
        code = answer_code(operation, operation.expr, yes_no).code(values)
        answer = answer_text(operation, operation.answer(**values), yes_no)
        if untidy(answer):
            raise LookupError(f"{operation.key}: {answer!r} has blanks that nobody would copy")
        script = compute(operation.thought, code)
        return Made(operation.key, prompt, AnswerCheck(answer=answer), script, draw.level, code)


def draw_values(operation: Operation, draw: Draw) -> Values:
    """Parameters of this side: (operation, parameters) never occurs in training and in a held-out split.

    LookupError where MAX_TRIES draws gave none: some operations have few parameters at a level.
    """
    for _ in range(MAX_TRIES):
        values = operation.draw(draw)
        if in_held_out_pool((operation.key, sorted(values.items()))) == draw.held_out:
            return values
    raise LookupError(f"{operation.key}: no parameters of this side in {MAX_TRIES} draws")


def untidy(answer: str) -> bool:
    """Blanks at an end or in a row: lost by the tool or by whoever copies the answer."""
    return answer != answer.strip() or "  " in answer


def answer_code(operation: Operation, expr: str, yes_no: bool) -> Operation:
    """The operation with an expression that prints the answer in the form asked for."""
    if operation.out == "float2":
        return replace(operation, expr=f"round({expr}, 2)")
    if yes_no:
        return replace(operation, expr=f"'yes' if {expr} else 'no'")
    return operation if expr == operation.expr else replace(operation, expr=expr)


def answer_text(operation: Operation, value: object, yes_no: bool) -> str:
    """What `print` shows of the answer."""
    if operation.out == "float2":
        assert isinstance(value, int | float)
        return str(round(value, 2))
    if yes_no:
        return "yes" if value else "no"
    return str(value)
