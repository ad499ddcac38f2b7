"""A trajectory in the chat forms of other trainers.

    trl         {"messages": [...]}: TRL's conversational language modelling; SFTConfig(assistant_only_loss=True)
                trains the assistant's turns
    trl-steps   {"prompt": [...], "completion": [...]}, a row for each step that could be read: TRL trains the
                completion alone, with any chat template
    ms-swift    {"messages": [...]}, ms-swift's standard form; a step that could not be read has "loss": false

Every row also has problem_id and trajectory_id, which both trainers pass over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deepcoder.records import Trajectory

Row = dict[str, Any]


def _trl(run: Trajectory, prompt: str) -> Iterator[Row]:
    yield {"messages": _messages(run, prompt)}


def _trl_steps(run: Trajectory, prompt: str) -> Iterator[Row]:
    messages = _messages(run, prompt)
    for place, read in _assistant_turns(run):
        if read:
            yield {"prompt": messages[:place], "completion": [messages[place]]}


def _ms_swift(run: Trajectory, prompt: str) -> Iterator[Row]:
    messages = _messages(run, prompt)
    for place, read in _assistant_turns(run):
        if not read:
            messages[place] = {**messages[place], "loss": False}
    yield {"messages": messages}


FORMATS: dict[str, Callable[[Trajectory, str], Iterator[Row]]] = {
    "trl": _trl,
    "trl-steps": _trl_steps,
    "ms-swift": _ms_swift,
}


def rows_of(run: Trajectory, form: str, prompt: str) -> Iterator[Row]:
    """The rows of one trajectory; `prompt` is its first user message."""
    for row in FORMATS[form](run, prompt):
        yield {**row, "problem_id": run.problem_id, "trajectory_id": run.trajectory_id}


def _messages(run: Trajectory, prompt: str) -> list[dict[str, Any]]:
    return [message.model_dump() for message in run.messages(prompt)]


def _assistant_turns(run: Trajectory) -> Iterator[tuple[int, bool]]:
    """(place among the messages, whether an action was read) of each step."""
    place = 1
    for step in run.steps:
        yield place, bool(step.action)
        place += 1 if step.observation is None else 2
