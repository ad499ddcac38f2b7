"""A chat model that owns its patience: pacing, waiting out 429s, trying again what is worth it.

It wraps a provider's LangChain model whose SDK has its retries switched off (they ignore a
Retry-After over a minute and go round any rate limiter).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from deepcoder.errors import ModelUnavailable, ProviderError, RateLimited
from deepcoder.models.clock import unbilled
from deepcoder.models.faults import Transient, fault_of
from deepcoder.models.pacing import Pacer, Ticket

_Answer = TypeVar("_Answer", bound=AIMessage)
_TICKET: ContextVar[Ticket | None] = ContextVar("deepcoder_request_ticket", default=None)


@dataclass
class Patience:
    """How long to keep trying one request.

    `attempts`: tries on transient failures, `backoff_s * 2**try` apart with full jitter, at most
    `longest_backoff_s`. `max_wait_s`: the longest that a 429 may ask to wait; beyond it (a daily
    quota) the request fails with RateLimited.
    """

    attempts: int = 6
    timeout_s: float = 120.0
    max_wait_s: float = 3600.0
    backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random().random)

    def pause(self, tried: int) -> float:
        """Seconds to wait after the `tried`-th try (from 1)."""
        return self.jitter() * min(self.longest_backoff_s, self.backoff_s * 2.0**tried)


class PatientChatModel(BaseChatModel):
    """`inner` with pacing and retries; asynchronous only."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: BaseChatModel
    model_name: str
    key_env: str | None = None
    patience: Patience
    pacer: Pacer
    explain: Callable[[ModelUnavailable], Awaitable[ModelUnavailable]]

    @property
    def _llm_type(self) -> str:
        return "deepcoder-patient"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("use ainvoke: a provider's model is asynchronous only")

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

        message = await self._persist(once)
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

        yield ChatGenerationChunk(message=await self._persist(first))
        try:
            async with asyncio.timeout(self.patience.timeout_s):
                async for chunk in opened[-1]:
                    yield ChatGenerationChunk(message=chunk)
        except Exception as error:
            raise fault_of(error, self.model_name, self.key_env) from error

    async def _persist(self, once: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """`once`, again and again, until it succeeds or patience ends (ProviderError)."""
        failures = refusals = 0
        while True:
            async with self.pacer.slot() as ticket:
                try:
                    with _sending(ticket):
                        answer = await once()
                except Exception as error:
                    fault = fault_of(error, self.model_name, self.key_env)
                    cause = error
                else:
                    self.pacer.succeeded(ticket, _tokens(answer))
                    answer.response_metadata["attempts"] = failures + refusals + 1
                    return answer
            if isinstance(fault, RateLimited):
                refusals += 1
                self._refused(fault, ticket, refusals, cause)
            elif isinstance(fault, Transient):
                failures += 1
                if failures >= self.patience.attempts:
                    raise ProviderError(f"{fault.message} ({failures} tries)", hint="try again later") from cause
                with unbilled():
                    await self.pacer.clock.sleep(self.patience.pause(failures))
            elif isinstance(fault, ModelUnavailable):
                raise await self.explain(fault) from cause
            else:
                raise fault from cause

    def _refused(self, fault: RateLimited, ticket: Ticket, refusals: int, cause: Exception) -> None:
        """Have the pacer wait as the provider asked, or give up where it asks for too long."""
        wait = fault.retry_after
        if wait is None:
            wait = min(60.0, 2.0 ** (refusals - 1)) * (0.5 + self.patience.jitter())
        if wait > self.patience.max_wait_s:
            asked = f"asks to wait {wait:.0f} s" if wait != float("inf") else "the quota is used up"
            raise RateLimited(
                f"{fault.message} ({asked})",
                retry_after=wait,
                hint="wait for the quota, or allow longer waits: teacher.max_wait_s",
            ) from cause
        self.pacer.refused(ticket, wait)


def watch_headers(pacer: Pacer) -> Callable[[Any], Awaitable[None]]:
    """An httpx response hook that shows the headers of every answer to the pacer."""

    async def hook(response: Any) -> None:
        ticket = _TICKET.get()
        if ticket is not None:
            pacer.observe(ticket, response.headers)

    return hook


@contextmanager
def _sending(ticket: Ticket) -> Iterator[None]:
    token = _TICKET.set(ticket)
    try:
        yield
    finally:
        _TICKET.reset(token)


def _tokens(message: AIMessage) -> int:
    return message.usage_metadata["total_tokens"] if message.usage_metadata else 0
