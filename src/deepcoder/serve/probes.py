"""/healthz (the process answers), /readyz (everything a run needs answers), /metrics. No key is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from deepcoder.knowledge import KnowledgeIndex
from deepcoder.models import ChatModels
from deepcoder.sandbox import Sandbox, Status
from deepcoder.serve.admission import Admission
from deepcoder.serve.documented import problems
from deepcoder.serve.gate import Gate
from deepcoder.serve.metrics import Metrics
from deepcoder.serve.problem import ApiError

FRESH_S = 3.0  # anyone may ask, so a result is kept for a moment: asking often costs nothing
TIMEOUT_S = 5.0

Check = Callable[[], Awaitable[None]]


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Each part by name; all are `ok` here (a 503's `checks` says which are not)."""

    status: str = "ready"
    checks: dict[str, str]


class Probes:
    """Runs the checks, at most once in FRESH_S seconds."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self._checks = checks
        self._lock = asyncio.Lock()
        self._at = -FRESH_S
        self._results: dict[str, str] = {}

    async def results(self) -> dict[str, str]:
        """`ok`, `timeout` or `failed (ErrorType)` for each check; the error's text stays inside."""
        async with self._lock:
            if time.monotonic() - self._at >= FRESH_S:
                states = await asyncio.gather(*(_state(check) for check in self._checks.values()))
                self._results = dict(zip(self._checks, states, strict=True))
                self._at = time.monotonic()
            return self._results


def needed(models: ChatModels, box: Sandbox, index: KnowledgeIndex, gate: Gate) -> dict[str, Check]:
    """What a run needs, each with a check that really uses it."""

    async def sandbox() -> None:
        result = await box.run("print(6 * 7)")
        if result.status is not Status.OK or result.stdout.strip() != "42":
            raise RuntimeError("the sandbox does not run programs")

    async def knowledge() -> None:
        if not len(index):
            raise RuntimeError("the index is empty")

    return {"model": models.preflight, "sandbox": sandbox, "index": knowledge, "rate_limit": gate.check}


def probe_routes(probes: Probes, admission: Admission, metrics: Metrics, *, with_metrics: bool) -> APIRouter:
    """The router of the three."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="Is the process alive", response_model=Health, responses=problems(500))
    async def healthz() -> Health:
        """Answers as long as the process does; nothing is checked."""
        return Health()

    @router.get("/readyz", summary="Can it serve", response_model=Readiness, responses=problems(500, 503))
    async def readyz() -> Readiness:
        """Runs a program in the sandbox, asks the engine, the index and the rate limit's storage."""
        if admission.draining:
            raise ApiError(503, "draining", "The service is shutting down.", retry_after=5)
        checks = await probes.results()
        if any(state != "ok" for state in checks.values()):
            raise ApiError(503, "not-ready", "A part of the service does not answer.", retry_after=5, checks=checks)
        return Readiness(checks=checks)

    if with_metrics:

        @router.get("/metrics", summary="Prometheus metrics", include_in_schema=False)
        async def scrape() -> Response:
            return Response(metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await check()
    except TimeoutError:
        return "timeout"
    except Exception as error:
        return f"failed ({type(error).__name__})"
    return "ok"
