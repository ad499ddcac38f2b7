from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

Turn = str | AIMessage | Exception | float | Callable[[list[BaseMessage]], str]


class ScriptedModel(BaseChatModel):
    """Says its turns in order. An exception is raised; a number of seconds is slept before going on."""

    turns: list[Any]
    seen: list[list[BaseMessage]] = []  # noqa: RUF012  pydantic copies it

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.seen.append(list(messages))
        turn: Turn = self.turns.pop(0)
        if isinstance(turn, float):
            await asyncio.sleep(turn)
            turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        if isinstance(turn, AIMessage):
            return ChatResult(generations=[ChatGeneration(message=turn)])
        text = turn if isinstance(turn, str) else turn(messages)  # type: ignore[operator]
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, usage_metadata=usage))])


class StreamingModel(ScriptedModel):
    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        result = await self._agenerate(messages)
        for word in str(result.generations[0].message.text).split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word + " "))
