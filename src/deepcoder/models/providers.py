"""Teachers at an API, as `provider:model`.

    groq:openai/gpt-oss-120b                 GROQ_API_KEY; the provider where none is named
    openai:gpt-5                             OPENAI_API_KEY
    deepseek:deepseek-chat                   DEEPSEEK_API_KEY
    openrouter:deepseek/deepseek-r1          OPENROUTER_API_KEY
    vllm:Qwen/Qwen3-30B-A3B + base_url       any OpenAI-compatible server (vLLM, SGLang, llama.cpp); no key needed

`teacher.base_url` points any of them elsewhere, `teacher.api_key_env` names another variable. Keys
come from the environment alone.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import httpx
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from deepcoder.config import TeacherConfig
from deepcoder.errors import AuthenticationError, ConfigError, ModelUnavailable, ProviderError, RateLimited
from deepcoder.models.base import Draw
from deepcoder.models.catalogue import RefusedError, model_ids, unavailable
from deepcoder.models.circuit import Circuit
from deepcoder.models.clock import Clock, duration
from deepcoder.models.faults import Transient, fault_of
from deepcoder.models.ledger import Ledger, LedgeredChatModel
from deepcoder.models.limits import Limits, limits_of
from deepcoder.models.meter import Pace
from deepcoder.models.pacing import Pacer
from deepcoder.models.patient import Patience, PatientChatModel, watch_headers
from deepcoder.models.sampled import SampledChatModel

Dialect = Literal["groq", "openai", "compatible"]


@dataclass(frozen=True)
class Provider:
    """Where a provider is and how it is spoken to. `base_url` ends where `/chat/completions` begins.

    `requests_per_s`: the seconds that its x-ratelimit-limit-requests speaks of (a day at Groq).
    """

    name: str
    base_url: str | None
    key_env: str
    dialect: Dialect
    needs_key: bool = True
    requests_per_s: float = 60.0


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "groq", requests_per_s=86_400.0),
        Provider("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
        Provider("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "compatible"),
        Provider("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "compatible"),
        Provider("vllm", None, "VLLM_API_KEY", "compatible", needs_key=False),
    )
}
# Groq's models that reason; only they take `reasoning_format`, others answer 400 to it.
_GROQ_REASONS = ("qwen", "deepseek-r1", "qwq")

# The settings that decide an answer: part of a request's key in the ledger.
_DECISIVE = {"model", "temperature", "max_tokens", "stop", "seed"}


@dataclass(frozen=True)
class Endpoint:
    """A provider as configured: everything that a request needs."""

    provider: Provider
    model: str
    base_url: str
    key: str | None
    key_env: str


def endpoint_of(config: TeacherConfig) -> Endpoint:
    """Read `provider:model` and find the key. Raises ConfigError and AuthenticationError."""
    name, colon, model = config.model.partition(":")
    if not colon:
        name, model = "groq", config.model
    provider = PROVIDERS.get(name)
    if provider is None:
        close = difflib.get_close_matches(name, PROVIDERS, n=1)
        raise ConfigError(
            f"teacher.model: there is no provider {name!r}" + (f" (did you mean {close[0]}?)" if close else ""),
            hint=f"write provider:model with one of {', '.join(PROVIDERS)}; "
            "any OpenAI-compatible server is vllm:MODEL with teacher.base_url",
        )
    if not model:
        raise ConfigError(f"teacher.model: {config.model!r} names no model", hint=f"write {name}:MODEL")
    base_url = config.base_url or provider.base_url
    if base_url is None:
        raise ConfigError(f"teacher.base_url is needed for {config.model}", hint="e.g. http://localhost:8000/v1")
    key_env = config.api_key_env or provider.key_env
    key = os.environ.get(key_env, "").strip() or None
    if key is None and (provider.needs_key or config.api_key_env):
        raise AuthenticationError(
            f"{config.model} needs an API key, and the environment variable {key_env} is not set",
            hint=f"export {key_env}=..., or name another variable in teacher.api_key_env",
        )
    return Endpoint(provider, model, base_url.rstrip("/"), key, key_env)


def open_provider(
    config: TeacherConfig,
    *,
    ledger: Ledger | None = None,
    clock: Clock | None = None,
    jitter: Callable[[], float] | None = None,
    share: float = 1.0,
) -> RemoteModels:
    """A teacher at an API; with a `ledger`, what it answered is kept there.

    `share`: the part of the provider's limits that is this process's. `clock` and `jitter` are for tests.
    """
    patience = Patience(config.max_attempts, config.timeout_s)
    if jitter is not None:
        patience.jitter = jitter
    pacer = Pacer(
        clock=clock or Clock(),
        max_wait_s=config.max_wait_s,
        requests_per_minute=config.requests_per_minute,
        tokens_per_minute=config.tokens_per_minute,
        share=share,
    )
    return RemoteModels(config, endpoint_of(config), patience, pacer, ledger)


class RemoteModels:
    """One model for all problems, with one pacer, one circuit breaker and one ledger.

    `stated`: limits that the provider's headers told outside chat requests (at the preflight).
    """

    def __init__(
        self, config: TeacherConfig, endpoint: Endpoint, patience: Patience, pacer: Pacer, ledger: Ledger | None = None
    ) -> None:
        self.name = config.model
        self.endpoint = endpoint
        self.pacer = pacer
        self.circuit = Circuit(config.model, pacer.clock, config.max_outage_s)
        self.ledger = ledger
        self.stated = Limits()
        self._settings = config.model_dump(include=_DECISIVE)
        self._patience = patience
        limits = httpx.Limits(max_connections=512, max_keepalive_connections=128)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(config.timeout_s, connect=min(15.0, config.timeout_s)),
            limits=limits,
            event_hooks={"response": [watch_headers(pacer, self._read_limits)]},
            follow_redirects=True,
        )
        self._model = PatientChatModel(
            inner=_chat_model(config, endpoint, self._http),
            model_name=config.model,
            key_env=endpoint.key_env if endpoint.key else None,
            patience=patience,
            pacer=pacer,
            circuit=self.circuit,
            explain=self._explain,
        )

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """The same model for every problem; with a ledger, a view of it that knows the problem."""
        return self.for_draw(problem_id, Draw())

    def for_draw(self, problem_id: str, draw: Draw) -> BaseChatModel:
        """A view that samples anew: `teacher.seed` (where set) plus the draw's number, its own temperature."""
        sampling: dict[str, Any] = {}
        if draw.temperature is not None:
            sampling["temperature"] = draw.temperature
        if draw.number and self._settings["seed"] is not None:
            sampling["seed"] = self._settings["seed"] + draw.number
        model: BaseChatModel = self._model
        if sampling:
            model = SampledChatModel(inner=model, sampling=sampling, model_name=self.name)
        if self.ledger is None:
            return model
        number = {"draw": draw.number} if draw.number else {}
        return LedgeredChatModel(
            inner=model,
            ledger=self.ledger,
            problem_id=problem_id,
            settings=self._settings | sampling | number,
            model_name=self.name,
        )

    async def preflight(self) -> None:
        """Ask for the model list: is the server there, the key accepted, the model served?

        Raises AuthenticationError, ModelUnavailable (with alternatives) or ProviderError.
        """
        failures = 0
        while True:
            try:
                ids = await model_ids(self._http, self.endpoint.base_url, self.endpoint.key)
                break
            except Exception as error:
                fault = fault_of(error, self.name, self.endpoint.key_env if self.endpoint.key else None)
                failures += 1
                if not isinstance(fault, Transient | RateLimited) or failures >= self._patience.attempts:
                    raise fault from error
                pause = self._patience.pause(failures)
                if isinstance(fault, RateLimited) and fault.retry_after is not None:
                    if fault.retry_after > self.pacer.max_wait_s:
                        raise fault from error
                    pause = fault.retry_after
            await self.pacer.clock.sleep(pause)
        if ids is not None and self.endpoint.model not in ids:
            raise unavailable(self.endpoint.model, ids)

    def pace(self) -> Pace:
        """What goes through to the provider now, and what holds it back."""
        pace = self.pacer.pace()
        if self.circuit.open:
            return replace(pace, holding=f"the provider is down, for {duration(self.circuit.outage_s)}")
        return pace

    def listen(self, say: Callable[[str], None]) -> None:
        """Tell `say` of long pauses and of outages."""
        self.pacer.say = self.circuit.say = say

    def _read_limits(self, headers: Mapping[str, str]) -> None:
        self.stated = limits_of(headers, self.endpoint.provider.requests_per_s) or self.stated

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _explain(self, error: ModelUnavailable) -> ModelUnavailable:
        """The same error with the alternatives, where the provider will list them."""
        try:
            ids = await model_ids(self._http, self.endpoint.base_url, self.endpoint.key)
        except (httpx.HTTPError, ProviderError, RefusedError):
            return error
        return error if ids is None else unavailable(self.endpoint.model, ids, error.message)


def _chat_model(config: TeacherConfig, endpoint: Endpoint, http: httpx.AsyncClient) -> BaseChatModel:
    """The provider's LangChain model, its own retries off."""
    common: dict[str, Any] = {
        "model": endpoint.model,
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "max_retries": 0,
        "timeout": config.timeout_s,
        "api_key": SecretStr(endpoint.key or "none"),
        "http_async_client": http,
    }
    if config.stop:
        common["stop"] = config.stop
    if endpoint.provider.dialect == "groq":
        from langchain_groq import ChatGroq

        # The Groq SDK adds /openai/v1 itself.
        base = endpoint.base_url.removesuffix("/v1").removesuffix("/openai")
        reasons = any(name in endpoint.model for name in _GROQ_REASONS)
        extra = {"seed": config.seed} if config.seed is not None else {}
        return ChatGroq(base_url=base, reasoning_format="parsed" if reasons else None, model_kwargs=extra, **common)
    if config.seed is not None:
        common["seed"] = config.seed
    if endpoint.provider.dialect == "openai" and config.base_url is None:
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(stream_usage=True, **common)
    # ChatOpenAI drops a separate reasoning field; ChatDeepSeek, of the same family, keeps it.
    from langchain_deepseek import ChatDeepSeek

    return ChatDeepSeek(api_base=endpoint.base_url, stream_usage=True, **common)
