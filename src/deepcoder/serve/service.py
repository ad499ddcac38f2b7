"""One agent run for one request: a slot, the student, the tools, the counters; and what clients see of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from langsmith import tracing_context
from pydantic import BaseModel, Field

from deepcoder.agent import AgentEvent, EventKind, OnEvent, make_tools, run_agent
from deepcoder.config import AgentConfig, Config
from deepcoder.errors import ContextFull, ProviderError, SandboxBusy
from deepcoder.knowledge import KnowledgeIndex
from deepcoder.models import ChatModels
from deepcoder.records import StepError, StopReason, Trajectory
from deepcoder.sandbox import Sandbox
from deepcoder.serve.admission import Admission
from deepcoder.serve.metrics import Metrics
from deepcoder.serve.problem import ApiError, invalid
from deepcoder.serve.tracing import Tracing


@dataclass(frozen=True)
class Ask:
    """What a client wants. Budgets of None are the config's; larger ones are cut to the config's."""

    problem: str
    request_id: str
    max_steps: int | None = None
    max_tokens: int | None = None
    timeout_s: float | None = None


class StepView(BaseModel):
    """One step of the run."""

    thought: str
    action: str = Field(description="execute_python, retrieve_knowledge or finish; empty where none could be read")
    input: str
    observation: str | None = Field(description="the tool's result; null on the last step of a finished run")
    error: StepError | None = Field(description="why the observation is an error message")
    input_tokens: int
    output_tokens: int
    model_s: float
    tool_s: float


class Usage(BaseModel):
    """Tokens over all steps."""

    input_tokens: int
    output_tokens: int


class Timings(BaseModel):
    """Seconds: waiting for a free agent, the model, the tools, the whole run (without the wait)."""

    queue_s: float
    model_s: float
    tool_s: float
    run_s: float


class AgentAnswer(BaseModel):
    """The whole result of a run."""

    id: str = Field(description="the request id")
    model: str
    answer: str | None = Field(description="null where the run ended before it had an answer")
    stop_reason: StopReason
    steps: list[StepView]
    usage: Usage
    timings: Timings


class AgentService:
    """Runs agents for requests; shared by every route."""

    def __init__(
        self,
        config: Config,
        models: ChatModels,
        box: Sandbox,
        index: KnowledgeIndex,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._config = config
        self._models = models
        self._metrics = metrics
        self._tracing = tracing
        self._tools = make_tools(box, index, config.agent)
        self._names = frozenset(tool.name for tool in self._tools)
        self.admission = Admission(config.serve, metrics)

    async def run(self, ask: Ask, notes: dict[str, Any], *, on_event: OnEvent | None = None) -> AgentAnswer:
        """The finished run. With `on_event` the model streams. Raises ApiError where there is no result.

        `notes` gets the figures for the log line. Cancelling kills the program that the run has in the sandbox.
        """
        limit = self._config.serve.max_problem_chars
        if len(ask.problem) > limit:
            raise invalid(["body", "problem"], f"longer than {limit} characters", "string_too_long")
        asked = time.perf_counter()
        async with self.admission.slot() as queue_s:
            with self._tracing.run(self._names) as spans:
                watched = spans.over(self._watched(on_event, asked) if on_event else None)
                trajectory = await self._run(ask, watched, stream=on_event is not None)
                spans.finished(trajectory)
        self._metrics.run(trajectory, queue_s)
        answer = view(trajectory, ask.request_id, self._config.serve.model_name, queue_s)
        notes |= {
            "steps": len(answer.steps), "stop": answer.stop_reason.value, **answer.usage.model_dump(),
            **{name: round(value, 4) for name, value in answer.timings.model_dump().items()},
        }  # fmt: skip
        if answer.stop_reason is StopReason.MODEL_ERROR:
            raise _engine_failed()
        return answer

    async def _run(self, ask: Ask, on_event: OnEvent | None, *, stream: bool) -> Trajectory:
        try:
            with tracing_context(enabled=False):  # whatever the environment says: traces hold user text
                return await run_agent(
                    self._models.for_problem(ask.request_id), ask.problem, problem_id=ask.request_id,
                    tools=self._tools, config=_budgets(self._config.agent, ask), on_event=on_event,
                    instructions=self._config.student.instructions, stream=stream,
                    raised=(ContextFull,),
                )  # fmt: skip
        except ContextFull:
            self._metrics.refusals.labels("context").inc()
            # LangChain knows OpenAI's error by these first words.
            detail = "The prompt is too long: the problem and the steps so far do not fit the student's context."
            raise ApiError(400, "context-length-exceeded", detail) from None
        except ProviderError:
            raise _engine_failed() from None
        except SandboxBusy:
            raise ApiError(503, "overloaded", "The sandbox is busy.", retry_after=2) from None

    def _watched(self, on_event: OnEvent, asked: float) -> OnEvent:
        """`on_event`, with the time to the first token measured."""
        waiting = True

        async def watch(event: AgentEvent) -> None:
            nonlocal waiting
            if waiting and event.kind in (EventKind.TOKEN, EventKind.THOUGHT):
                waiting = False
                self._metrics.first_token_seconds.observe(time.perf_counter() - asked)
            await on_event(event)

        return watch


def view(trajectory: Trajectory, request_id: str, model: str, queue_s: float) -> AgentAnswer:
    """What clients see of a trajectory: never a provider's error text, never the prompt."""
    steps = [StepView.model_validate(step.model_dump(include=set(StepView.model_fields))) for step in trajectory.steps]
    return AgentAnswer(
        id=request_id, model=model, answer=trajectory.answer, stop_reason=trajectory.stop_reason, steps=steps,
        usage=Usage(
            input_tokens=sum(step.input_tokens for step in steps),
            output_tokens=sum(step.output_tokens for step in steps),
        ),
        timings=Timings(
            queue_s=queue_s, model_s=sum(step.model_s for step in steps),
            tool_s=sum(step.tool_s for step in steps), run_s=trajectory.wall_s,
        ),
    )  # fmt: skip


def _budgets(config: AgentConfig, ask: Ask) -> AgentConfig:
    """The config's budgets, lowered where the client asks for less."""
    return config.model_copy(
        update={
            "max_steps": min(config.max_steps, ask.max_steps or config.max_steps),
            "max_tokens": min(config.max_tokens, ask.max_tokens or config.max_tokens),
            "timeout_s": min(config.timeout_s, ask.timeout_s or config.timeout_s),
        }
    )


def _engine_failed() -> ApiError:
    return ApiError(503, "engine-unavailable", "The student's engine does not answer.", retry_after=5)
