"""A chat model that owns its patience: pacing, waiting out 429s, trying again what is worth it.

It wraps a provider's LangChain model whose SDK has its retries switched off (they ignore a
Retry-After over a minute and go round any rate limiter).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from deepcoder.errors import ModelUnavailable
from deepcoder.models.asynchronous import AsyncChatModel
from deepcoder.models.circuit import Circuit
from deepcoder.models.faults import fault_of
from deepcoder.models.ledger import cached_tokens
from deepcoder.models.pacing import Pacer
from deepcoder.models.persistence import Patience, Persistence, watch_headers

__all__ = ["Patience", "PatientChatModel", "watch_headers"]

_Answer = TypeVar("_Answer", bound=AIMessage)


class PatientChatModel(AsyncChatModel):
    """`inner` with pacing and retries."""

    inner: BaseChatModel
    model_name: str
    key_env: str | None = None
    patience: Patience
    pacer: Pacer
    circuit: Circuit
    explain: Callable[[ModelUnavailable], Awaitable[ModelUnavailable]]

    @property
    def _llm_type(self) -> str:
        return "deepcoder-patient"

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async def once() -> AIMessage:
            async with asyncio.timeout(self.patience.timeout_s):
                message: AIMessage = await self.inner.ainvoke(messages, stop=stop, **kwargs)
            return message

        message = await self._persist(once, _characters(messages))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """Tries again only while nothing has been passed on; a stream that breaks later fails."""
        opened: list[AsyncIterator[AIMessageChunk]] = []

        async def first() -> AIMessageChunk:
            stream = self.inner.astream(messages, stop=stop, **kwargs)
            async with asyncio.timeout(self.patience.timeout_s):
                chunk = await anext(stream)
            opened.append(stream)
            return chunk

        yield ChatGenerationChunk(message=await self._persist(first, _characters(messages)))
        try:
            async with asyncio.timeout(self.patience.timeout_s):
                async for chunk in opened[-1]:
                    yield ChatGenerationChunk(message=chunk)
        except Exception as error:
            raise fault_of(error, self.model_name, self.key_env) from error

    async def _persist(self, once: Callable[[], Awaitable[_Answer]], characters: int) -> _Answer:
        """`once` until it is answered (ProviderError where it is not); the answer says what that took."""
        requests = Persistence(self.model_name, self.key_env, self.patience, self.pacer, self.circuit, self.explain)
        answered = await requests.until_answered(once, _tokens, characters)
        answer = answered.answer
        answer.response_metadata |= {"attempts": answered.attempts, "seconds": answered.seconds}
        return answer


def _characters(messages: Sequence[BaseMessage]) -> int:
    return sum(len(str(message.text)) for message in messages)


def _tokens(message: AIMessage) -> tuple[int, int]:
    """What an answer took of the token budget: input without what was cached, output."""
    usage = message.usage_metadata
    return (usage["input_tokens"] - cached_tokens(message), usage["output_tokens"]) if usage else (0, 0)
