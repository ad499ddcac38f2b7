"""A trajectory as runs of text, each with its span: what is trained can be seen without a tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from deepcoder.records import Trajectory, render_action, render_observation, render_step, render_thought

_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {127: "\u2421"}


class Part(StrEnum):
    """The role of a run of text: the four spans, and an assistant's text in which no action could be read."""

    PROMPT = "prompt"
    REASON = "reason"
    ACT = "act"
    OBSERVATION = "observation"
    UNREAD = "unread"


class Run(NamedTuple):
    """`step`: its index, -1 for the prompt."""

    step: int
    part: Part
    text: str


def runs_of(trajectory: Trajectory) -> Iterator[Run]:
    """The canonical chat in order; the texts of one turn, joined, are its message. The prompt is the bare problem."""
    yield Run(-1, Part.PROMPT, trajectory.problem)
    for number, step in enumerate(trajectory.steps):
        if step.action:
            yield Run(number, Part.REASON, render_thought(step))
            yield Run(number, Part.ACT, render_action(step))
        else:
            yield Run(number, Part.UNREAD, render_step(step))
        if step.observation is not None:
            yield Run(number, Part.OBSERVATION, render_observation(step.observation))


def outcome_of(trajectory: Trajectory) -> str:
    """One word: verified, the rule that rejected the run, what the judge said, or why the run did not finish."""
    if trajectory.verified:
        return "verified"
    if trajectory.rejection is not None:
        return trajectory.rejection.reason
    if trajectory.stop_reason != "finished":
        return trajectory.stop_reason.value
    return trajectory.verdict.outcome.value if trajectory.verdict else "not judged"


def visible(text: str) -> str:
    """Untrusted text must not steer a terminal: control characters as pictures, lone surrogates as "?"."""
    return text.translate(_PICTURES).encode(errors="replace").decode()
