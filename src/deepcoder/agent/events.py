"""What happens in an agent run, as it happens: for progress displays and the service's event stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

from deepcoder.records import Record, StepError, StopReason


class EventKind(StrEnum):
    """The events of one step in order; `finished` comes once, at the end."""

    MODEL_STARTED = "model_started"
    TOKEN = "token"  # only where the run streams
    THOUGHT = "thought"
    ACTION = "action"
    OBSERVATION = "observation"
    FINISHED = "finished"


class AgentEvent(Record):
    """One event. `step` counts from 0.

    token: `text` is the new piece. thought: `text`. action: `action` and its input in `text`.
    observation: `text`, `error` where it is an error message. finished: `stop_reason`, the answer in
    `text` (None where there is none).
    """

    kind: EventKind
    step: int
    text: str | None = None
    action: str | None = None
    error: StepError | None = None
    stop_reason: StopReason | None = None


OnEvent = Callable[[AgentEvent], Awaitable[None]]
