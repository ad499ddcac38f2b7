"""The server that scores: an OpenAI-compatible /completions with vLLM's prompt_logprobs.

Its requests are paced and tried again as those of a teacher are (deepcoder.models.persistence).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from deepcoder.config import ScoreConfig
from deepcoder.errors import AuthenticationError, ConfigError, ModelUnavailable, ProviderError
from deepcoder.models.catalogue import RefusedError, model_ids, unavailable
from deepcoder.models.circuit import Circuit
from deepcoder.models.clock import Clock
from deepcoder.models.faults import Transient
from deepcoder.models.pacing import Pacer
from deepcoder.models.persistence import Patience, Persistence, watch_headers
from deepcoder.score.answer import NoScores, Top, read_answer
from deepcoder.score.vocabulary import PROBE, Vocabulary

_T = TypeVar("_T")
_NO_SUCH_PAGE = (404, 405, 501)


@dataclass(frozen=True)
class _Scored:
    top: Top
    tokens: int


class ScoreServer:
    """One model at one server. `clock` and `jitter` are for tests."""

    def __init__(
        self,
        config: ScoreConfig,
        vocabulary: Vocabulary,
        *,
        clock: Clock | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if config.model is None:
            raise ConfigError(
                "score.model is not set", hint="the server's name of the model: GET score.base_url/models"
            )
        self.model = config.model
        self._config, self._vocabulary = config, vocabulary
        self._url = config.base_url.rstrip("/")
        self._key = _key(config.api_key_env)
        places = float(config.concurrency)
        pacer = Pacer(
            clock=clock or Clock(), window=places, ceiling=places, max_wait_s=config.max_wait_s, section="score"
        )
        patience = Patience(config.max_attempts, config.timeout_s)
        if jitter is not None:
            patience.jitter = jitter
        self._requests = Persistence(
            self.model, config.api_key_env if self._key else None, patience, pacer,
            Circuit(self.model, pacer.clock, config.max_outage_s, section="score"), self._explain, section="score",
        )  # fmt: skip
        self._proven = False  # it has given scores: from then on, an answer without them is a passing fault
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=min(15.0, config.timeout_s)),
            limits=httpx.Limits(max_connections=config.concurrency + 1),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            event_hooks={"response": [watch_headers(pacer, lambda headers: None)]},
        )

    async def preflight(self) -> None:
        """Is the server there, the key accepted, the model served, its tokenizer the student's?

        Raises ProviderError and its kinds, AlignmentError for another vocabulary.
        """
        ids = await self._ask(lambda: model_ids(self._http, self._url, self._key))
        if ids is not None and self.model not in ids:
            raise _unavailable(self.model, ids)
        tokens = await self._ask(self._tokenize)
        if tokens is not None:
            self._vocabulary.check_tokenization(tokens)

    async def score(self, input_ids: Sequence[int], positions: Sequence[int]) -> Top:
        """The likeliest tokens at the trained `positions` of an example.

        Raises ProviderError where there are none to be had, AlignmentError for another vocabulary.
        """
        prompt = [int(token) for token in input_ids[: positions[-1] + 1]]  # what follows decides nothing

        async def once() -> _Scored:
            body = await self._post(f"{self._url}/completions", self._request(prompt))
            try:
                top = read_answer(body, prompt, positions, self._config.k)
            except NoScores as error:
                if self._proven:
                    raise Transient(error.message) from error
                raise
            self._proven = True
            return _Scored(top, len(prompt))

        scored = await self._ask(once, lambda each: (each.tokens, 1))
        self._vocabulary.check_texts(scored.top.texts)
        self._vocabulary.require()
        return scored.top

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _request(self, prompt: list[int]) -> dict[str, Any]:
        return {
            "model": self.model, "prompt": prompt, "max_tokens": 1, "temperature": 0.0,
            "prompt_logprobs": self._config.k,
        }  # fmt: skip

    async def _tokenize(self) -> list[int] | None:
        """The server's ids of PROBE; None where it has no such page, which lies beside /v1."""
        url = f"{self._url.removesuffix('/v1')}/tokenize"
        try:
            body = await self._post(url, {"model": self.model, "prompt": PROBE, "add_special_tokens": False})
        except RefusedError as refused:
            if refused.status_code in _NO_SUCH_PAGE:
                return None
            raise
        return [int(token) for token in body["tokens"]]

    async def _post(self, url: str, body: dict[str, Any]) -> Any:
        response = await self._http.post(url, json=body)
        if response.status_code >= 400:
            raise RefusedError(response.status_code, response.text, response)
        return response.json()

    async def _ask(
        self, once: Callable[[], Awaitable[_T]], usage: Callable[[_T], tuple[int, int]] = lambda _: (0, 0)
    ) -> _T:
        async def timed() -> _T:
            async with asyncio.timeout(self._config.timeout_s):  # httpx counts each piece of a body anew
                return await once()

        return (await self._requests.until_answered(timed, usage)).answer

    async def _explain(self, error: ModelUnavailable) -> ModelUnavailable:
        """The same error with what is served instead, where the server will tell."""
        try:
            ids = await model_ids(self._http, self._url, self._key)
        except (httpx.HTTPError, ProviderError, RefusedError):
            return error
        return error if ids is None or self.model in ids else _unavailable(self.model, ids)


def _unavailable(model: str, ids: list[str]) -> ModelUnavailable:
    return unavailable(model, ids, f"the server does not serve score.model={model}", section="score")


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise AuthenticationError(f"score.api_key_env: the variable {variable} is not set")
    return key
