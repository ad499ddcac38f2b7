"""A chat model that owns its patience: pacing, waiting out 429s, trying again what is worth it.

It wraps a provider's LangChain model whose SDK has its retries switched off (they ignore a
Retry-After over a minute and go round any rate limiter).
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from deepcoder.errors import ModelUnavailable, ProviderError, RateLimited
from deepcoder.models.asynchronous import AsyncChatModel
from deepcoder.models.circuit import Circuit
from deepcoder.models.clock import unbilled
from deepcoder.models.faults import Transient, fault_of
from deepcoder.models.ledger import cached_tokens
from deepcoder.models.pacing import Pacer, Ticket

_Answer = TypeVar("_Answer", bound=AIMessage)
_NUMBERS = itertools.count(1)
_TICKET: ContextVar[Ticket | None] = ContextVar("deepcoder_request_ticket", default=None)


@dataclass
class Patience:
    """How long to keep trying one request.

    `attempts`: tries on transient failures, `backoff_s * 2**try` apart with full jitter, at most
    `longest_backoff_s`. Those during an outage (circuit.py) do not count, nor do 429s.
    """

    attempts: int = 6
    timeout_s: float = 120.0
    backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random().random)

    def pause(self, tried: int) -> float:
        """Seconds to wait after the `tried`-th try (from 1)."""
        return self.jitter() * min(self.longest_backoff_s, self.backoff_s * 2.0**tried)


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
        """`once`, again and again, until it succeeds or patience ends (ProviderError)."""
        failures = refusals = 0
        request = next(_NUMBERS)
        while True:
            async with self.circuit.passage(), self.pacer.slot(characters) as ticket:
                start = self.pacer.clock.now()
                try:
                    with _sending(ticket):
                        answer = await once()
                except Exception as error:
                    fault = fault_of(error, self.model_name, self.key_env)
                    cause = error
                else:
                    self.circuit.succeeded()
                    self.pacer.succeeded(ticket, *_tokens(answer))
                    tried = {"attempts": failures + refusals + 1, "seconds": self.pacer.clock.now() - start}
                    answer.response_metadata |= tried
                    return answer
                if isinstance(fault, Transient):
                    self.circuit.failed(request, fault.message)
                elif not isinstance(fault, RateLimited):
                    self.circuit.succeeded()  # it is there, and says no
            if isinstance(fault, RateLimited):
                refusals += 1
                self.pacer.refused(ticket, self._wait(fault, refusals), fault.message)
            elif isinstance(fault, Transient):
                if self.circuit.open:
                    continue
                failures += 1
                if failures >= self.patience.attempts:
                    raise ProviderError(f"{fault.message} ({failures} tries)", hint="try again later") from cause
                with unbilled():
                    await self.pacer.clock.sleep(self.patience.pause(failures))
            elif isinstance(fault, ModelUnavailable):
                raise await self.explain(fault) from cause
            else:
                raise fault from cause

    def _wait(self, fault: RateLimited, refusals: int) -> float:
        """Seconds that a 429 asks for; growing ones with jitter where it does not say."""
        if fault.retry_after is not None:
            return fault.retry_after
        return min(60.0, 2.0 ** (refusals - 1)) * (0.5 + self.patience.jitter())


def watch_headers(pacer: Pacer, other: Callable[[Mapping[str, str]], None]) -> Callable[[Any], Awaitable[None]]:
    """An httpx response hook: headers of chat answers go to the pacer, those of other pages to `other`."""

    async def hook(response: Any) -> None:
        ticket = _TICKET.get()
        if ticket is not None:
            pacer.observe(ticket, response.headers)
        else:
            other(response.headers)

    return hook


@contextmanager
def _sending(ticket: Ticket) -> Iterator[None]:
    token = _TICKET.set(ticket)
    try:
        yield
    finally:
        _TICKET.reset(token)


def _characters(messages: Sequence[BaseMessage]) -> int:
    return sum(len(str(message.text)) for message in messages)


def _tokens(message: AIMessage) -> tuple[int, int]:
    """What an answer took of the token budget: input without what was cached, output."""
    usage = message.usage_metadata
    return (usage["input_tokens"] - cached_tokens(message), usage["output_tokens"]) if usage else (0, 0)
