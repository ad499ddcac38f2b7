"""Worked problems made where training runs, instead of read from the corpus folder: none comes twice.

Needs what `deepcoder.problems` needs (pydantic, yaml) but no documentation index: what looks something up is carried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

from deepcoder.pretrain.cleaning import FORBIDDEN
from deepcoder.pretrain.synthetic.sessions import Session, Turn

if TYPE_CHECKING:
    from deepcoder.problems import Worked

LONGEST = 1500  # characters
SHARES = {"chains": 10, "documentation": 4, "several_steps": 3}  # what a student finds hardest comes more often


def sessions(problems: Iterable[Worked]) -> Iterator[Session]:
    """Worked problems as the corpus has them; long ones and those with a label of the agent are left out."""
    for worked in problems:
        turns = tuple(Turn(step.thought, step.input, step.output, step.lookup) for step in worked.steps)
        parts = [part for turn in turns for part in (turn.thought, turn.input, turn.output)]
        text = "\n".join([worked.instruction, worked.answer, *parts])
        if len(text) <= LONGEST and not FORBIDDEN.search(text):
            yield Session(worked.instruction, turns, worked.answer, worked.reading)


def fresh_sessions(seed: str) -> Iterator[Session]:
    """New problems of the training split without end; the same for the same seed."""
    from deepcoder.problems import worked_problems

    return sessions(worked_problems(seed, math.inf, _nothing, SHARES))


def _nothing(query: str) -> NoReturn:
    raise LookupError(query)
