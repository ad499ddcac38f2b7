"""What happens to a run when its client goes, when there is no room, and when the service is told to stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from tests.serve.scripted import RUN, Service, listening


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the other side is another connection
            await asyncio.sleep(0.01)


async def until_waiting(service: Service, count: int) -> None:
    async with asyncio.timeout(10):
        while await service.metric("deepcoder_waiting") != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def post(
    host: str, port: int, service: Service, **fields: object
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port)
    body = json.dumps({"problem": "x", **fields}).encode()
    head = (
        f"POST /v1/agent HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("stream", [False, True])
async def test_a_disconnect_cancels_the_model(service: Service, stream: bool) -> None:
    service.model.gate = asyncio.Event()
    async with listening(service.app) as (host, port):
        _, writer = await post(host, port, service, stream=stream)
        await until(lambda: service.model.asked == 1)
        writer.close()
        await until(lambda: service.model.cancelled == 1)
        await until(lambda: any(event.get("status") == 499 for event in service.events()))
        assert await service.metric("deepcoder_running") == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_disconnect_kills_the_program_in_the_sandbox(service: Service, stream: bool) -> None:
    service.model.script = lambda messages: RUN.format(code="import time\nwhile True: time.sleep(0.05)")
    running = asyncio.Event()
    ended = asyncio.Event()
    box_run = service.box.run

    async def watched(code: str, limits: object = None) -> object:
        running.set()
        try:
            return await box_run(code, limits)
        except asyncio.CancelledError:
            ended.set()
            raise

    service.box.run = watched
    async with listening(service.app) as (host, port):
        _, writer = await post(host, port, service, stream=stream)
        async with asyncio.timeout(10):
            await running.wait()
            await asyncio.sleep(0.3)  # let the program start
            writer.close()
            await ended.wait()
    service.box.run = box_run
    assert (await service.box.run("print(1)")).stdout.strip() == "1"


async def test_requests_beyond_the_queue_are_refused_at_once_and_the_others_served(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(max_concurrency=1, max_queue=1)
    service.model.gate = asyncio.Event()
    first = asyncio.create_task(service.ask())
    await until(lambda: service.model.asked == 1)
    second = asyncio.create_task(service.ask())
    await until_waiting(service, 1)
    refused = await service.ask(stream=True)
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:deepcoder:error:overloaded"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    service.model.gate.set()
    assert [(await first).status_code, (await second).status_code] == [200, 200]


async def test_waiting_has_an_end(make_service: Callable[..., Service]) -> None:
    service = make_service(max_concurrency=1, queue_timeout_s=0.1)
    service.model.gate = asyncio.Event()
    first = asyncio.create_task(service.ask())
    await until(lambda: service.model.asked == 1)
    assert (await service.ask()).status_code == 503
    service.model.gate.set()
    assert (await first).status_code == 200
    assert (await service.ask()).status_code == 200


async def test_a_client_that_leaves_the_queue_gives_its_place_back(make_service: Callable[..., Service]) -> None:
    service = make_service(max_concurrency=1, max_queue=1)
    service.model.gate = asyncio.Event()
    async with listening(service.app) as (host, port):
        first = asyncio.create_task(service.ask())
        await until(lambda: service.model.asked == 1)
        _, writer = await post(host, port, service)
        await until_waiting(service, 1)
        writer.close()
        await until_waiting(service, 0)
        service.model.gate.set()
        assert (await first).status_code == 200
        assert service.model.asked == 2  # two steps of one run: the one that left was never asked


async def test_a_draining_service_ends_what_runs_and_takes_nothing_new(service: Service) -> None:
    service.model.gate = asyncio.Event()
    running = asyncio.create_task(service.ask())
    await until(lambda: service.model.asked == 1)
    service.app.state.admission.draining = True
    refused = await service.ask()
    assert (refused.status_code, refused.headers["connection"]) == (503, "close")
    assert (await service.client.get("/readyz")).status_code == 503
    assert (await service.client.get("/healthz")).status_code == 200
    service.model.gate.set()
    assert (await running).status_code == 200


async def test_a_stream_says_that_it_lives_while_the_model_thinks(make_service: Callable[..., Service]) -> None:
    service = make_service(heartbeat_s=0.05)
    service.model.gate = asyncio.Event()
    async with listening(service.app) as (host, port):
        reader, writer = await post(host, port, service, stream=True)
        async with asyncio.timeout(5):
            await reader.readuntil(b": still working\n\n")
            service.model.gate.set()
            await reader.readuntil(b"event: finished\n")
        writer.close()


async def test_runs_are_concurrent(service: Service) -> None:
    service.model.gate = asyncio.Event()
    runs = [asyncio.create_task(service.ask()) for _ in range(4)]
    await until(lambda: service.model.asked == 4)
    service.model.gate.set()
    assert [(await run).json()["answer"] for run in runs] == ["42"] * 4
