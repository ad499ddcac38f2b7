"""A trajectory as turns of a chat whose text is already cut at the span borders."""

from __future__ import annotations

from dataclasses import dataclass

from deepcoder.records import Span, Trajectory, render_action, render_observation, render_step, render_thought

NO_STEP = -1


@dataclass(frozen=True)
class Segment:
    """A piece of text of one span. `step`: the index of its step, NO_STEP for the first message."""

    text: str
    span: Span
    step: int = NO_STEP


@dataclass(frozen=True)
class Turn:
    """One chat message. `trained`: an assistant turn whose end-of-turn token belongs to its ACT span."""

    role: str
    segments: tuple[Segment, ...]
    trained: bool = False

    @property
    def content(self) -> str:
        """The text of the message."""
        return "".join(segment.text for segment in self.segments)

    @property
    def message(self) -> dict[str, str]:
        """The message in the form that chat templates take."""
        return {"role": self.role, "content": self.content}


def turns_of(trajectory: Trajectory, prompt: str) -> list[Turn]:
    """The turns of `trajectory.messages(prompt)`, in the same order and with the same text.

    The first message is PROMPT, a step's thought REASON, its action ACT, its observation OBSERVATION. A
    step in which no action could be read (`action == ""`) is PROMPT: it is context, never a target.
    """
    turns = [Turn("user", (Segment(prompt, Span.PROMPT),))]
    for index, step in enumerate(trajectory.steps):
        if step.action:
            thought, action = render_thought(step), render_action(step)
            segments: tuple[Segment, ...] = (Segment(thought, Span.REASON, index), Segment(action, Span.ACT, index))
        else:
            segments = (Segment(render_step(step), Span.PROMPT, index),)
        turns.append(Turn("assistant", segments, trained=bool(step.action)))
        if step.observation is not None and index + 1 < len(trajectory.steps):
            observation = Segment(render_observation(step.observation), Span.OBSERVATION, index)
            turns.append(Turn("user", (observation,)))
    return turns
