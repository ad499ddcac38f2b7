"""The canary in the whole service: two workers, Redis, a collector of spans, an engine that writes it and fails.

DEEPCODER_CANARY_REQUESTS says how many requests; `make soak` sends 1,000.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest
import redis.asyncio
from tests.serve.canary import CANARY, files_with_the_canary, requests, writings
from tests.serve.processes import Engine, Served, collector, redis_server, served, until

REQUESTS = int(os.environ.get("DEEPCODER_CANARY_REQUESTS", "100"))


@pytest.mark.slow
async def test_the_canary_is_in_no_file_log_metric_span_or_redis_key(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs OpenTelemetry's SDK: pip install 'deepcoder[otel]'")
    engine = Engine()
    engine.gate.set()
    async with redis_server(tmp_path) as store, contextlib.AsyncExitStack() as up:
        endpoint, spans = up.enter_context(collector())
        overrides = [
            "serve.workers=2", f"serve.rate_limit.storage={store.url}", "serve.rate_limit.requests=1000000/minute",
            "sandbox.workers=1", f"serve.otlp_endpoint={endpoint}",
        ]  # fmt: skip
        async with engine.running(), served(tmp_path, engine, overrides) as service:
            await service.until_ready(workers=2)
            sent, metrics = await _everything(service, engine)
            assert CANARY not in metrics
            assert [path for path in _held(service) if CANARY.encode() in path.read_bytes()] == []
            assert files_with_the_canary(tmp_path) == []
            assert not any(CANARY.encode() in piece for piece in await _in_redis(store.url))
        assert sent >= REQUESTS
        assert files_with_the_canary(tmp_path) == []
        assert len(service.events("request")) > 0.9 * sent  # the searches are not of nothing
        assert {"200", "400", "401", "404", "405", "413", "415", "422", "503"} <= {
            str(event["status"]) for event in service.events("request")
        }
        assert b"gen_ai.usage" in b"".join(spans)
        assert not any(CANARY.encode() in body for body in spans)


async def _everything(service: Served, engine: Engine) -> tuple[int, str]:
    """REQUESTS requests or more; the engine writes the canary, refuses it, is away, and workers are killed."""
    sent = 0
    answers = [*writings(), "400", "away", "kill"]
    while sent < REQUESTS:
        for answer in answers:
            engine.refusing = answer == "away"
            engine.answer = lambda messages, answer=answer: answer
            if answer == "kill":
                victim = service.workers()[0]
                engine.gate.clear()
                async with service.client() as client:
                    asking = asyncio.create_task(client.post("/v1/agent", json={"problem": CANARY}))
                    await asyncio.sleep(0.2)
                    os.kill(victim, signal.SIGKILL)
                    engine.gate.set()
                    await asyncio.gather(asking, return_exceptions=True)
                await until(lambda victim=victim: victim not in (w := service.workers()) and len(w) == 2)
            else:
                sent += await requests(service.base, service.headers)
    async with service.client() as client:
        return sent, (await client.get("/metrics")).text


def _held(service: Served) -> list[Path]:
    """Regular files that the service's processes have open, wherever they lie."""
    found = set()
    for pid in (service.process.pid, *service.workers()):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                path = link.resolve()
                if path.is_file() and not path.is_relative_to("/proc"):
                    found.add(path)
    return sorted(found)


async def _in_redis(url: str) -> list[bytes]:
    """Every key and value."""
    pieces: list[bytes] = []
    async with redis.asyncio.from_url(url) as client:
        async for name in client.scan_iter("*"):
            pieces += [name, await client.dump(name) or b""]
    assert pieces
    return pieces
