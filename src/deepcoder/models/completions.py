"""Chat completions of OpenAI's protocol, as vLLM, SGLang and llama.cpp speak it: one POST, text in and out.

No SDK: the student needs roles, text, usage and the reason of the end; making the SDK's objects of them took four
times as long as the request itself, and that is most of what the service adds to a step (benchmarks/serve_load.py).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from deepcoder.models.asynchronous import AsyncChatModel
from deepcoder.models.catalogue import RefusedError
from deepcoder.models.wire import Wire

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_REASONING = ("reasoning_content", "reasoning")  # as it was first called, and as vLLM calls it now


class CompletionsChatModel(AsyncChatModel):
    """The model `model_name` at `url` (.../chat/completions) through `wire`; `settings` go into every request.

    Raises RefusedError for a status that is none of success, the wire's errors where the connection fails, and
    ValueError, KeyError, TypeError, IndexError or AttributeError for an answer that is none.
    """

    wire: Wire
    url: str
    model_name: str
    settings: dict[str, Any]

    @property
    def _llm_type(self) -> str:
        return "deepcoder-completions"

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async with await self._ask(messages, stop, kwargs) as response:
            body = json.loads(await response.read())
        choice = body["choices"][0]
        said = choice["message"]
        message = AIMessage(
            said.get("content") or "",
            additional_kwargs=_reasoning(said),
            response_metadata={"finish_reason": choice.get("finish_reason")},
            usage_metadata=_usage(body.get("usage")),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """Pieces of text; the last one has the usage (some servers repeat it with every piece)."""
        usage, empty = None, True
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        async with await self._ask(messages, stop, kwargs | streamed) as response:
            async for event in _events(response):
                if "error" in event:
                    raise ValueError(f"the stream ended with an error: {event['error']}")
                empty = False
                usage = event.get("usage") or usage
                for choice in event.get("choices", ())[:1]:
                    yield _piece(choice)
        if empty:
            raise ValueError("the stream was empty")
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=_usage(usage)))

    async def _ask(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, more: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        chat = [{"role": _ROLES[message.type], "content": str(message.text)} for message in messages]
        body = {"model": self.model_name, "messages": chat, **self.settings, **more}
        if stop:
            body["stop"] = stop
        response = await self.wire.send("POST", self.url, json.dumps(body).encode())
        if not 200 <= response.status < 300:
            async with response:
                raise RefusedError(response.status, await response.text(errors="replace"), response)
        return response


def _piece(choice: dict[str, Any]) -> ChatGenerationChunk:
    said = choice.get("delta") or {}
    reason = choice.get("finish_reason")
    message = AIMessageChunk(
        content=said.get("content") or "",
        additional_kwargs=_reasoning(said),
        response_metadata={"finish_reason": reason} if reason else {},
    )
    return ChatGenerationChunk(message=message)


def _reasoning(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in _REASONING if said.get(name)}


def _usage(usage: dict[str, Any] | None) -> UsageMetadata | None:
    if not usage:
        return None
    read, written = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The objects of a stream of server-sent events, up to `[DONE]`.

    Lines end at line feeds alone: str.splitlines would also end one at U+2028, which may stand in a text.
    """
    rest = b""
    async for part in response.content.iter_any():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if data == b"[DONE]":
                    return
                yield json.loads(data)
