"""Error recovery: the natural first attempt raises an exception, the expert reads it and repairs the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deepcoder.problems.contracts import Script
from deepcoder.problems.procedural.display import literal
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.expert import conclude, repair, run
from deepcoder.problems.procedural.family import PARAMETERS, TRAIN, WORDING, Made, draw_values
from deepcoder.problems.procedural.operation import Operation, fill
from deepcoder.problems.procedural.wording import ask
from deepcoder.records import AnswerCheck


@dataclass(frozen=True)
class Trap:
    """An operation whose first, natural code fails.

    `wrong` raises `exception`; `remedy` says what is to be done; the operation's own code is the repaired one.
    """

    operation: Operation
    wrong: str
    exception: str
    remedy: str


class RecoveryFamily:
    """A table of traps."""

    splits = (TRAIN, PARAMETERS, WORDING)

    def __init__(self, name: str, table: Sequence[Trap], weight: int = 1) -> None:
        self.name, self.weight, self.table = name, weight, tuple(table)
        self.operations = tuple(trap.operation.key for trap in table)

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Trap `index` modulo their number."""
        trap = self.table[index % len(self.table)]
        operation = trap.operation
        values = draw_values(operation, draw)
        prompt = ask(operation, values, draw)
        shown = {key: literal(value) for key, value in values.items()}
        script = Script(
            (
                run(operation.thought, fill(trap.wrong, shown)),
                repair(trap.exception, trap.remedy, operation.code(values)),
                conclude,
            )
        )
        answer = str(operation.answer(**values))
        return Made(operation.key, prompt, AnswerCheck(answer=answer), script, min(3, draw.level + 1))


def trap(
    key: str, wrong: str, exception: str, remedy: str, expr: str, answer: Callable[..., Any],
    draw: Callable[[Draw], dict[str, Any]], thought: str, before: str = "",
) -> Trap:  # fmt: skip
    """A trap in one call, for the tables."""
    operation = Operation(key, expr, answer, draw, thought, before=before, family="error_recovery")
    return Trap(operation, wrong, exception, remedy)
