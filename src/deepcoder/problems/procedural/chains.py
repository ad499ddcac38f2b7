"""Chains: the result of one operation goes into another. A cell is a pair of operations.

Every pair whose types agree is a cell. One cell in five is held out: that pair is never chained in
training, while both its operations are, with others. The split `held_out_compositions` has only such cells.
"""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from deepcoder.problems.procedural.chain_wording import ask_chain, joinable
from deepcoder.problems.procedural.display import literal
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool
from deepcoder.problems.procedural.expert import compute, lower
from deepcoder.problems.procedural.family import COMPOSITIONS, SPLITS, Made, answer_code, answer_text, untidy
from deepcoder.problems.procedural.operation import Operation, Values, fill, program
from deepcoder.records import AnswerCheck

MAX_INTERMEDIATE, MAX_ANSWER, DRAWS = 90, 90, 20


@dataclass(frozen=True)
class Cell:
    """Two operations, the first one's result being the second one's main input."""

    first: Operation
    second: Operation

    @property
    def key(self) -> str:
        """`reverse>upper`"""
        return f"{self.first.key}>{self.second.key}"


def cells_of(operations: Sequence[Operation]) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """(training cells, held-out cells): disjoint, and each operation of a held-out cell is in a training cell."""
    fitting = [Cell(first, second) for first in operations for second in operations if _fits(first, second)]
    train = [cell for cell in fitting if not _hashed_out(cell)]
    firsts = {cell.first.key for cell in train}
    seconds = {cell.second.key for cell in train}
    held_out = [
        cell for cell in fitting if _hashed_out(cell) and cell.first.key in firsts and cell.second.key in seconds
    ]
    return tuple(train), tuple(held_out)


class ChainFamily:
    """Chains over every operation that takes part in them."""

    name = "chains"
    splits = SPLITS

    def __init__(self, operations: Sequence[Operation], weight: int = 5) -> None:
        self.weight = weight
        self._operations = tuple(operations)

    @cached_property
    def cells(self) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
        """(training cells, held-out cells)"""
        return cells_of(self._operations)

    @property
    def operations(self) -> tuple[str, ...]:
        """Every cell."""
        return tuple(cell.key for side in self.cells for cell in side)

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Cell `index` of a fixed shuffle, so that any few hundred problems touch all operations.

        A cell that gives no sensible problem in some draws (too long, too large) makes way for the next one.
        """
        cells = self.cells[1 if split == COMPOSITIONS else 0]
        if split == COMPOSITIONS:
            cells = tuple(cell for cell in cells if _sealed(cell) == draw.sealed)
        if draw.wording != "train":
            cells = tuple(cell for cell in cells if joinable(cell.first, cell.second, draw.wording))
        cell, first, second, result = _first_that_works(cells, index * _stride(len(cells)), draw)
        yes_no = cell.second.out == "bool" and draw.chance(0.4)
        prompt = ask_chain(cell.first, first, cell.second, second, draw, yes_no=yes_no)
        code = chain_code(cell, first, second, yes_no)
        thought = f"First {lower(cell.first.thought)}, then {lower(cell.second.thought)}."
        answer = answer_text(cell.second, result, yes_no)
        return Made(cell.key, prompt, AnswerCheck(answer=answer), compute(thought, code), min(3, draw.level + 1), code)


def chain_code(cell: Cell, first: Values, second: Values, yes_no: bool) -> str:
    """`r = FIRST` and `print(SECOND of r)`, with what either needs before."""
    shown = {key: literal(value) for key, value in first.items()}
    then = {key: literal(value) for key, value in second.items()} | {cell.second.main: "r"}
    last = answer_code(cell.second, cell.second.expr, yes_no)
    return program(
        [
            fill(cell.first.before, shown),
            f"r = {fill(cell.first.expr, shown)}",
            fill(cell.second.before, then),
            f"print({fill(last.expr, then)})",
        ]
    )


def _first_that_works(cells: Sequence[Cell], start: int, draw: Draw) -> tuple[Cell, Values, Values, object]:
    for number in range(start, start + len(cells)):
        cell = cells[number % len(cells)]
        for _ in range(DRAWS):
            with contextlib.suppress(LookupError):
                return (cell, *_drawn(cell, draw))
    raise LookupError("no cell works")


def _drawn(cell: Cell, draw: Draw) -> tuple[Values, Values, object]:
    """Parameters of both and the result; LookupError where they make no sensible problem."""
    first, second = cell.first.draw(draw), cell.second.draw(draw)
    if in_held_out_pool((cell.key, sorted(first.items()))) != draw.held_out:
        raise LookupError(f"{cell.key}: parameters of the other side")
    middle = cell.first.answer(**first)
    second.pop(cell.second.main)
    if middle in ("", []) or len(str(middle)) > MAX_INTERMEDIATE or (isinstance(middle, int) and not 1 < middle < 5000):
        raise LookupError(f"{cell.key}: no useful intermediate result")
    try:
        result = cell.second.answer(**{cell.second.main: middle, **second})
    except (ValueError, IndexError, StopIteration) as error:
        raise LookupError(f"{cell.key}: {error}") from None
    if untidy(str(middle)) or untidy(str(result)):
        raise LookupError(f"{cell.key}: blanks that nobody would copy")
    if result == middle or result in ("", []) or len(str(result)) > MAX_ANSWER:
        raise LookupError(f"{cell.key}: the second operation does nothing here")
    return first, second, result


def _fits(first: Operation, second: Operation) -> bool:
    if not first.gives or first.gives != second.takes or first.key == second.key:
        return False
    if first.reorders and second.ignores_order:
        return False
    return not (second.group and first.group == second.group)


def _hashed_out(cell: Cell) -> bool:
    return in_held_out_pool(("cell", cell.key))


def _sealed(cell: Cell) -> bool:
    """Half of the held-out cells, by another hash than the one that holds them out."""
    return zlib.crc32(cell.key.encode()) % 2 == 1


def _stride(count: int) -> int:
    """A step coprime to `count`, near the golden section: neighbours in the order are unlike each other."""
    step = max(1, round(count * 0.618))
    while math.gcd(step, count) != 1:
        step += 1
    return step
