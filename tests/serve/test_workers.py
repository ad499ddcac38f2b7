"""Two workers behind one socket, with what they need dying under load: no request hangs, each ends as documented."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from tests.serve.processes import Engine, RedisServer, Served, names_in, redis_server, served, until

from deepcoder.config import load_config
from deepcoder.errors import ConfigError
from deepcoder.serve.workers import check_workers

pytestmark = pytest.mark.slow
LONGEST_S = 15.0  # for any single request, whatever happens


@dataclass
class Site:
    engine: Engine
    redis: RedisServer
    service: Served
    listening: contextlib.AsyncExitStack


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("workers")
    engine = Engine()
    engine.gate.set()
    async with redis_server(folder) as redis, contextlib.AsyncExitStack() as listening:
        await listening.enter_async_context(engine.running())
        overrides = [
            "serve.workers=2", f"serve.rate_limit.storage={redis.url}", "serve.rate_limit.requests=1000000/minute",
            "sandbox.workers=1",
        ]  # fmt: skip
        async with served(folder, engine, overrides) as service:
            await service.until_ready(workers=2)
            yield Site(engine, redis, service, listening)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def outcome(client: httpx.AsyncClient) -> str:
    """What a client sees of one request: `200`, an error's name, or the exception of its HTTP library."""
    started = time.monotonic()
    try:
        response = await client.post("/v1/agent", json={"problem": "x"})
        body = response.json()
        return "200" if response.status_code == 200 else f"{response.status_code} {body['type'].rpartition(':')[2]}"
    except httpx.TransportError as error:
        return type(error).__name__
    finally:
        assert time.monotonic() - started < LONGEST_S


async def under_load(
    site: Site, accident: Callable[[Counter[str]], Awaitable[None]], clients: int = 12
) -> Counter[str]:
    """Outcomes of requests before, during and after an accident, which is told of them as they come in."""
    seen: Counter[str] = Counter()
    over = False

    async def work() -> None:
        async with site.service.client(timeout=LONGEST_S) as client:
            while not over:
                seen[await outcome(client)] += 1

    tasks = [asyncio.create_task(work()) for _ in range(clients)]
    await until(lambda: seen["200"] >= 2 * clients)
    await accident(seen)
    before = seen["200"]
    await until(lambda: seen["200"] >= before + 2 * clients)
    over = True
    await asyncio.gather(*tasks)
    return seen


async def serves_again(site: Site) -> None:
    async with site.service.client() as client, asyncio.timeout(30):
        while await outcome(client) != "200":  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_killed_worker_is_replaced_and_only_its_own_requests_break(site: Site) -> None:
    victim, other = site.service.workers()

    async def kill(seen: Counter[str]) -> None:
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in site.service.workers() and len(site.service.workers()) == 2)

    site.engine.pause_s = 0.05
    seen = await under_load(site, kill)
    site.engine.pause_s = 0.0
    assert set(seen) <= {"200", "ReadError", "RemoteProtocolError", "WriteError"}
    # At most one connection a client; none where the kernel had given the victim none.
    assert seen.total() - seen["200"] <= 12
    await site.service.until_ready(workers=3)
    assert other in site.service.workers()
    assert site.service.events("worker died")[-1]["code"] == -signal.SIGKILL


async def test_metrics_of_any_worker_tell_of_all_also_of_those_that_died(site: Site) -> None:
    async def counted() -> set[float]:
        """By several connections, so that both workers are asked."""
        values = set()
        for _ in range(8):
            async with site.service.client() as client:
                text = (await client.get("/metrics")).text
            line = next(x for x in text.splitlines() if x.startswith('deepcoder_runs_total{stop_reason="finished"}'))
            values.add(float(line.split()[-1]))
        return values

    (before,) = await counted()
    seen = await under_load(site, lambda seen: asyncio.sleep(0), clients=4)
    assert set(seen) == {"200"}
    assert await counted() == {before + seen["200"]}


async def test_redis_restarted_under_load_is_a_503_and_then_over(site: Site) -> None:
    async def restart(seen: Counter[str]) -> None:
        await site.redis.stop()
        await until(lambda: seen["503 rate-limit-unavailable"] > 0)
        await site.redis.start()

    seen = await under_load(site, restart)
    assert set(seen) == {"200", "503 rate-limit-unavailable"}
    await serves_again(site)


async def test_an_engine_that_goes_is_a_503_and_then_over(site: Site) -> None:
    async def restart(seen: Counter[str]) -> None:
        await site.listening.aclose()
        await until(lambda: seen["503 engine-unavailable"] > 0)
        async with site.service.client() as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["model"]) == (503, "failed (ProviderError)")
            assert (await client.get("/healthz")).status_code == 200
        await site.listening.enter_async_context(site.engine.running())

    seen = await under_load(site, restart)
    assert set(seen) == {"200", "503 engine-unavailable"}
    await serves_again(site)


async def test_a_spent_limit_counts_the_requests_of_all_workers(site: Site) -> None:
    from deepcoder.serve.keys import KeyStore

    store = KeyStore(site.service.folder / "keys.sqlite")
    headers = {"authorization": f"Bearer {store.create('limited', rate_limit='5/minute')}"}
    store.close()
    statuses = []
    for _ in range(12):
        async with site.service.client() as client:
            statuses.append((await client.get("/v1/models", headers=headers)).status_code)
    assert statuses == [200] * 5 + [429] * 7


async def test_sigterm_lets_the_requests_of_all_workers_end(site: Site) -> None:
    workers = site.service.workers()
    site.engine.gate.clear()
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(site.service.client()) for _ in range(6)]
        running = [asyncio.create_task(outcome(client)) for client in clients]
        await asyncio.sleep(0.5)
        site.service.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        site.engine.gate.set()
        assert await asyncio.gather(*running) == ["200"] * 6
    assert await asyncio.wait_for(site.service.process.wait(), 30) == 0
    assert gone(workers)
    assert names_in(site.service.folder) == {"keys.sqlite", "config.yaml", "cache", "stdout", "stderr"}


async def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    engine = Engine()
    engine.gate.set()
    async with redis_server(tmp_path) as redis, engine.running():
        overrides = ["serve.workers=2", f"serve.rate_limit.storage={redis.url}", "sandbox.workers=1"]
        async with served(tmp_path, engine, overrides) as service:
            await service.until_ready(workers=2)
            workers = service.workers()
            service.process.kill()
            await until(lambda: gone(workers))


async def test_workers_that_cannot_start_end_the_command_with_the_reason(tmp_path: Path) -> None:
    engine = Engine()
    engine.port = 1
    overrides = ["serve.workers=2", "serve.rate_limit.storage=redis://127.0.0.1:1", "serve.rate_limit.requests=1/day"]
    async with served(tmp_path, engine, [*overrides, f"knowledge.paths=[{tmp_path}/none.md]"]) as service:
        assert await asyncio.wait_for(service.process.wait(), 120) == 1
        assert service.events("cannot start")[0]["error"] == "KnowledgeError"
        assert "before it was ready" in service.log() + (tmp_path / "stdout").read_text()


@pytest.mark.parametrize("storage", ["memory://", "async+memory://"])
def test_workers_that_would_each_count_for_themselves_are_refused(storage: str) -> None:
    config = load_config(None, ["serve.workers=2", f"serve.rate_limit.storage={storage}"])
    with pytest.raises(ConfigError, match="2 workers cannot share"):
        check_workers(config)
    check_workers(load_config(None, ["serve.workers=1", f"serve.rate_limit.storage={storage}"]))
