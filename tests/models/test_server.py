from __future__ import annotations

import httpx
import pytest
from langchain_openai import ChatOpenAI

from deepcoder.config import EngineConfig
from deepcoder.errors import AuthenticationError, ConfigError, ModelUnavailable, ProviderError
from deepcoder.models.local import open_engine


def engine(**settings: object) -> EngineConfig:
    return EngineConfig.model_validate({"engine": "openai", "base_url": "http://127.0.0.1:9/v1"} | settings)


def answering(monkeypatch: pytest.MonkeyPatch, reply: httpx.Response | Exception) -> list[httpx.Request]:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(reply, Exception):
            raise reply
        return reply

    plain = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **options: plain(**options, transport=httpx.MockTransport(handle)))
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
