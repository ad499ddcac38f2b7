"""Spans in an exporter that keeps them in memory: what they tell, and what they do not."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from tests.serve.canary import CANARY, requests, scripts
from tests.serve.processes import collector
from tests.serve.scripted import Service, listening

from deepcoder.errors import ConfigError, ProviderError
from deepcoder.serve.tracing import Tracing, open_tracing

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="needs OpenTelemetry's SDK: pip install 'deepcoder[otel]'")
export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

Make = Callable[..., Service]


@pytest.fixture
def exporter() -> Any:
    return memory.InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: Any) -> Iterator[Tracing]:
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    tracing = Tracing(provider, "student")
    yield tracing
    tracing.close()


async def test_a_run_is_a_request_with_its_calls_inside(make_service: Make, tracing: Tracing, exporter: Any) -> None:
    service = make_service(tracing=tracing)
    response = await service.ask()
    model_1, tool, model_2, request = sorted(exporter.get_finished_spans(), key=lambda span: span.end_time)
    assert [model_1.name, tool.name, model_2.name] == ["chat student", "execute_tool execute_python", "chat student"]
    assert all(span.parent.span_id == request.context.span_id for span in (model_1, tool, model_2))
    assert request.name == "POST /v1/agent"
    assert request.kind is SpanKind.SERVER
    assert request.attributes["deepcoder.request_id"] == response.headers["x-request-id"]
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["deepcoder.stop"] == "finished"
    assert [span.attributes["gen_ai.usage.output_tokens"] for span in (model_1, model_2)] == [10, 10]
    assert [span.attributes["deepcoder.step"] for span in (model_1, tool, model_2)] == [0, 0, 1]
    assert model_1.end_time <= tool.start_time <= tool.end_time <= model_2.start_time


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_of_the_engine_is_an_error_of_its_span(
    make_service: Make, tracing: Tracing, exporter: Any, stream: bool
) -> None:
    service = make_service(tracing=tracing)
    service.model.script = lambda messages: ProviderError("secret")
    await service.ask(stream=stream)
    model, _ = exporter.get_finished_spans()
    assert model.status.status_code is StatusCode.ERROR
    assert model.attributes["error.type"] == "model_error"
    assert model.events == ()


async def test_a_client_that_leaves_ends_the_spans(make_service: Make, tracing: Tracing, exporter: Any) -> None:
    service = make_service(tracing=tracing)
    service.model.gate = asyncio.Event()
    asking = asyncio.create_task(service.ask())
    async with asyncio.timeout(10):
        while service.model.asked == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    model, request = exporter.get_finished_spans()
    assert model.attributes["error.type"] == "CancelledError"
    assert request.attributes["http.response.status_code"] == 499


async def test_a_trace_goes_on_from_its_caller_and_takes_no_free_text(
    make_service: Make, tracing: Tracing, exporter: Any
) -> None:
    service = make_service(tracing=tracing)
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "tracestate": f"x={CANARY}", "baggage": f"x={CANARY}"}
    await service.client.get("/healthz", headers=headers)
    await service.client.get("/healthz", headers={"traceparent": CANARY})
    first, second = exporter.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == trace
    assert f"{second.context.trace_id:032x}" != trace
    assert CANARY not in first.to_json() + second.to_json()


async def test_no_span_has_the_canary(make_service: Make, tracing: Tracing, exporter: Any) -> None:
    service = make_service(tracing=tracing, rate_limit={"requests": "100000/minute"})
    async with listening(service.app) as (host, port):
        for script in scripts()[1::2]:
            service.model.script = script
            await requests(f"http://{host}:{port}", service.headers)
    spans = exporter.get_finished_spans()
    assert len(spans) > 80
    assert [span.name for span in spans if CANARY in span.to_json()] == []


async def test_spans_reach_a_collector(make_service: Make) -> None:
    with collector() as (endpoint, bodies):
        tracing = open_tracing(endpoint, "student")
        await make_service(tracing=tracing).ask()
        await asyncio.to_thread(tracing.close)
    assert b"execute_tool execute_python" in b"".join(bodies)


def test_without_the_packages_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("opentelemetry.exporter"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as caught:
        open_tracing("http://127.0.0.1:4318/v1/traces", "student")
    assert "deepcoder[otel]" in caught.value.hint
    assert not open_tracing(None, "student").on
