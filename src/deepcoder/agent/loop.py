"""The one agent loop, for the teacher, evaluation and the service.

    ask the model -> read one step -> run its tool -> append both messages -> again

It ends at `finish`, at a budget (steps, output tokens, steps in a row that cannot be read, seconds), or when
the model's provider gives up. What cannot be read as a step goes back to the model as an observation.
Cancelling the task cancels the model's request and kills a running program.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from deepcoder.agent.events import AgentEvent, EventKind, OnEvent
from deepcoder.agent.prompts import first_message
from deepcoder.agent.start import Start, begun, chat_of, noted
from deepcoder.agent.tools import argument_of, offer_of
from deepcoder.config import AgentConfig
from deepcoder.errors import AuthenticationError, ModelUnavailable, ProviderDown, ProviderError, QuotaExhausted
from deepcoder.models.allowance import token_allowance
from deepcoder.models.clock import time_budget
from deepcoder.parser import ParseFailure, answer_text, parse_step, reasoning_of
from deepcoder.records import (
    Action,
    Step,
    StepError,
    StopReason,
    Trajectory,
    render_observation,
    render_step,
)

FATAL = (AuthenticationError, ModelUnavailable, ProviderDown, QuotaExhausted)
NOTHING_WRITTEN = "(nothing was written)"
_TRUNCATED = (
    "The step was cut off at the limit of tokens. Write a shorter one: a brief thought, then the action and its input."
)


async def run_agent(
    model: BaseChatModel,
    problem: str,
    *,
    problem_id: str = "",
    tools: Sequence[BaseTool],
    config: AgentConfig,
    on_event: OnEvent | None = None,
    instructions: str | None = None,
    stream: bool = False,
    begin: Start | None = None,
    raised: tuple[type[ProviderError], ...] = (),
) -> Trajectory:
    """One run on one problem; the verdict is None (the caller judges).

    `instructions` (full, short, bare) goes before `config.instructions`. `stream` asks the model for
    its text piece by piece and sends `token` events. `begin`: steps taken before (they count towards the budgets
    and are part of the trajectory) and how the next one is led. A provider that fails for good ends the run with
    `model_error`; AuthenticationError, ModelUnavailable, ProviderDown and QuotaExhausted are raised, since
    no other problem can fare better, and so are errors of the kinds in `raised`. Cancellation is passed on.
    """
    prompt = first_message(problem, instructions or config.instructions, [offer_of(tool) for tool in tools])
    lead = begin or Start()
    chat = chat_of(prompt, lead.steps)
    run = _Run(model, {tool.name: tool for tool in tools}, config, on_event, stream, chat, lead, list(lead.steps))
    start = time.monotonic()
    stop, error = await run.until_stopped((*FATAL, *raised))
    answer = answer_text(run.steps[-1].input) if stop is StopReason.FINISHED else None
    await run.emit(EventKind.FINISHED, text=answer, stop_reason=stop)
    name = _model_name(model)
    return Trajectory(
        trajectory_id=_content_id(problem_id, name, run.messages),
        problem_id=problem_id,
        problem=problem,
        prompt=prompt,
        steps=tuple(run.steps),
        answer=answer,
        stop_reason=stop,
        model=name,
        wall_s=time.monotonic() - start,
        error=error,
    )


@dataclass
class _Run:
    """The state of one run. `messages` is what the model has seen and written, in canonical form, notes left out."""

    model: BaseChatModel
    tools: dict[str, BaseTool]
    config: AgentConfig
    on_event: OnEvent | None
    stream: bool
    messages: list[BaseMessage]
    lead: Start
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arguments = {name: argument_of(tool) for name, tool in self.tools.items()}

    async def until_stopped(self, raised: tuple[type[ProviderError], ...]) -> tuple[StopReason, str]:
        """Steps until the run ends: why it ended, and the provider's error if that was it and is not to be raised."""
        try:
            async with asyncio.timeout(self.config.timeout_s) as timeout:
                with time_budget(timeout):
                    return await self._until_stopped(), ""
        except TimeoutError:
            return StopReason.TIMEOUT, ""
        except raised:
            raise
        except ProviderError as error:
            return StopReason.MODEL_ERROR, str(error)

    async def _until_stopped(self) -> StopReason:
        while (stop := budget_spent(self.steps, self.config, before=len(self.lead.steps))) is None:
            if (await self._step()).action == Action.FINISH:
                return StopReason.FINISHED
        return stop

    def _tokens_left(self) -> int:
        return self.config.max_tokens - sum(step.output_tokens for step in self.steps)

    async def _step(self) -> Step:
        """Ask, read, act; the step is appended to `steps` and `messages`."""
        await self.emit(EventKind.MODEL_STARTED)
        start = time.monotonic()
        with token_allowance(self._tokens_left()):
            message = await self._ask()
        step = read_message(message, self.arguments).model_copy(update={"model_s": time.monotonic() - start})
        if step.action:
            step, self.lead = begun(step, self.lead.thought), Start()
        await self.emit(EventKind.THOUGHT, text=step.thought)
        if step.action:
            await self.emit(EventKind.ACTION, text=step.input, action=step.action)
        if step.action and step.action != Action.FINISH:
            step = await self._act(step)
        self.steps.append(step)
        self.messages.append(AIMessage(render_step(step)))
        if step.observation is not None:
            self.messages.append(HumanMessage(render_observation(step.observation)))
            await self.emit(EventKind.OBSERVATION, text=step.observation, error=step.error, back=1)
        return step

    async def _ask(self) -> AIMessage:
        messages = noted(self.messages, self.lead.note)
        if not self.stream:
            return await self.model.ainvoke(messages)
        whole: AIMessageChunk | None = None
        async for chunk in self.model.astream(messages):
            if str(chunk.text):
                await self.emit(EventKind.TOKEN, text=str(chunk.text))
            whole = chunk if whole is None else whole + chunk
        return whole if whole is not None else AIMessage("")

    async def _act(self, step: Step) -> Step:
        tool = self.tools[step.action]
        start = time.monotonic()
        message = await tool.ainvoke(
            {
                "type": "tool_call",
                "id": str(len(self.steps)),
                "name": tool.name,
                "args": {self.arguments[tool.name]: step.input},
            }
        )
        return step.model_copy(
            update={
                "observation": clean(str(message.text)),
                "error": StepError.TOOL_FAILED if message.status == "error" else None,
                "tool_s": time.monotonic() - start,
            }
        )

    async def emit(
        self,
        kind: EventKind,
        *,
        text: str | None = None,
        action: str | None = None,
        error: StepError | None = None,
        stop_reason: StopReason | None = None,
        back: int = 0,
    ) -> None:
        """Send an event to the caller, who may be nobody."""
        if self.on_event is not None:
            number = len(self.steps) - back
            await self.on_event(
                AgentEvent(kind=kind, step=number, text=text, action=action, error=error, stop_reason=stop_reason)
            )


def budget_spent(steps: Sequence[Step], config: AgentConfig, *, before: int = 0) -> StopReason | None:
    """The budget, but for seconds, that these steps have used up; None where another may be taken.

    `before`: so many of them the run began with. They count, but one that could not be read is not held against it.
    """
    if len(steps) >= config.max_steps:
        return StopReason.MAX_STEPS
    unreadable = len(list(takewhile(lambda step: not step.action, reversed(steps[before:]))))
    if config.max_unreadable is not None and unreadable >= config.max_unreadable:
        return StopReason.UNREADABLE
    return StopReason.MAX_TOKENS if sum(step.output_tokens for step in steps) >= config.max_tokens else None


def read_message(message: AIMessage, names: Collection[str]) -> Step:
    """The model's message as a Step; one without an action carries its error and what to tell the model.

    `names`: as `parse_step` takes them.
    """
    text = clean(str(message.text))
    usage = message.usage_metadata
    reasoning = reasoning_in(message)
    tokens = {"input_tokens": usage["input_tokens"], "output_tokens": usage["output_tokens"]} if usage else {}
    result = parse_step(text, names)
    if message.response_metadata.get("finish_reason") == "length" or not text.strip():
        result = ParseFailure(StepError.TRUNCATED, _TRUNCATED)
    if isinstance(result, ParseFailure):
        shown = text if text.strip() else NOTHING_WRITTEN
        return Step(
            thought=shown, action="", input="", observation=result.message, error=result.error, raw=text or None,
            reasoning=reasoning, **tokens,
        )  # fmt: skip
    raw = text if text != render_step(result) else None
    return result.model_copy(update={"raw": raw, "reasoning": reasoning, **tokens})


def reasoning_in(message: AIMessage) -> str | None:
    """What the model thought: the provider's separate field, or what stands in leading `<think>` blocks."""
    kept = message.additional_kwargs.get("reasoning_content") or message.additional_kwargs.get("reasoning")
    return clean(str(kept)) if kept else reasoning_of(clean(str(message.text))) or None


def clean(text: str) -> str:
    """Text that has a UTF-8 form: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _content_id(problem_id: str, model: str, messages: Sequence[BaseMessage]) -> str:
    """16 hex digits over what was said: the same run has the same id, whenever it ran."""
    content = json.dumps([problem_id, model, *(str(message.text) for message in messages)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _model_name(model: BaseChatModel) -> str:
    for key in ("model_name", "model", "name"):
        value = getattr(model, key, None)
        if isinstance(value, str) and value:
            return value
    return type(model).__name__
