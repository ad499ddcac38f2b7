from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from tests.fakes.clock import JumpClock
from tests.fakes.provider import (
    KEY,
    CutBody,
    Drip,
    FakeProvider,
    Fault,
    Garbage,
    Refusal,
    Reply,
    Reset,
    decommissioned,
    too_many,
)

from deepcoder.config import TeacherConfig
from deepcoder.errors import (
    AuthenticationError,
    ConfigError,
    ModelUnavailable,
    ProviderDown,
    ProviderError,
    QuotaExhausted,
)
from deepcoder.models import open_teacher
from deepcoder.models.ledger import cached_tokens
from deepcoder.models.limits import Limits
from deepcoder.models.providers import RemoteModels, endpoint_of, open_provider

GROQ = "groq:qwen/qwen3-32b"
COMPATIBLE = "vllm:qwen/qwen3-32b"
TEXT = "Thought: known\nAction: finish\nAction Input:\n42"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("VLLM_API_KEY", KEY)


@pytest.fixture
def server() -> Any:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def time() -> JumpClock:
    return JumpClock()


@pytest.fixture
def opened(server: FakeProvider, time: JumpClock) -> Any:
    models: list[RemoteModels] = []

    def make(model: str = GROQ, **settings: Any) -> RemoteModels:
        settings.setdefault("timeout_s", 5)
        config = TeacherConfig(model=model, base_url=server.base_url, **settings)
        models.append(open_provider(config, clock=time.clock, jitter=lambda: 1.0))
        return models[-1]

    return make


Opened = Callable[..., RemoteModels]


async def ask(models: RemoteModels) -> AIMessage:
    try:
        return await models.for_problem("p").ainvoke([HumanMessage("2 * 21?")])
    finally:
        await models.aclose()


@pytest.mark.parametrize("model", [GROQ, COMPATIBLE, "openai:qwen/qwen3-32b"])
async def test_a_good_run(model: str, opened: Opened, server: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    message = await ask(opened(model, temperature=0.6, max_tokens=99, seed=7, stop=["\nObservation:"]))
    assert message.text == TEXT
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] > 0
    assert message.response_metadata["finish_reason"] == "stop"
    (body,) = server.requests
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("qwen/qwen3-32b", 0.6, 99)
    assert (body["seed"], body["stop"]) == (7, ["\nObservation:"])
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "logprobs" not in body
    assert body.get("n", 1) == 1


@pytest.mark.parametrize("model", [GROQ, COMPATIBLE])
async def test_text_comes_in_pieces(model: str, opened: Opened) -> None:
    models = opened(model)
    pieces = [chunk async for chunk in models.for_problem("p").astream([HumanMessage("2 * 21?")])]
    await models.aclose()
    assert len(pieces) > 3
    assert "".join(str(piece.text) for piece in pieces) == TEXT
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.usage_metadata is not None


@pytest.mark.parametrize("model", [GROQ, COMPATIBLE])
@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
async def test_reasoning_in_its_own_field(model: str, key: str, opened: Opened, server: FakeProvider) -> None:
    if model == GROQ and key == "reasoning_content":
        pytest.skip("Groq names it reasoning")
    server.script.append(Reply(TEXT, reasoning="six times seven", reasoning_key=key))
    message = await ask(opened(model))
    assert message.additional_kwargs["reasoning_content"] == "six times seven"
    if model == GROQ:
        assert server.requests[0]["reasoning_format"] == "parsed"


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY")
    with pytest.raises(AuthenticationError, match="GROQ_API_KEY"):
        open_teacher(TeacherConfig(model=GROQ), lambda _: None)
    with pytest.raises(AuthenticationError, match="MY_KEY"):
        open_teacher(TeacherConfig(model=COMPATIBLE, base_url="http://x/v1", api_key_env="MY_KEY"), lambda _: None)


def test_the_provider_and_its_model() -> None:
    assert endpoint_of(TeacherConfig(model="llama-3.3-70b")).provider.name == "groq"
    config = TeacherConfig(model="openrouter:deepseek/deepseek-r1:free", api_key_env="GROQ_API_KEY")
    assert endpoint_of(config).model == "deepseek/deepseek-r1:free"
    for model, message in (("grok:x", "groq"), ("groq:", "no model"), ("vllm:x", "base_url")):
        with pytest.raises(ConfigError, match=message):
            endpoint_of(TeacherConfig(model=model))


async def test_preflight(opened: Opened, server: FakeProvider) -> None:
    models = opened()
    await models.preflight()
    await models.aclose()


async def test_preflight_with_a_refused_key(opened: Opened, server: FakeProvider) -> None:
    server.key = "another"
    models = opened()
    with pytest.raises(AuthenticationError, match="GROQ_API_KEY"):
        await models.preflight()
    await models.aclose()


async def test_preflight_names_alternatives_to_a_model_that_is_gone(opened: Opened) -> None:
    models = opened("groq:deepseek-r1-distill-llama-70b")
    with pytest.raises(ModelUnavailable) as caught:
        await models.preflight()
    await models.aclose()
    assert "deepseek-r1-distill-llama-70b" in caught.value.message
    assert "qwen/qwen3-32b" in caught.value.hint
    assert "openai/gpt-oss-120b" in caught.value.hint


async def test_preflight_outlasts_a_fault_of_the_moment(opened: Opened, server: FakeProvider) -> None:
    server.model_script.append(Refusal(503))
    models = opened()
    await models.preflight()
    await models.aclose()


async def test_a_decommissioned_model_names_alternatives(opened: Opened, server: FakeProvider) -> None:
    server.script.append(decommissioned("qwen/qwen3-32b"))
    server.models.append("qwen/qwen3.5-30b")
    with pytest.raises(ModelUnavailable, match="decommissioned") as caught:
        await ask(opened())
    assert "qwen/qwen3.5-30b" in caught.value.hint


async def test_a_refused_key(opened: Opened, server: FakeProvider) -> None:
    server.key = "another"
    with pytest.raises(AuthenticationError, match="GROQ_API_KEY"):
        await ask(opened())


@pytest.mark.parametrize("seconds", [2.0, 65.0, 1800.0])
async def test_retry_after_is_obeyed_at_any_length(
    seconds: float, opened: Opened, server: FakeProvider, time: JumpClock
) -> None:
    server.script.append(too_many(seconds))
    assert (await ask(opened())).text == TEXT
    assert time.slept == [pytest.approx(seconds)]
    assert server.seen == 2


async def test_429s_do_not_use_up_the_tries(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    server.script.extend([too_many(1.0)] * 9)
    assert (await ask(opened(max_attempts=1))).text == TEXT
    assert sum(time.slept) == pytest.approx(9)


async def test_without_retry_after_the_waits_grow(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    server.script.extend([too_many(None)] * 3)
    assert (await ask(opened())).text == TEXT
    assert time.slept == [pytest.approx(1.5), pytest.approx(3), pytest.approx(6)]


async def test_a_daily_quota_stops_the_run(opened: Opened, server: FakeProvider) -> None:
    server.script.append(too_many(40_000))
    with pytest.raises(QuotaExhausted, match=r"Rate limit reached.*11 h 7 min") as caught:
        await ask(opened(max_wait_s=3600))
    assert "teacher.max_wait_s=43200" in caught.value.hint
    server.script.append(Refusal(429, "You exceeded your current quota", "insufficient_quota"))
    with pytest.raises(QuotaExhausted, match="used up"):
        await ask(opened(max_wait_s=1e9))


async def test_a_daily_quota_is_waited_out_where_the_config_says_so(
    opened: Opened, server: FakeProvider, time: JumpClock
) -> None:
    server.script.append(too_many(40_000))
    models, said = opened(max_wait_s=90_000), []
    models.listen(said.append)
    assert (await ask(models)).text == TEXT
    assert time.slept == [40_000]
    assert "waiting 11 h 7 min" in said[0]


async def test_a_429_whose_wait_stands_in_its_text_alone(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    said = "Rate limit reached on tokens per minute (TPM): Limit 6000, Used 5900. Please try again in 1m5.5s. Visit"
    server.script.append(Refusal(429, said, "rate_limit_exceeded"))
    assert (await ask(opened())).text == TEXT
    assert time.slept == [pytest.approx(65.5)]


async def test_an_outage_is_waited_out(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    """Far more failures than a request's tries, of many requests at once: none is lost."""
    server.script.extend([Refusal(503, "maintenance")] * 30)
    models, said = opened(max_attempts=3), []
    models.listen(said.append)
    chats = [models.for_problem(str(each)).ainvoke([HumanMessage(str(each))]) for each in range(10)]
    answers = await asyncio.gather(*chats)
    await models.aclose()
    assert [answer.text for answer in answers] == [TEXT] * 10
    assert ["down" in said[0], "answers again" in said[1], len(said)] == [True, True, 2]
    assert server.seen == 40
    assert max(time.slept) == 60


async def test_an_outage_ends_the_run_in_the_end(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    server.fault = lambda body, number: Refusal(503, "maintenance")
    models = opened(max_attempts=3, max_outage_s=600)
    chats = [models.for_problem(str(each)).ainvoke([HumanMessage(str(each))]) for each in range(10)]
    results = await asyncio.gather(*chats, return_exceptions=True)
    await models.aclose()
    down = [result for result in results if isinstance(result, ProviderDown)]
    assert len(down) >= 8  # the two others may have used up their tries before it was an outage
    assert "maintenance" in down[0].message
    assert "max_outage_s" in down[0].hint
    assert 600 <= time.time < 800


async def test_one_poisoned_request_is_no_outage(opened: Opened, server: FakeProvider) -> None:
    server.fault = lambda body, number: Refusal(500, "on fire") if "poison" in str(body) else None
    models = opened(max_attempts=12)
    with pytest.raises(ProviderError, match="12 tries"):
        await models.for_problem("p").ainvoke([HumanMessage("poison")])
    assert (await ask(models)).text == TEXT


async def test_limits_are_read_at_the_preflight(time: JumpClock) -> None:
    with FakeProvider(requests_limit=(14_400, 86_400), tokens_limit=(6000, 60), now=lambda: time.time) as server:
        for model, expected in (
            (GROQ, Limits(requests_per_day=14_400, tokens_per_minute=6000)),
            (COMPATIBLE, Limits(requests_per_minute=14_400, tokens_per_minute=6000)),
        ):
            models = open_provider(TeacherConfig(model=model, base_url=server.base_url), clock=time.clock)
            await models.preflight()
            await models.aclose()
            assert models.stated == expected


async def test_stated_limits_are_kept_to(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    models = opened(requests_per_minute=60)
    chats = [models.for_problem(str(each)).ainvoke([HumanMessage(str(each))]) for each in range(65)]
    await asyncio.gather(*chats)
    await models.aclose()
    assert time.time == pytest.approx(60, abs=1.5)  # five at once, then one a second
    assert models.pace().requests_limit == 60


async def test_cached_tokens_are_read(opened: Opened, server: FakeProvider) -> None:
    for model in (GROQ, COMPATIBLE):
        server.script.append(Reply(TEXT, cached_tokens=7))
        assert cached_tokens(await ask(opened(model))) == 7


FAULTS: list[Fault] = [
    Refusal(500), Refusal(502), Refusal(503), Refusal(498, "capacity"), Reset(), CutBody(), Garbage(),
    Garbage(b"{}", "application/json"), Garbage(b'{"choices": []}', "application/json"),
    Garbage(b"not json", "application/json"),
]  # fmt: skip


@pytest.mark.parametrize("model", [GROQ, COMPATIBLE])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_faults_of_the_moment_are_tried_again(
    fault: Fault, model: str, opened: Opened, server: FakeProvider, time: JumpClock
) -> None:
    server.script.extend([fault, fault])
    assert (await ask(opened(model))).text == TEXT
    assert server.seen == 3
    assert time.slept == [1.0, 2.0]


async def test_patience_ends(opened: Opened, server: FakeProvider, time: JumpClock) -> None:
    server.script.extend([Refusal(500, "on fire")] * 3)
    with pytest.raises(ProviderError, match=r"on fire.*3 tries"):
        await ask(opened(max_attempts=3))
    assert server.seen == 3


async def test_a_slow_drip_is_cut_off(opened: Opened, server: FakeProvider) -> None:
    server.script.append(Drip(0.05))
    assert (await ask(opened(timeout_s=0.4))).text == TEXT


async def test_a_wrong_request_is_not_repeated(opened: Opened, server: FakeProvider) -> None:
    server.script.append(Refusal(400, "context length exceeded", "context_length_exceeded"))
    with pytest.raises(ProviderError, match="context length"):
        await ask(opened())
    assert server.seen == 1


async def test_a_server_that_is_not_there(time: JumpClock) -> None:
    config = TeacherConfig(model=COMPATIBLE, base_url="http://127.0.0.1:9/v1", max_attempts=2)
    models = open_provider(config, clock=time.clock)
    with pytest.raises(ProviderError, match="connection failed"):
        await ask(models)


@pytest.mark.parametrize("model", [GROQ, COMPATIBLE])
@pytest.mark.parametrize("fault", [Refusal(503), Reset(), too_many(3)], ids=str)
async def test_a_stream_that_never_began_is_tried_again(
    fault: Fault, model: str, opened: Opened, server: FakeProvider
) -> None:
    server.script.append(fault)
    models = opened(model)
    text = "".join([str(chunk.text) async for chunk in models.for_problem("p").astream([HumanMessage("?")])])
    await models.aclose()
    assert text == TEXT


async def test_the_headers_reach_the_pacer(monkeypatch: pytest.MonkeyPatch, time: JumpClock) -> None:
    with FakeProvider(requests_limit=(100, 60), tokens_limit=(6000, 60), now=lambda: time.time) as server:
        for model in (GROQ, COMPATIBLE):
            models = open_provider(TeacherConfig(model=model, base_url=server.base_url), clock=time.clock)
            await ask(models)
            assert models.pacer.requests.limit == 100
            assert models.pacer.tokens.limit == 6000
            assert 5950 > models.pacer.tokens.available(time.time) > 5000
