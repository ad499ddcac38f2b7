"""Training problems with their solution worked out: raw material for the base model's synthetic corpus."""

from __future__ import annotations

import io
import random
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.families import all_families
from deepcoder.problems.procedural.family import TRAIN, Made
from deepcoder.records import Action, Step

MAX_STEPS = 6


@dataclass(frozen=True)
class WorkedStep:
    """A thought, then a program and what it printed, or a question to the documentation and what it says."""

    thought: str
    input: str
    output: str
    lookup: bool = False


@dataclass(frozen=True)
class Worked:
    """What is asked, the steps, the answer and, after a look-up, how it is read; nothing is in the agent's format."""

    instruction: str
    steps: tuple[WorkedStep, ...]
    answer: str
    family: str
    operation: str
    reading: str = ""


def worked_problems(
    seed: int | str,
    count: float,
    look_up: Callable[[str], str],
    shares: Mapping[str, int] | None = None,
    words: Callable[[random.Random], str] | None = None,
) -> Iterator[Worked]:
    """`count` problems from the split `train` alone: its wording, its parameter pools, its compositions.

    `shares`: weights of families, by name, where they are not the families' own. `words`: see Draw.

    Lazily made, the same for the same seed. `look_up` answers a query to the documentation, or raises LookupError, and
    the problem is left out. The programs are the expert's own and run in this process. A problem whose steps do not
    end in an answer is left out, too.
    """
    weights = {family.name: family.weight for family in all_families() if TRAIN in family.splits} | dict(shares or {})
    families = [family for family in all_families() for _ in range(weights.get(family.name, 0))]
    order = random.Random(f"worked/{seed}")
    made = number = 0
    while made < count:
        family = families[number % len(families)]
        draw = Draw(f"worked/{seed}/{number}", words=words)
        number += 1
        try:
            problem = family.make(draw, TRAIN, order.randrange(1 << 30))
            steps = _work(problem, look_up)
        except LookupError:
            continue
        if steps is not None:
            *before, last = steps
            shown = tuple(
                WorkedStep(step.thought, step.input, step.observation or "", step.action != Action.EXECUTE_PYTHON)
                for step in before
            )
            reading = last.thought if shown[-1].lookup else ""
            yield Worked(problem.prompt, shown, last.input, family.name, problem.operation, reading)
            made += 1


def _work(problem: Made, look_up: Callable[[str], str]) -> list[Step] | None:
    """The expert's steps, the last one finishing; None where it gives up."""
    steps: list[Step] = []
    while len(steps) < MAX_STEPS:
        step = problem.script.next_step(steps)
        if step.action == Action.FINISH:
            return [*steps, step] if steps and "cannot solve" not in step.thought else None
        seen = look_up(step.input) if step.action == Action.RETRIEVE_KNOWLEDGE else printed(step.input)
        steps.append(step.model_copy(update={"observation": seen}))
    return None


def printed(code: str) -> str:
    """What a program prints; after an exception also the line that names it."""
    out = io.StringIO()
    names = {"__name__": "__main__", "print": partial(print, file=out)}  # sys.stdout belongs to every thread
    try:
        exec(compile(code, "<worked>", "exec"), names)
    except Exception as error:
        out.write(traceback.format_exception_only(error)[-1])
    return out.getvalue().strip()
