"""Instruction, code and answer of training problems: raw material for the base model's synthetic corpus."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.families import all_families
from deepcoder.problems.procedural.family import TRAIN
from deepcoder.records import AnswerCheck


@dataclass(frozen=True)
class Pair:
    """What is asked, a program that prints the answer, the answer; nothing of it is in the agent's format."""

    instruction: str
    code: str
    answer: str
    family: str
    operation: str


def training_pairs(seed: int, count: int) -> Iterator[Pair]:
    """`count` pairs from the split `train` alone: its wording, its parameter pools, its compositions.

    Lazily made, the same for the same seed. Families whose answer no single program prints (functions,
    knowledge, several steps, error recovery) are left out.
    """
    families = [family for family in all_families() if TRAIN in family.splits]
    order = random.Random(f"pairs/{seed}")
    made = number = 0
    while made < count:
        family = families[number % len(families)]
        draw = Draw(f"pairs/{seed}/{number}")
        number += 1
        try:
            problem = family.make(draw, TRAIN, order.randrange(1 << 30))
        except LookupError:
            continue
        if problem.code is not None and isinstance(problem.check, AnswerCheck):
            yield Pair(problem.prompt, problem.code, problem.check.answer, family.name, problem.operation)
            made += 1
