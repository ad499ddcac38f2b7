"""A conversation that the student's context cannot hold: the request's fault, not the engine's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_openai import ChatOpenAI
from tests.serve.scripted import RUN, Service, listening

from deepcoder.errors import ContextFull


def too_long(messages: list[Any]) -> object:
    return ContextFull("secret") if len(messages) > 1 else RUN.format(code="print('x' * 1000)")


async def test_it_is_a_400_of_its_own_and_not_an_engine_that_is_down(service: Service) -> None:
    service.model.script = too_long
    response = await service.ask()
    assert response.status_code == 400
    assert response.json()["type"] == "urn:deepcoder:error:context-length-exceeded"
    assert "retry-after" not in response.headers
    assert "secret" not in response.text
    assert await service.metric('deepcoder_refusals_total{reason="context"}') == 1


async def test_a_stream_ends_with_the_same_problem(service: Service) -> None:
    service.model.script = too_long
    text = (await service.ask(stream=True)).text
    assert "event: error" in text
    assert "context-length-exceeded" in text.rpartition("event: error")[2]


async def test_langchain_knows_it_by_openais_name(service: Service) -> None:
    service.model.script = too_long
    async with listening(service.app) as (host, port):
        async with httpx.AsyncClient() as http:
            model = ChatOpenAI(
                base_url=f"http://{host}:{port}/v1", api_key=service.key, model="deepcoder", max_retries=0,
                http_async_client=http,
            )  # fmt: skip
            with pytest.raises(ContextOverflowError):
                await model.ainvoke("x")
