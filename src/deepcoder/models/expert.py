"""`expert`: a programmatic teacher behind the same interface as every other one.

A problem source knows how its own problems are solved and offers a policy for each: given the steps
so far, the next one. The expert reads those steps back from the chat, as any model would, so that it
reacts to what its tools really returned. No randomness, no network, no tokens counted.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Protocol

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from deepcoder.errors import ModelUnavailable
from deepcoder.parser import ParseFailure, parse_step
from deepcoder.records import OBSERVATION, Step, render_step


class Policy(Protocol):
    """A known way to solve one problem."""

    def next_step(self, steps: Sequence[Step]) -> Step:
        """The step that follows `steps`; it may depend on the last one's observation."""
        ...


class ExpertModels:
    """One expert a problem."""

    name = "expert"

    def __init__(self, policies: Callable[[str], Policy | None]) -> None:
        self._policies = policies

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """Raises ModelUnavailable where the problem source knows no solution."""
        policy = self._policies(problem_id)
        if policy is None:
            raise ModelUnavailable(
                f"the expert knows no solution of problem {problem_id}",
                hint="it solves only problems whose source has solutions; choose another teacher.model for these",
            )
        return ExpertChatModel(policy=policy)

    async def preflight(self) -> None:
        """Nothing can be missing."""

    async def aclose(self) -> None:
        """Nothing is open."""


class ExpertChatModel(BaseChatModel):
    """A chat model that follows one policy."""

    policy: Any
    model_name: str = "expert"

    @property
    def _llm_type(self) -> str:
        return "deepcoder-expert"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(self._text(messages), response_metadata={"finish_reason": "stop"})
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for piece in re.findall(r"\s*\S+|\s+$", self._text(messages)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        yield ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata={"finish_reason": "stop"}))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            yield chunk

    def _text(self, messages: Sequence[BaseMessage]) -> str:
        return render_step(self.policy.next_step(steps_of(messages)))


def steps_of(messages: Sequence[BaseMessage]) -> list[Step]:
    """The steps in a chat, each with the observation that followed it (None for the last, if none did)."""
    steps: list[Step] = []
    for message in messages:
        text = str(message.text)
        if message.type == "ai":
            step = parse_step(text)
            if isinstance(step, ParseFailure):
                step = Step(thought=text, action="", input="", error=step.error)
            steps.append(step)
        elif steps:
            steps[-1] = steps[-1].model_copy(update={"observation": text.removeprefix(OBSERVATION).removeprefix(" ")})
    return steps
