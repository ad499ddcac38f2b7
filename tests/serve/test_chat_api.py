from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, AuthenticationError, NotFoundError, UnprocessableEntityError
from tests.serve.scripted import Service, echo, listening

from deepcoder.errors import ProviderError
from deepcoder.serve.chat_schema import ChatRequest, problem_of


def ask(service: Service, **fields: Any) -> Any:
    body = {"model": "deepcoder", "messages": [{"role": "user", "content": "What is 6 * 7?"}], **fields}
    return service.client.post("/v1/chat/completions", json=body)


def data_of(text: str) -> list[str]:
    return [block.removeprefix("data: ") for block in text.strip().split("\n\n")]


async def test_the_answer_is_the_content_and_the_trace_the_reasoning(service: Service) -> None:
    body = (await ask(service)).json()
    assert body["object"] == "chat.completion"
    choice = body["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("42", "stop")
    reasoning = choice["message"]["reasoning"]
    for part in ("Thought: I will compute it.", "print(6 * 7)", "Observation: 42", "Action: finish"):
        assert part in reasoning
    assert body["usage"] == {"prompt_tokens": 200, "completion_tokens": 20, "total_tokens": 220}


async def test_a_stream_says_the_same_as_the_whole(service: Service) -> None:
    whole = (await ask(service)).json()["choices"][0]["message"]
    *chunks, done = data_of((await ask(service, stream=True)).text)
    assert done == "[DONE]"
    deltas = [json.loads(chunk)["choices"][0] for chunk in chunks]
    assert deltas[0]["delta"] == {"role": "assistant"}
    assert deltas[-1] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    for field in ("content", "reasoning"):
        assert "".join(delta["delta"].get(field, "") for delta in deltas) == whole[field]


async def test_usage_ends_a_stream_where_it_was_asked_for(service: Service) -> None:
    *_, last, done = data_of((await ask(service, stream=True, stream_options={"include_usage": True})).text)
    assert done == "[DONE]"
    assert json.loads(last)["choices"] == []
    assert json.loads(last)["usage"]["total_tokens"] == 220


async def test_a_budget_that_ends_the_run_is_finish_reason_length(service: Service) -> None:
    body = (await ask(service, max_tokens=10)).json()
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["message"]["content"] == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function"}]}, {"n": 2}, {"response_format": {"type": "json_object"}}, {"stop": ["x"]},
        {"logprobs": True}, {"logprobs": 0}, {"messages": []}, {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"messages": [{"role": "user", "content": ""}]}, {"messages": [{"role": "king", "content": "x"}]},
        {"unknown": 1}, {"temperature": float(3)},
    ],
)  # fmt: skip
async def test_what_cannot_be_honoured_is_refused(service: Service, fields: dict[str, Any]) -> None:
    response = await ask(service, **fields)
    assert response.status_code == 422
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert service.model.asked == 0


async def test_sampling_fields_that_clients_always_send_are_taken(service: Service) -> None:
    fields = {"temperature": 0.7, "top_p": 1, "seed": 1, "user": "u", "n": 1, "stop": None, "tools": None}
    assert (await ask(service, **fields)).status_code == 200


def read(*messages: dict[str, Any]) -> str:
    return problem_of(ChatRequest.model_validate({"model": "m", "messages": list(messages)}).messages)


def test_a_single_message_is_the_problem_itself() -> None:
    assert read({"role": "user", "content": "a\nb"}) == "a\nb"


def test_a_conversation_becomes_a_transcript_with_the_question_last() -> None:
    assert read(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1", "reasoning": "hm"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": [{"type": "text", "text": "and "}, {"type": "text", "text": "now?"}]},
    ) == "Instructions: Be brief.\n\nUser: one\n\nAssistant: 1\n\nUser: and now?"  # fmt: skip


async def test_the_openai_sdk_works_unchanged(service: Service) -> None:
    async with listening(service.app) as (host, port):
        client = AsyncOpenAI(base_url=f"http://{host}:{port}/v1", api_key=service.key, max_retries=0)
        assert [model.id async for model in client.models.list()] == ["deepcoder"]
        assert (await client.models.retrieve("deepcoder")).id == "deepcoder"
        messages: Any = [{"role": "user", "content": "What is 6 * 7?"}]
        whole = await client.chat.completions.create(model="deepcoder", messages=messages)
        assert whole.choices[0].message.content == "42"
        assert "Observation: 42" in whole.choices[0].message.model_extra["reasoning"]
        stream = await client.chat.completions.create(model="deepcoder", messages=messages, stream=True)
        content, reasoning = "", ""
        async for chunk in stream:
            delta = chunk.choices[0].delta
            content += delta.content or ""
            reasoning += (delta.model_extra or {}).get("reasoning", "")
        assert content == "42"
        assert "Observation: 42" in reasoning
        with pytest.raises(NotFoundError, match="deepcoder"):
            await client.chat.completions.create(model="other", messages=messages)
        with pytest.raises(UnprocessableEntityError, match="not valid"):
            await client.chat.completions.create(model="deepcoder", messages=messages, n=3)
        with pytest.raises(AuthenticationError, match="API key"):
            await client.with_options(api_key="dc_wrong").models.list()
        await client.close()


async def test_the_openai_sdk_raises_on_a_failure_within_a_stream(service: Service) -> None:
    from openai import APIError

    service.model.script = lambda messages: ProviderError("secret-detail")
    async with listening(service.app) as (host, port):
        client = AsyncOpenAI(base_url=f"http://{host}:{port}/v1", api_key=service.key, max_retries=0)
        messages: Any = [{"role": "user", "content": "x"}]
        stream = await client.chat.completions.create(model="deepcoder", messages=messages, stream=True)
        with pytest.raises(APIError, match="engine does not answer"):
            async for _ in stream:
                pass
        await client.close()


async def test_langchain_works_unchanged(service: Service) -> None:
    service.model.script = echo
    async with listening(service.app) as (host, port):
        async with httpx.AsyncClient() as http:
            model = ChatOpenAI(
                base_url=f"http://{host}:{port}/v1", api_key=service.key, model="deepcoder", max_retries=0,
                http_async_client=http,
            )  # fmt: skip
            assert (await model.ainvoke([HumanMessage("hello")])).content == "hello"
            streamed = [str(chunk.content) async for chunk in model.astream("hello")]
            assert "".join(streamed) == "hello"
