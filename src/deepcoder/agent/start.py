"""Where a run begins when it does not begin at nothing: steps taken before, the next thought's first words, a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from deepcoder.parser import as_thought
from deepcoder.records import Step, render_observation, render_step


@dataclass(frozen=True)
class Start:
    """`steps` stand in the chat as if this run had taken them; each has an observation.

    `thought` begins the thought of the first step that is read. `note` goes with the last message of every
    request until then; it is for the model alone and no part of the trajectory.
    """

    steps: tuple[Step, ...] = ()
    thought: str = ""
    note: str = ""


def chat_of(prompt: str, steps: Sequence[Step]) -> list[BaseMessage]:
    """The messages that a run with these steps has behind it."""
    chat: list[BaseMessage] = [HumanMessage(prompt)]
    for step in steps:
        chat.append(AIMessage(render_step(step)))
        chat.append(HumanMessage(render_observation(step.observation or "")))
    return chat


def noted(messages: Sequence[BaseMessage], note: str) -> list[BaseMessage]:
    """The messages with a note at the end of the last one, so that what precedes it stays the same bytes."""
    return [*messages[:-1], HumanMessage(f"{messages[-1].text}\n\n{note}")] if note else list(messages)


def begun(step: Step, words: str) -> Step:
    """The step with a thought that begins with `words`, which the model may or may not have repeated itself."""
    words = as_thought(words)
    if not words or not step.action or " ".join(step.thought.split()).startswith(" ".join(words.split())):
        return step
    thought = f"{words}\n{step.thought}" if step.thought else words
    return step.model_copy(update={"thought": thought, "raw": step.raw or render_step(step)})
