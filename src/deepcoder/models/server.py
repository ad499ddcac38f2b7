"""The student behind an OpenAI-compatible server: vLLM, SGLang, llama.cpp."""

from __future__ import annotations

import os

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from deepcoder.config import EngineConfig
from deepcoder.errors import AuthenticationError, ConfigError, ModelUnavailable, ProviderError
from deepcoder.models.base import ChatModels


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
        self._key = key
        self._model = ChatOpenAI(
            model=name, base_url=base_url, api_key=SecretStr(key), temperature=engine.temperature,
            max_completion_tokens=engine.max_new_tokens, max_retries=2,
        )  # fmt: skip

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """The one model."""
        return self._model

    async def preflight(self) -> None:
        """Ask the server which models it serves."""
        try:
            async with httpx.AsyncClient(timeout=10, headers={"Authorization": f"Bearer {self._key}"}) as client:
                reply = await client.get(f"{self._base_url}/models")
        except httpx.HTTPError as error:
            raise ProviderError(
                f"no server answers at engine.base_url={self._base_url}: {error}",
                hint="start it (docs/serve.md), or set engine.engine=local",
            ) from None
        if reply.status_code == 401:
            raise AuthenticationError(f"{self._base_url} refused the key", hint="check engine.api_key_env")
        if reply.status_code != 200:
            raise ProviderError(f"{self._base_url}/models answers {reply.status_code}")
        served = [str(item.get("id")) for item in reply.json().get("data", [])]
        if self.name not in served:
            raise ModelUnavailable(
                f"{self._base_url} does not serve {self.name}", hint=f"engine.model is one of: {', '.join(served)}"
            )

    async def aclose(self) -> None:
        """Nothing is held open between requests."""
