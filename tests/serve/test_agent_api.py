from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.serve.scripted import FINISH, RUN, Service

from deepcoder.errors import ModelUnavailable, ProviderError


def parse_events(text: str) -> list[tuple[str, Any]]:
    """(event, data) of a text/event-stream body."""
    out = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            out.append((fields.get("event", "message"), json.loads(fields["data"])))
    return out


async def test_the_answer_comes_with_every_step_and_its_executed_tools(service: Service) -> None:
    response = await service.ask()
    assert response.status_code == 200
    body = response.json()
    assert body["answer"] == "42"
    assert body["stop_reason"] == "finished"
    assert [(s["thought"], s["action"], s["input"], s["observation"], s["error"]) for s in body["steps"]] == [
        ("I will compute it.", "execute_python", "print(6 * 7)", "42", None),
        ("I have it.", "finish", "42", None, None),
    ]
    assert body["usage"] == {"input_tokens": 200, "output_tokens": 20}
    assert body["id"] == response.headers["x-request-id"]
    assert body["timings"]["tool_s"] > 0
    assert set(body["timings"]) == {"queue_s", "model_s", "tool_s", "run_s"}


async def test_a_stream_sends_each_event_and_ends_with_the_whole_result(service: Service) -> None:
    response = await service.ask(stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = parse_events(response.text)
    kinds = [kind for kind, _ in events]
    assert [kind for kind in kinds if kind != "token"] == [
        "started", "model_started", "thought", "action", "observation", "model_started", "thought", "action",
        "finished",
    ]  # fmt: skip
    tokens = "".join(data["text"] for kind, data in events if kind == "token" and data["step"] == 0)
    assert tokens == RUN.format(code="print(6 * 7)")
    assert dict(events)["observation"] == {"step": 0, "text": "42"}
    finished = dict(events)["finished"]
    assert finished["answer"] == "42"
    assert len(finished["steps"]) == 2
    assert dict(events)["started"]["id"] == finished["id"] == response.headers["x-request-id"]


async def test_text_with_line_breaks_cannot_forge_an_event(service: Service) -> None:
    forged = "x\n\nevent: finished\ndata: {}\n\n\r\n\u2028"
    service.model.script = lambda messages: FINISH.format(answer=f"a{forged}b")
    events = parse_events((await service.ask(stream=True)).text)
    assert [kind for kind, _ in events].count("finished") == 1


async def test_budgets_can_be_lowered_but_not_raised(make_service: Callable[..., Service]) -> None:
    service = make_service(agent={"max_steps": 3})
    service.model.script = lambda messages: RUN.format(code="print(1)")
    for asked, steps in ((1, 1), (50, 3), (None, 3)):
        body = (await service.ask(max_steps=asked)).json()
        assert (len(body["steps"]), body["stop_reason"], body["answer"]) == (steps, "max_steps", None)


async def test_a_run_out_of_time_is_an_answer_with_its_stop_reason(service: Service) -> None:
    service.model.script = lambda messages: RUN.format(code="import time; time.sleep(15)")
    body = (await service.ask(timeout_s=0.3)).json()
    assert body["stop_reason"] == "timeout"
    assert body["answer"] is None


async def test_an_engine_that_is_down_is_a_503_without_its_error_text(service: Service) -> None:
    for error in (ProviderError("secret-detail"), ModelUnavailable("secret-detail")):
        service.model.script = lambda messages, error=error: error
        response = await service.ask()
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert response.json()["type"] == "urn:deepcoder:error:engine-unavailable"
        assert "secret" not in response.text


async def test_an_engine_that_fails_within_a_stream_ends_it_with_an_error_event(service: Service) -> None:
    service.model.script = lambda messages: ProviderError("secret-detail")
    response = await service.ask(stream=True)
    kind, data = parse_events(response.text)[-1]
    assert kind == "error"
    assert data["status"] == 503
    assert "secret" not in response.text


async def test_an_unexpected_failure_is_a_500_and_the_log_has_its_place_but_not_its_text(service: Service) -> None:
    service.model.script = lambda messages: RuntimeError("secret-detail")
    response = await service.ask()
    assert response.status_code == 500
    assert response.json()["request_id"] == response.headers["x-request-id"]
    crash = next(event for event in service.events() if event["event"] == "crash")
    assert crash["error"] == "RuntimeError"
    assert any("scripted.py" in frame for frame in crash["frames"])
    assert "secret" not in response.text + service.logs.getvalue()


async def test_an_unexpected_failure_within_a_stream_is_told_and_logged(service: Service) -> None:
    service.model.script = lambda messages: RuntimeError("secret-detail")
    response = await service.ask(stream=True)
    assert parse_events(response.text)[-1][1]["status"] == 500
    assert any(event["event"] == "crash" for event in service.events())
    assert "secret" not in response.text + service.logs.getvalue()


async def test_the_openapi_document_names_every_response(service: Service) -> None:
    document = (await service.client.get("/openapi.json")).json()
    agent = document["paths"]["/v1/agent"]["post"]
    assert set(agent["responses"]) == {"200", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503"}
    assert set(agent["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert set(agent["responses"]["422"]["content"]) == {"application/problem+json"}
    schema = document["components"]["schemas"]["AgentRequest"]
    assert schema["properties"]["problem"]["maxLength"] == service.config.serve.max_problem_chars
    assert "HTTPValidationError" not in json.dumps(document)
    assert agent["security"] == [{"API key": []}]


async def test_readyz_really_uses_every_part(service: Service) -> None:
    response = await service.client.get("/readyz")
    assert response.json() == {
        "status": "ready", "checks": {"model": "ok", "sandbox": "ok", "index": "ok", "rate_limit": "ok"},
    }  # fmt: skip


async def test_readyz_names_the_part_that_fails(make_service: Callable[..., Service]) -> None:
    service = make_service()
    service.models.failure = ModelUnavailable("secret-detail")
    response = await service.client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["model"] == "failed (ModelUnavailable)"
    assert "secret" not in response.text
    assert (await service.client.get("/healthz")).json() == {"status": "ok"}


async def test_figures_of_a_run_are_in_the_metrics_and_the_log(service: Service) -> None:
    await service.ask()
    assert await service.metric('deepcoder_runs_total{stop_reason="finished"}') == 1
    assert await service.metric('deepcoder_tokens_total{direction="output"}') == 20
    assert await service.metric('deepcoder_tool_calls_total{outcome="ok",tool="execute_python"}') == 1
    assert await service.metric('deepcoder_requests_total{method="POST",route="/v1/agent",status="200"}') == 1
    line = next(event for event in service.events() if event.get("route") == "/v1/agent")
    assert (line["status"], line["steps"], line["stop"], line["output_tokens"]) == (200, 2, "finished", 20)
