"""The student behind an OpenAI-compatible server: vLLM, SGLang, llama.cpp.

Failures come as ProviderError, whatever went wrong; a prompt that the server finds too long as ContextFull.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from deepcoder.config import EngineConfig
from deepcoder.errors import AuthenticationError, ConfigError, ContextFull, ModelUnavailable, ProviderError
from deepcoder.models.base import ChatModels
from deepcoder.models.catalogue import RefusedError
from deepcoder.models.completions import CompletionsChatModel
from deepcoder.models.faults import fault_of
from deepcoder.models.wire import Wire

PREFLIGHT_S = 10.0
# How OpenAI, vLLM, SGLang and llama.cpp say it.
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context (size|window)|maximum allowed length",
    re.IGNORECASE,
)


def open_server(engine: EngineConfig, name: str) -> ChatModels:
    """The model `engine.model` (unset: `name`) at `engine.base_url`.

    Raises ConfigError without a base_url, AuthenticationError where the key's variable is empty.
    """
    if engine.base_url is None:
        raise ConfigError("engine.engine=openai needs engine.base_url", hint="for example http://127.0.0.1:8001/v1")
    key = "none"
    if engine.api_key_env is not None:
        key = os.environ.get(engine.api_key_env, "")
        if not key:
            raise AuthenticationError(f"engine.api_key_env: the variable {engine.api_key_env} is not set")
    return ServerModels(engine, engine.base_url.rstrip("/"), engine.model or name, key)


class ServerModels:
    """ChatModels over one server; every problem gets the same model."""

    def __init__(self, engine: EngineConfig, base_url: str, name: str, key: str) -> None:
        self.name = name
        self._base_url = base_url
        self._wire = Wire({"Authorization": f"Bearer {key}", "Content-Type": "application/json"}, engine.timeout_s)
        self._model = ServedChatModel(
            wire=self._wire, url=f"{base_url}/chat/completions", model_name=name,
            settings={"temperature": engine.temperature, "max_completion_tokens": engine.max_new_tokens},
        )  # fmt: skip

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """The one model."""
        return self._model

    async def preflight(self) -> None:
        """Ask the server which models it serves."""
        try:
            async with (
                asyncio.timeout(PREFLIGHT_S),
                await self._wire.send("GET", f"{self._base_url}/models") as reply,
            ):
                said = await reply.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ProviderError(
                f"no server answers at engine.base_url={self._base_url}: {error}",
                hint="start it (docs/serve.md), or set engine.engine=local",
            ) from None
        if reply.status == 401:
            raise AuthenticationError(f"{self._base_url} refused the key", hint="check engine.api_key_env")
        if reply.status != 200:
            raise ProviderError(f"{self._base_url}/models answers {reply.status}")
        served = [str(item.get("id")) for item in json.loads(said).get("data", [])]
        if self.name not in served:
            raise ModelUnavailable(
                f"{self._base_url} does not serve {self.name}", hint=f"engine.model is one of: {', '.join(served)}"
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


class ServedChatModel(CompletionsChatModel):
    """The same, with our own errors."""

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        try:
            return await super()._agenerate(messages, *args, **kwargs)
        except Exception as error:
            raise _fault(error, self.model_name) from None

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        try:
            async for chunk in super()._astream(*args, **kwargs):
                yield chunk
        except Exception as error:
            raise _fault(error, self.model_name) from None


def _fault(error: Exception, name: str) -> ProviderError:
    if isinstance(error, RefusedError) and error.status_code in (400, 413, 422) and _TOO_LONG.search(error.body):
        return ContextFull(
            f"the conversation is longer than the context of {name}",
            hint="lower agent.max_steps or agent.max_observation_chars, or give the server a longer context",
        )
    return fault_of(error, name, None, section="engine")
