"""The expert's moves: short thoughts, minimal code, the answer read from the real observation."""

from __future__ import annotations

import re
from collections.abc import Callable

from deepcoder.problems.contracts import Move, Script
from deepcoder.records import Action, Step, fence_python

SHORT = 24
_ERROR = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Iteration)\b")


def failed(observation: str) -> bool:
    """Whether an observation reports an exception (its last line names one) or nothing at all."""
    lines = observation.strip().splitlines()
    return not lines or _ERROR.match(lines[-1]) is not None


def run(thought: str, code: str) -> Move:
    """Execute code that is known beforehand; not after an error."""

    def move(seen: str) -> Step | None:
        if seen and failed(seen):
            return None
        return Step(thought=thought, action=Action.EXECUTE_PYTHON, input=code)

    return move


def run_with(make: Callable[[str], tuple[str, str] | None]) -> Move:
    """Execute code that depends on the observation: `make(observation)` gives thought and code."""

    def move(seen: str) -> Step | None:
        made = None if failed(seen) else make(seen.strip())
        return None if made is None else Step(thought=made[0], action=Action.EXECUTE_PYTHON, input=made[1])

    return move


def repair(exception: str, thought: str, code: str) -> Move:
    """After the expected exception: say what went wrong, run the corrected code."""

    def move(seen: str) -> Step | None:
        lines = seen.strip().splitlines()
        if not lines or exception not in lines[-1]:
            return None
        return Step(thought=f"{exception}: {thought}", action=Action.EXECUTE_PYTHON, input=code)

    return move


def look_up(thought: str, query: str) -> Move:
    """Search the documentation."""

    def move(seen: str) -> Step | None:
        return Step(thought=thought, action=Action.RETRIEVE_KNOWLEDGE, input=query)

    return move


def conclude(seen: str) -> Step | None:
    """Finish with the observation as it is."""
    if failed(seen):
        return None
    return finish_with(seen.strip())


def conclude_by(extract: Callable[[str], str | None], thought: str) -> Move:
    """Finish with what `extract` finds in the observation; `{}` in the thought stands for it."""

    def move(seen: str) -> Step | None:
        found = extract(seen)
        return None if found is None else Step(thought=thought.format(found), action=Action.FINISH, input=found)

    return move


def hand_in(code: str) -> Move:
    """Finish with a program, once its trial run went well."""

    def move(seen: str) -> Step | None:
        if failed(seen):
            return None
        return Step(thought="The function works.", action=Action.FINISH, input=fence_python(code))

    return move


def finish_with(answer: str) -> Step:
    """The last step; a long answer is not said twice."""
    short = len(answer) <= SHORT and "\n" not in answer
    thought = f"The result is {answer}." if short else "The output is the answer."
    return Step(thought=thought, action=Action.FINISH, input=answer)


def compute(thought: str, code: str) -> Script:
    """One execution, then its output as the answer."""
    return Script((run(thought, code), conclude))


def lower(thought: str) -> str:
    """A thought as a part of another: no capital, no full stop."""
    return thought[0].lower() + thought[1:].rstrip(".")
