from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import operator
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from deepcoder.config import EngineConfig
from deepcoder.errors import AuthenticationError, ConfigError, ContextFull, ModelUnavailable, ProviderError
from deepcoder.models import wire
from deepcoder.models.base import ChatModels
from deepcoder.models.local import open_engine


def engine(port: int = 9, **settings: object) -> EngineConfig:
    return EngineConfig.model_validate({"engine": "openai", "base_url": f"http://127.0.0.1:{port}/v1"} | settings)


@dataclass
class Reply:
    """What the server says; `pieces` of that many bytes, so that they end anywhere, also within a character."""

    status: int = 200
    body: object = ""
    pieces: int = 1 << 20
    cut: bool = False  # the connection is closed instead
    silent: bool = False

    def raw(self) -> bytes:
        body = (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (self.status, len(body), body)


@dataclass
class Server:
    """An HTTP server of a few lines: every request gets `reply`."""

    reply: Reply = field(default_factory=Reply)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    asked_something: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client that got nothing has closed its connection
    connections: int = 0
    port: int = 0
    _listening: asyncio.Server | None = None

    async def listen(self) -> None:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listening.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def models(self, **settings: object) -> ChatModels:
        return open_engine(engine(self.port, **settings), "x")

    def asked(self) -> object:
        return json.loads(self.requests[0][2])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.requests.append((first, headers, await reader.readexactly(int(headers.get("content-length", 0)))))
        self.asked_something.set()
        if self.reply.silent:
            await reader.read()
            self.left.set()
        if self.reply.silent or self.reply.cut:
            return False
        raw = self.reply.raw()
        for at in range(0, len(raw), self.reply.pieces):
            writer.write(raw[at : at + self.reply.pieces])
            await asyncio.sleep(0)
        return True


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.listen()
    yield server
    server.close()


def said(text: str, **more: str) -> dict[str, object]:
    message = {"role": "assistant", "content": text, **more}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


def test_a_server_needs_an_address_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        open_engine(EngineConfig(engine="openai"), "x")
    monkeypatch.delenv("STUDENT_KEY", raising=False)
    with pytest.raises(AuthenticationError, match="STUDENT_KEY"):
        open_engine(engine(api_key_env="STUDENT_KEY"), "x")


async def test_the_model_asks_for_what_the_config_says(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("STUDENT_KEY", "secret")
    server.reply = Reply(body=said("42"))
    models = server.models(api_key_env="STUDENT_KEY", model="student", max_new_tokens=99, temperature=0.3)
    chat = [SystemMessage("be brief"), HumanMessage("6 * 7? \u4f60"), AIMessage("42"), HumanMessage("sure?")]
    answer = await models.for_problem("p").ainvoke(chat)
    first, headers, _ = server.requests[0]
    assert first == "POST /v1/chat/completions HTTP/1.1"
    assert (headers["authorization"], headers["content-type"]) == ("Bearer secret", "application/json")
    assert server.asked() == {
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
async def test_reasoning_that_comes_apart_is_kept(server: Server, field: str) -> None:
    server.reply = Reply(body=said("42", **{field: "six times seven"}) | {"usage": None})
    models = server.models()
    answer = await models.for_problem("p").ainvoke("6 * 7?")
    assert answer.additional_kwargs == {field: "six times seven"}
    assert answer.usage_metadata is None
    await models.aclose()


async def test_a_stream_is_its_pieces_then_the_usage_that_was_told_last(server: Server) -> None:
    line = "\u2028"  # ends a line for str.splitlines; not here
    events = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}], "usage": {"prompt_tokens": 3}},
        {"choices": [{"delta": {"content": f"4{line}"}}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {"choices": [{"delta": {"content": "2"}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    sent = [f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n" for event in events]
    whole = ": hello\n\n" + "".join(sent) + "data: [DONE]\n\ndata: not read\n\n"
    server.reply = Reply(body=whole, pieces=3)
    models = server.models()
    chunks = [chunk async for chunk in models.for_problem("p").astream("6 * 7?")]
    assert [chunk.text for chunk in chunks if chunk.text] == [f"4{line}", "2"]
    answer = functools.reduce(operator.add, chunks)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.usage_metadata == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    asked = server.asked()
    assert isinstance(asked, dict)
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
    await models.aclose()


@pytest.mark.parametrize("text", ['data: {"error": {"message": "out of memory"}}\n\n', "data: [DONE]\n\n", ""])
async def test_a_stream_that_is_an_error_or_nothing_is_a_failure(server: Server, text: str) -> None:
    server.reply = Reply(body=text)
    models = server.models()
    with pytest.raises(ProviderError):
        async for _ in models.for_problem("p").astream("x"):
            pass
    await models.aclose()


async def test_a_served_model_passes_the_preflight(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("STUDENT_KEY", "secret")
    server.reply = Reply(body={"data": [{"id": "student"}]})
    models = server.models(api_key_env="STUDENT_KEY", model="student")
    await models.preflight()
    first, headers, _ = server.requests[0]
    assert (first, headers["authorization"]) == ("GET /v1/models HTTP/1.1", "Bearer secret")
    await models.aclose()


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (None, ProviderError, "no server answers"),
        (Reply(cut=True), ProviderError, "no server answers"),
        (Reply(401), AuthenticationError, "refused the key"),
        (Reply(500), ProviderError, "answers 500"),
        (Reply(body={"data": [{"id": "other"}]}), ModelUnavailable, "does not serve x"),
    ],
)
async def test_what_is_wrong_with_a_server_is_said(
    server: Server, reply: Reply | None, error: type[Exception], message: str
) -> None:
    models = answering(server, reply)
    with pytest.raises(error, match=message):
        await models.preflight()
    await models.aclose()


def answering(server: Server, reply: Reply | None, **settings: object) -> ChatModels:
    """An engine whose server answers every request so; None: nothing listens any more."""
    if reply is None:
        server.close()
    else:
        server.reply = reply
    return server.models(**settings)


@pytest.mark.parametrize("said", [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
    "the request exceeds the available context size, try increasing it",
    "Input length (5000 tokens) exceeds the maximum allowed length (4096 tokens).",
])  # fmt: skip
async def test_a_prompt_that_is_too_long_is_an_error_of_its_own(server: Server, said: str) -> None:
    models = answering(server, Reply(400, {"error": {"message": said, "code": 400}}))
    with pytest.raises(ContextFull):
        await models.for_problem("p").ainvoke("x")
    await models.aclose()


@pytest.mark.parametrize("reply", [
    None, Reply(cut=True), Reply(silent=True), Reply(500), Reply(302), Reply(400, {"error": {"message": "bad"}}),
    Reply(body="<html>"),
])  # fmt: skip
async def test_every_failure_of_a_request_is_a_provider_error(server: Server, reply: Reply | None) -> None:
    models = answering(server, reply, timeout_s=0.5)
    with pytest.raises(ProviderError) as caught:
        await models.for_problem("p").ainvoke("x")
    assert not isinstance(caught.value, ContextFull)
    with pytest.raises(ProviderError):
        async for _ in models.for_problem("p").astream("x"):
            pass
    await models.aclose()


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(silent=True), Reply(500)])
async def test_a_request_that_was_sent_is_not_sent_again(server: Server, reply: Reply) -> None:
    models = answering(server, reply, timeout_s=0.5)
    with pytest.raises(ProviderError):
        await models.for_problem("p").ainvoke("x")
    assert len(server.requests) == 1
    await models.aclose()


async def test_a_refused_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr(wire, "CONNECT_PAUSES_S", (0.1,) * 50)
    models = answering(server, Reply(body=said("42")))
    server.close()
    asking = asyncio.ensure_future(models.for_problem("p").ainvoke("x"))
    await asyncio.sleep(0.2)
    await server.listen()
    assert (await asking).text == "42"
    await models.aclose()


async def test_a_cancelled_request_is_closed_so_that_the_engine_can_stop(server: Server) -> None:
    models = answering(server, Reply(silent=True))
    asking = asyncio.ensure_future(models.for_problem("p").ainvoke("x"))
    async with asyncio.timeout(10):
        await server.asked_something.wait()
        asking.cancel()
        await server.left.wait()
    await models.aclose()


async def test_connections_are_kept_and_used_again(server: Server) -> None:
    models = answering(server, Reply(body=said("42")))
    for _ in range(3):
        await models.for_problem("p").ainvoke("x")
    assert (len(server.requests), server.connections) == (3, 1)
    await models.aclose()
