"""Worked problems and look-ups made where training runs, instead of read from the corpus folder: none comes twice.

Needs what `deepcoder.problems` needs (pydantic, yaml) but no documentation index: what the problems look up is carried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from random import Random
from typing import NoReturn

from deepcoder.pretrain.cleaning import FORBIDDEN
from deepcoder.pretrain.synthetic.lookups import Library, lookups
from deepcoder.pretrain.synthetic.sessions import Session, Turn
from deepcoder.pretrain.synthetic.words import Words
from deepcoder.problems import Worked, worked_problems

LONGEST = 1500  # characters
SHARES = {"chains": 10, "documentation": 4, "several_steps": 3}  # what a student finds hardest comes more often


def acceptable(item: Session) -> bool:
    """Neither long nor with a label of the agent at the beginning of a line."""
    parts = [part for turn in item.turns for part in (turn.thought, turn.input, turn.output)]
    text = "\n".join([item.instruction, item.answer, *parts])
    return len(text) <= LONGEST and not FORBIDDEN.search(text)


def sessions(problems: Iterable[Worked]) -> Iterator[Session]:
    """Worked problems as the corpus has them, where they are acceptable."""
    for worked in problems:
        turns = tuple(Turn(step.thought, step.input, step.output, step.lookup) for step in worked.steps)
        item = Session(worked.instruction, turns, worked.answer, worked.reading)
        if acceptable(item):
            yield item


def fresh_sessions(words: Words, seed: str) -> Iterator[Session]:
    """New problems of the training split without end, four in ten words from `words`; the same for the same seed."""
    return sessions(worked_problems(seed, math.inf, _nothing, SHARES, partial(_word, words)))


def fresh_lookups(library: Library, seed: str) -> Iterator[Session]:
    """New look-ups without end; the same for the same seed."""
    return filter(acceptable, lookups(library, seed))


def _word(words: Words, rng: Random) -> str:
    while True:
        word = words.word(rng)
        if 3 <= len(word) <= 12 and word.isascii() and word.isalpha() and word.islower():
            return word


def _nothing(query: str) -> NoReturn:
    raise LookupError(query)
