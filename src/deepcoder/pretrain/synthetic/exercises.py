"""Exercises: an instruction in words, a program that does it, what the program really prints.

An exercise is one operation or a chain of up to three. Its instruction and its plan are two independent wordings of
the same thing, so that a model learns which wordings mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from deepcoder.pretrain.synthetic.programs import printed, program
from deepcoder.pretrain.synthetic.stages import Stage, make_stages
from deepcoder.pretrain.synthetic.wordings import instruction, plan
from deepcoder.pretrain.synthetic.words import Words


@dataclass(frozen=True)
class Exercise:
    """`instruction` and `plan` are wordings; `program` prints `output`; `stages` are what it is made of."""

    instruction: str
    plan: str
    program: str
    output: str
    stages: tuple[Stage, ...]


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
