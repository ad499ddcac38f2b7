"""The first user message of an agent run.

Everything stands in the user turn and nothing in a system prompt, as R1's authors advise; there are
no examples in it, for the same reason. `bare` is the problem's text alone: a student that was
trained on it knows the format by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from deepcoder.errors import ConfigError
from deepcoder.knowledge import STDLIB
from deepcoder.records import Action

Instructions = Literal["full", "short", "bare"]


@dataclass(frozen=True)
class Offer:
    """What the instructions say of an action: `full` in a line of its own, `short` in brackets behind its name."""

    name: str
    full: str
    short: str


def retrieval(subject: str = STDLIB) -> Offer:
    """retrieve_knowledge over `subject`, as `deepcoder.knowledge.subject` words it."""
    wanted = "Python's documentation" if subject == STDLIB else subject
    return Offer(
        Action.RETRIEVE_KNOWLEDGE.value,
        f"searches {subject}. The argument is a symbol or a few words.",
        f"a query for {wanted}",
    )


EXECUTION = Offer(
    Action.EXECUTE_PYTHON.value,
    "runs a Python program in a fresh interpreter (standard library only, no network, no files kept between runs). "
    "Write the program in a ```python fence. Only what it prints comes back, so print what you need.",
    "a program in a ```python fence; print the result",
)
ENDING = Offer(
    Action.FINISH.value,
    "ends the work. The argument is the answer and nothing else: a value as plain text, or, where a function or a "
    "program is asked for, its whole code.",
    "the answer alone",
)
STANDARD = (EXECUTION, retrieval(), ENDING)

_FULL = """\
Solve the problem below step by step. You work in turns: in each turn you write exactly one step and stop; \
the result of its action comes back to you as an Observation.

A step has this form:

Thought: what you know, and what to do next
Action: {names}
Action Input:
the argument

The actions:
{offers}

Never write an Observation yourself.{check}

Problem:
"""
_CHECK = " Check your answer by running code before you finish."

_SHORT = """\
Solve the problem. Write one step, then stop and wait for its Observation:

Thought: reasoning
Action: {offers}
Action Input:
the argument

Problem:
"""


def first_message(problem: str, instructions: str = "full", offers: Sequence[Offer] = STANDARD) -> str:
    """The first user message: the instructions, which tell of the `offers`, then the problem's text as it is.

    Raises ConfigError for instructions other than full, short and bare.
    """
    if instructions == "bare":
        return problem
    if instructions == "short":
        return _SHORT.format(offers=" | ".join(f"{each.name} ({each.short})" for each in offers)) + problem
    if instructions != "full":
        raise ConfigError(f"agent.instructions: {instructions!r} is none of {', '.join(get_args(Instructions))}")
    names = [each.name for each in offers]
    lines = "\n".join(f"- {each.name}: {each.full}" for each in offers)
    check = _CHECK if Action.EXECUTE_PYTHON in names else ""
    return _FULL.format(names=" | ".join(names), offers=lines, check=check) + problem
