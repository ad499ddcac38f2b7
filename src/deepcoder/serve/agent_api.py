"""POST /v1/agent: a problem in; the answer and every step out, as JSON or as server-sent events."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field, JsonValue

from deepcoder.agent import AgentEvent, EventKind
from deepcoder.config import ServeConfig
from deepcoder.serve.chat_schema import Count, Strict
from deepcoder.serve.connection import Emit, EventStream, sse, while_connected
from deepcoder.serve.documented import KEY, problems
from deepcoder.serve.gate import Gate, guarded
from deepcoder.serve.problem import ApiError, problem_body
from deepcoder.serve.service import AgentAnswer, AgentService, Ask

_EXAMPLE: JsonValue = {"problem": "What is the sum of all primes below 1000?"}
_STREAM = """event: started
data: {"id":"...","model":"deepcoder"}

event: action
data: {"step":0,"text":"print(6 * 7)","action":"execute_python"}

event: finished
data: {"id":"...","answer":"42",...}
"""


class AgentRequest(Strict):
    """A problem, and budgets lower than the service's own where you want them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    problem: str = Field(min_length=1, description="what the agent shall solve")
    stream: bool = Field(default=False, description="server-sent events instead of one JSON object")
    max_steps: Count | None = Field(default=None, description="cut to the service's own limit")
    max_tokens: Count | None = Field(default=None, description="output tokens; cut to the service's own limit")
    timeout_s: float | None = Field(default=None, gt=0, description="cut to the service's own limit")


def agent_routes(service: AgentService, gate: Gate, config: ServeConfig) -> APIRouter:
    """The router of /v1/agent."""
    router = APIRouter(prefix="/v1", tags=["agent"], route_class=guarded(gate, "agent"))

    @router.post(
        "/agent",
        summary="Solve a problem",
        response_model=AgentAnswer,
        responses={
            200: {"description": "The run", "content": {"text/event-stream": {"example": _STREAM}}},
            **problems(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
        },
        dependencies=KEY,
    )
    async def solve(body: AgentRequest, request: Request) -> Response:
        """Runs the agent on a problem. It thinks, runs Python in a sandbox and looks things up until it has an answer.

        With `stream` the events are `started`, then for each step `model_started`, `token`, `thought`,
        `action` and `observation`, then `finished` with the whole result; `error` with a problem document
        in its place where the run failed. Closing the connection stops the run.
        """
        ask = Ask(
            body.problem, request.scope["request_id"],
            max_steps=body.max_steps, max_tokens=body.max_tokens, timeout_s=body.timeout_s,
        )  # fmt: skip
        notes = request.scope["notes"]
        if not body.stream:
            answer = await while_connected(request.receive, service.run(ask, notes))
            return JSONResponse(answer.model_dump(mode="json"))
        return EventStream(
            lambda emit: _stream(service, ask, notes, emit, config.model_name),
            failed=lambda error: _failed(error, ask.request_id), heartbeat_s=config.heartbeat_s,
        )  # fmt: skip

    return router


async def _stream(service: AgentService, ask: Ask, notes: dict[str, Any], emit: Emit, model: str) -> None:
    begun = False

    async def on_event(event: AgentEvent) -> None:
        nonlocal begun
        if not begun:
            begun = True
            emit(sse({"id": ask.request_id, "model": model}, "started"))
        if event.kind is not EventKind.FINISHED:  # the whole result follows under this name
            emit(sse(event.model_dump(mode="json", exclude={"kind"}, exclude_none=True), event.kind.value))

    answer = await service.run(ask, notes, on_event=on_event)
    emit(sse(answer.model_dump(mode="json"), "finished"))


def _failed(error: ApiError, request_id: str) -> bytes:
    return sse(problem_body(error, request_id), "error")
