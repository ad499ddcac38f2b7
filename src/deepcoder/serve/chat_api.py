"""POST /v1/chat/completions and GET /v1/models: the agent behind OpenAI's protocol.

The answer is the message's `content`; the trace is its `reasoning`, as text: thought, action, observation,
step by step. A stream sends `reasoning` as it is written and `content` at the end.
"""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from deepcoder.agent import AgentEvent, EventKind
from deepcoder.config import ServeConfig
from deepcoder.records import Step, StopReason, render_observation, render_step
from deepcoder.serve.chat_schema import (
    AssistantMessage,
    ChatCompletion,
    ChatRequest,
    ChatUsage,
    Choice,
    ModelCard,
    ModelList,
    problem_of,
)
from deepcoder.serve.connection import Emit, EventStream, sse, while_connected
from deepcoder.serve.documented import KEY, problems
from deepcoder.serve.gate import Gate, guarded
from deepcoder.serve.problem import ApiError, problem_body
from deepcoder.serve.service import AgentAnswer, AgentService, Ask

_STREAM = """data: {"id":"chatcmpl-...","object":"chat.completion.chunk","choices":[{"delta":{"content":"42"}}]}

data: [DONE]
"""


# No postponed annotations here: FastAPI could not see the closure in `Path(examples=...)`.
def chat_routes(service: AgentService, gate: Gate, config: ServeConfig) -> APIRouter:
    """The router of OpenAI's routes."""
    router = APIRouter(prefix="/v1", tags=["openai"], route_class=guarded(gate, "chat"))
    card = ModelCard(id=config.model_name, created=int(time.time()))

    @router.post(
        "/chat/completions",
        summary="Solve a problem, in OpenAI's protocol",
        response_model=ChatCompletion,
        responses={
            200: {"description": "The completion", "content": {"text/event-stream": {"example": _STREAM}}},
            **problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503),
        },
        dependencies=KEY,
    )
    async def complete(body: ChatRequest, request: Request) -> Response:
        """Runs the agent on the user's message, or on the whole conversation as one text."""
        _require_model(body.model, config.model_name)
        budget = body.max_completion_tokens or body.max_tokens
        ask = Ask(problem_of(body.messages), request.scope["request_id"], max_tokens=budget)
        notes = request.scope["notes"]
        if not body.stream:
            answer = await while_connected(request.receive, service.run(ask, notes))
            return JSONResponse(_completion(answer).model_dump(mode="json"))
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return EventStream(
            lambda emit: _stream(service, ask, notes, emit, config.model_name, with_usage),
            failed=lambda error: sse(problem_body(error, ask.request_id, openai=True)),
            heartbeat_s=config.heartbeat_s,
        )

    @router.get(
        "/models", summary="The model", response_model=ModelList, responses=problems(401, 403, 429, 500, 503),
        dependencies=KEY,
    )  # fmt: skip
    async def models() -> ModelList:
        """The one model that is served."""
        return ModelList(data=[card])

    @router.get(
        "/models/{name}", summary="One model", response_model=ModelCard,
        responses=problems(401, 403, 404, 422, 429, 500, 503), dependencies=KEY,
    )  # fmt: skip
    async def model(name: Annotated[str, Path(examples=[config.model_name])]) -> ModelCard:
        """The model of this name, if it is the one that is served."""
        _require_model(name, config.model_name)
        return card

    return router


def _require_model(name: str, served: str) -> None:
    if name != served:
        raise ApiError(404, "model-not-found", f"The model that is served here is {served}.")


def _completion(answer: AgentAnswer) -> ChatCompletion:
    steps = [
        Step(thought=step.thought, action=step.action, input=step.input, observation=step.observation)
        for step in answer.steps
    ]
    message = AssistantMessage(content=answer.answer or "", reasoning="".join(map(_told, steps)))
    return ChatCompletion(
        id=f"chatcmpl-{answer.id}", created=int(time.time()), model=answer.model, usage=_usage(answer),
        choices=[Choice(message=message, finish_reason=_finish_reason(answer))],
    )  # fmt: skip


def _told(step: Step) -> str:
    """A step as text, as a stream of it reads."""
    return render_step(step) + (_observed(step.observation) if step.observation is not None else "")


def _observed(observation: str) -> str:
    return f"\n\n{render_observation(observation)}\n\n"


def _usage(answer: AgentAnswer) -> ChatUsage:
    used = answer.usage
    return ChatUsage(
        prompt_tokens=used.input_tokens, completion_tokens=used.output_tokens,
        total_tokens=used.input_tokens + used.output_tokens,
    )  # fmt: skip


def _finish_reason(answer: AgentAnswer) -> Any:
    return "stop" if answer.stop_reason is StopReason.FINISHED else "length"


async def _stream(
    service: AgentService, ask: Ask, notes: dict[str, Any], emit: Emit, model: str, with_usage: bool
) -> None:
    head = {
        "id": f"chatcmpl-{ask.request_id}", "object": "chat.completion.chunk", "created": int(time.time()),
        "model": model,
    }  # fmt: skip

    def chunk(delta: dict[str, str], finish_reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        emit(sse({**head, "choices": [choice]}))

    async def on_event(event: AgentEvent) -> None:
        if event.kind is EventKind.MODEL_STARTED and event.step == 0:
            chunk({"role": "assistant"})
        elif event.kind is EventKind.TOKEN and event.text:
            chunk({"reasoning": event.text})
        elif event.kind is EventKind.OBSERVATION:
            chunk({"reasoning": _observed(event.text or "")})

    answer = await service.run(ask, notes, on_event=on_event)
    if answer.answer:
        chunk({"content": answer.answer})
    chunk({}, _finish_reason(answer))
    if with_usage:
        emit(sse({**head, "choices": [], "usage": _usage(answer).model_dump()}))
    emit(sse("[DONE]"))
