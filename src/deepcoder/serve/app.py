"""create_app: the parts of the service, put together. Whoever opens a model or a sandbox also closes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

import deepcoder
from deepcoder.config import Config
from deepcoder.knowledge import KnowledgeIndex
from deepcoder.models import ChatModels
from deepcoder.sandbox import Sandbox
from deepcoder.serve.agent_api import agent_routes
from deepcoder.serve.body import BodyLimit
from deepcoder.serve.chat_api import chat_routes
from deepcoder.serve.gate import Gate
from deepcoder.serve.intake import Intake
from deepcoder.serve.keys import KeyStore
from deepcoder.serve.metrics import Metrics
from deepcoder.serve.page import page_routes
from deepcoder.serve.probes import Probes, needed, probe_routes
from deepcoder.serve.problem import (
    ApiError,
    ProblemDetails,
    on_api_error,
    on_http_exception,
    on_validation_error,
)
from deepcoder.serve.service import AgentService
from deepcoder.serve.tracing import Tracing

_ABOUT = "A small coding agent: it thinks, runs Python in a sandbox, looks things up, and answers."


def create_app(
    config: Config, *, models: ChatModels, box: Sandbox, index: KnowledgeIndex, keys: KeyStore,
    tracing: Tracing | None = None,
) -> FastAPI:  # fmt: skip
    """The service as an ASGI app. Its shutdown closes the rate limit's storage and `tracing`; the rest is the caller's.

    `app.state.admission.draining = True` makes it refuse new work.
    Raises ConfigError for a rate limit or a storage that cannot be used.
    """
    serve = config.serve
    metrics = Metrics()
    gate = Gate(keys, serve.rate_limit, metrics)
    tracing = tracing or Tracing()
    service = AgentService(config, models, box, index, metrics, tracing)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await gate.aclose()
        await asyncio.to_thread(tracing.close)  # it waits for the collector

    app = _Service(
        title="DeepCoder", version=deepcoder.__version__, description=_ABOUT,
        lifespan=lifespan,
        docs_url=None, redoc_url=None,  # both load scripts from a CDN
        middleware=_layers(config, metrics, tracing),
        exception_handlers={
            ApiError: on_api_error, HTTPException: on_http_exception, RequestValidationError: on_validation_error,
        },
        # FastAPI's own telemetry may be switched on by the environment, and records validation errors.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )  # fmt: skip
    app.max_problem_chars = serve.max_problem_chars
    app.state.admission = service.admission
    app.state.gate = gate
    app.state.metrics = metrics
    app.include_router(agent_routes(service, gate, serve))
    app.include_router(chat_routes(service, gate, serve))
    probes = Probes(needed(models, box, index, gate))
    app.include_router(probe_routes(probes, service.admission, metrics, with_metrics=serve.metrics))
    if serve.page:
        app.include_router(page_routes())
    return app


class _Service(FastAPI):
    """FastAPI, with the configured limits and the problem schema written into its OpenAPI document."""

    max_problem_chars: int

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document["components"]["schemas"]
            schemas["AgentRequest"]["properties"]["problem"]["maxLength"] = self.max_problem_chars
            problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs") | {ProblemDetails.__name__: problem}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        assert self.openapi_schema is not None
        return self.openapi_schema


def _layers(config: Config, metrics: Metrics, tracing: Tracing) -> list[Middleware]:
    serve = config.serve
    layers = [Middleware(Intake, metrics=metrics, tracing=tracing)]
    if serve.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware, allow_origins=serve.cors_origins, allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "x-request-id"], expose_headers=["x-request-id"],
            )
        )  # fmt: skip
    layers.append(Middleware(BodyLimit, max_bytes=serve.max_body_bytes, timeout_s=serve.body_timeout_s))
    return layers
