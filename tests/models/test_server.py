from __future__ import annotations

import httpx
import pytest
from langchain_openai import ChatOpenAI

from deepcoder.config import EngineConfig
from deepcoder.errors import AuthenticationError, ConfigError, ContextFull, ModelUnavailable, ProviderError
from deepcoder.models.local import open_engine
from deepcoder.models.server import ServerModels


def engine(**settings: object) -> EngineConfig:
    return EngineConfig.model_validate({"engine": "openai", "base_url": "http://127.0.0.1:9/v1"} | settings)


def answering(monkeypatch: pytest.MonkeyPatch, reply: httpx.Response | Exception) -> list[httpx.Request]:
    seen: list[httpx.Request] = []

    async def handle(self: object, request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(reply, Exception):
            raise reply
        reply.request = request
        return reply

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    return seen


def test_a_server_needs_an_address_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        open_engine(EngineConfig(engine="openai"), "x")
    monkeypatch.delenv("STUDENT_KEY", raising=False)
    with pytest.raises(AuthenticationError, match="STUDENT_KEY"):
        open_engine(engine(api_key_env="STUDENT_KEY"), "x")


def test_the_model_asks_for_what_the_config_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDENT_KEY", "secret")
    models = open_engine(engine(api_key_env="STUDENT_KEY", model="student", max_new_tokens=99, temperature=0.3), "x")
    model = models.for_problem("p")
    assert isinstance(model, ChatOpenAI)
    assert (model.model_name, model.max_tokens, model.temperature) == ("student", 99, 0.3)
    assert model.openai_api_base == "http://127.0.0.1:9/v1"


async def test_a_served_model_passes_the_preflight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDENT_KEY", "secret")
    seen = answering(monkeypatch, httpx.Response(200, json={"data": [{"id": "student"}]}))
    await open_engine(engine(api_key_env="STUDENT_KEY", model="student"), "x").preflight()
    assert str(seen[0].url) == "http://127.0.0.1:9/v1/models"
    assert seen[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (httpx.ConnectError("refused"), ProviderError, "no server answers"),
        (httpx.Response(401), AuthenticationError, "refused the key"),
        (httpx.Response(500), ProviderError, "answers 500"),
        (httpx.Response(200, json={"data": [{"id": "other"}]}), ModelUnavailable, "does not serve x"),
    ],
)
async def test_what_is_wrong_with_a_server_is_said(
    monkeypatch: pytest.MonkeyPatch, reply: httpx.Response | Exception, error: type[Exception], message: str
) -> None:
    answering(monkeypatch, reply)
    with pytest.raises(error, match=message):
        await open_engine(engine(), "x").preflight()


def failing(monkeypatch: pytest.MonkeyPatch, reply: httpx.Response | Exception) -> ServerModels:
    """An engine whose server answers every request so."""

    answering(monkeypatch, reply)
    models = open_engine(engine(), "student")
    assert isinstance(models, ServerModels)
    return models


@pytest.mark.parametrize("said", [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
    "the request exceeds the available context size, try increasing it",
    "Input length (5000 tokens) exceeds the maximum allowed length (4096 tokens).",
])  # fmt: skip
async def test_a_prompt_that_is_too_long_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    models = failing(monkeypatch, httpx.Response(400, json={"error": {"message": said, "code": 400}}))
    with pytest.raises(ContextFull):
        await models.for_problem("p").ainvoke("x")
    await models.aclose()


@pytest.mark.parametrize(
    "reply", [httpx.ConnectError("refused"), httpx.ReadError("cut"), httpx.ReadTimeout("slow"), httpx.Response(500),
              httpx.Response(400, json={"error": {"message": "bad"}}), httpx.Response(200, text="<html>")],
)  # fmt: skip
async def test_every_failure_of_a_request_is_a_provider_error(
    monkeypatch: pytest.MonkeyPatch, reply: httpx.Response | Exception
) -> None:
    models = failing(monkeypatch, reply)
    with pytest.raises(ProviderError) as caught:
        await models.for_problem("p").ainvoke("x")
    assert not isinstance(caught.value, ContextFull)
    with pytest.raises(ProviderError):
        async for _ in models.for_problem("p").astream("x"):
            pass
    await models.aclose()
