"""The first user message of an agent run.

Everything stands in the user turn and nothing in a system prompt, as R1's authors advise; there are
no examples in it, for the same reason. `bare` is the problem's text alone: a student that was
trained on it knows the format by heart.
"""

from __future__ import annotations

from typing import Literal, get_args

from deepcoder.errors import ConfigError

Instructions = Literal["full", "short", "bare"]

_FULL = """\
Solve the problem below step by step. You work in turns: in each turn you write exactly one step and stop; \
the result of its action comes back to you as an Observation.

A step has this form:

Thought: what you know, and what to do next
Action: execute_python | retrieve_knowledge | finish
Action Input:
the argument

The actions:
- execute_python: runs a Python program in a fresh interpreter (standard library only, no network, no files kept \
between runs). Write the program in a ```python fence. Only what it prints comes back, so print what you need.
- retrieve_knowledge: searches the documentation of Python's standard library. The argument is a symbol or a few words.
- finish: ends the work. The argument is the answer and nothing else: a value as plain text, or, where a function or a \
program is asked for, its whole code.

Never write an Observation yourself. Check your answer by running code before you finish.

Problem:
{problem}"""

_SHORT = """\
Solve the problem. Write one step, then stop and wait for its Observation:

Thought: reasoning
Action: execute_python (a program in a ```python fence; print the result) | retrieve_knowledge (a query for \
Python's documentation) | finish (the answer alone)
Action Input:
the argument

Problem:
{problem}"""

_TEMPLATES: dict[str, str] = {"full": _FULL, "short": _SHORT, "bare": "{problem}"}


def first_message(problem: str, instructions: str = "full") -> str:
    """The first user message: the instructions, then the problem's text as it is.

    Raises ConfigError for instructions other than full, short and bare.
    """
    template = _TEMPLATES.get(instructions)
    if template is None:
        raise ConfigError(f"agent.instructions: {instructions!r} is none of {', '.join(get_args(Instructions))}")
    return template.replace("{problem}", problem)
