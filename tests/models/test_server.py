from __future__ import annotations

import functools
import json
import operator
from collections.abc import AsyncIterator

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

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


def said(text: str, **more: str) -> dict[str, object]:
    message = {"role": "assistant", "content": text, **more}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


class Bytewise(httpx.AsyncByteStream):
    """A body that arrives in pieces which end anywhere, also within a character."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.data), 3):
            yield self.data[at : at + 3]


def test_a_server_needs_an_address_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        open_engine(EngineConfig(engine="openai"), "x")
    monkeypatch.delenv("STUDENT_KEY", raising=False)
    with pytest.raises(AuthenticationError, match="STUDENT_KEY"):
        open_engine(engine(api_key_env="STUDENT_KEY"), "x")


async def test_the_model_asks_for_what_the_config_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDENT_KEY", "secret")
    seen = answering(monkeypatch, httpx.Response(200, json=said("42")))
    models = open_engine(engine(api_key_env="STUDENT_KEY", model="student", max_new_tokens=99, temperature=0.3), "x")
    chat = [SystemMessage("be brief"), HumanMessage("6 * 7? \u4f60"), AIMessage("42"), HumanMessage("sure?")]
    answer = await models.for_problem("p").ainvoke(chat)
    assert str(seen[0].url) == "http://127.0.0.1:9/v1/chat/completions"
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert seen[0].extensions["timeout"]["read"] == 120
    assert json.loads(seen[0].content) == {
        "model": "student", "temperature": 0.3, "max_completion_tokens": 99,
        "messages": [
            {"role": "system", "content": "be brief"}, {"role": "user", "content": "6 * 7? \u4f60"},
            {"role": "assistant", "content": "42"}, {"role": "user", "content": "sure?"},
        ],
    }  # fmt: skip
    assert (answer.text, answer.response_metadata["finish_reason"]) == ("42", "stop")
    assert answer.usage_metadata == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    await models.aclose()


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_that_comes_apart_is_kept(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    answering(monkeypatch, httpx.Response(200, json=said("42", **{field: "six times seven"}) | {"usage": None}))
    models = open_engine(engine(), "x")
    answer = await models.for_problem("p").ainvoke("6 * 7?")
    assert answer.additional_kwargs == {field: "six times seven"}
    assert answer.usage_metadata is None
    await models.aclose()


async def test_a_stream_is_its_pieces_then_the_usage_that_was_told_last(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "\u2028"  # ends a line for str.splitlines, and for httpx; not here
    events = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}], "usage": {"prompt_tokens": 3}},
        {"choices": [{"delta": {"content": f"4{line}"}}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"choices": [{"delta": {"content": "2"}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    sent = [f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n" for event in events]
    whole = ": hello\n\n" + "".join(sent) + "data: [DONE]\n\ndata: not read\n\n"
    seen = answering(monkeypatch, httpx.Response(200, stream=Bytewise(whole.encode())))
    models = open_engine(engine(), "x")
    chunks = [chunk async for chunk in models.for_problem("p").astream("6 * 7?")]
    assert [chunk.text for chunk in chunks if chunk.text] == [f"4{line}", "2"]
    answer = functools.reduce(operator.add, chunks)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.usage_metadata == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    asked = json.loads(seen[0].content)
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    await models.aclose()


@pytest.mark.parametrize("text", ['data: {"error": {"message": "out of memory"}}\n\n', "data: [DONE]\n\n", ""])
async def test_a_stream_that_is_an_error_or_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    models = failing(monkeypatch, httpx.Response(200, text=text))
    with pytest.raises(ProviderError):
        async for _ in models.for_problem("p").astream("x"):
            pass
    await models.aclose()


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
