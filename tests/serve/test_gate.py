from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import redis.asyncio
from tests.serve.processes import redis_server
from tests.serve.scripted import Service

from deepcoder.errors import ConfigError
from deepcoder.serve.gate import open_storage, parse_rate


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer dc_wrong", "Basic dc_wrong", "dc_wrong"])
async def test_without_a_valid_key_there_is_nothing_but_a_401(service: Service, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://service") as client:
        for path in ("/v1/agent", "/v1/chat/completions"):
            response = await client.post(path, json={"problem": "x"}, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.headers["content-type"] == "application/problem+json"
    assert service.model.asked == 0


async def test_the_key_is_checked_before_the_body_is_read(service: Service) -> None:
    sent = 0

    async def body():
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 1000

    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://service") as client:
        response = await client.post("/v1/agent", content=body(), headers={"content-type": "application/json"})
    assert response.status_code == 401
    assert sent == 0


async def test_a_revoked_key_is_refused_while_the_service_runs(service: Service) -> None:
    assert (await service.ask()).status_code == 200
    service.keys.revoke("test")
    assert (await service.ask()).status_code == 401


async def test_a_key_without_the_scope_is_refused(service: Service) -> None:
    key = service.keys.create("agent-only", scopes=("agent",))
    headers = {"authorization": f"Bearer {key}"}
    assert (await service.client.get("/v1/models", headers=headers)).status_code == 403
    assert (await service.client.post("/v1/agent", json={"problem": "x"}, headers=headers)).status_code == 200


async def test_a_spent_limit_is_a_429_that_says_when_to_come_back(make_service: Callable[..., Service]) -> None:
    service = make_service(rate_limit={"requests": "2/minute"})
    first, second, third = [await service.client.get("/v1/models") for _ in range(3)]
    assert [first.status_code, second.status_code, third.status_code] == [200, 200, 429]
    assert [r.headers["ratelimit-remaining"] for r in (first, second, third)] == ["1", "0", "0"]
    assert first.headers["ratelimit-limit"] == first.headers["x-ratelimit-limit"] == "2"
    assert 55 <= int(third.headers["retry-after"]) <= 60
    assert third.headers["retry-after"] == third.headers["ratelimit-reset"]
    assert third.json()["error"]["code"] == "rate_limited"


async def test_one_keys_limit_is_not_anothers(make_service: Callable[..., Service]) -> None:
    service = make_service(rate_limit={"requests": "1/minute"})
    generous = {"authorization": f"Bearer {service.keys.create('generous', rate_limit='3/minute')}"}
    assert [(await service.client.get("/v1/models")).status_code for _ in range(2)] == [200, 429]
    statuses = [(await service.client.get("/v1/models", headers=generous)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_concurrent_requests_do_not_slip_past_the_limit(make_service: Callable[..., Service]) -> None:
    service = make_service(rate_limit={"requests": "5/minute"})
    responses = await asyncio.gather(*(service.client.get("/v1/models") for _ in range(20)))
    assert sorted(response.status_code for response in responses) == [200] * 5 + [429] * 15


async def test_a_counter_that_cannot_be_reached_refuses_and_does_not_hang(make_service: Callable[..., Service]) -> None:
    service = make_service(rate_limit={"storage": "redis://127.0.0.1:1"})
    async with asyncio.timeout(5):
        response = await service.ask()
    assert response.status_code == 503
    assert response.json()["type"] == "urn:deepcoder:error:rate-limit-unavailable"
    assert response.headers["retry-after"] == "1"
    ready = await service.client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["rate_limit"].startswith("failed")


@pytest.mark.parametrize("text", ["", "5", "5/eon", "many/minute"])
def test_a_rate_that_cannot_be_read_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_rate(text)


def test_an_unknown_storage_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="storage"):
        open_storage("carrier-pigeon://x")


@pytest.fixture
async def redis_url(tmp_path: Path) -> AsyncIterator[str]:
    async with redis_server(tmp_path) as server:
        yield server.url


async def test_two_processes_share_a_limit_in_redis_and_redis_sees_no_key(
    make_service: Callable[..., Service], redis_url: str
) -> None:
    one, two = [make_service(rate_limit={"requests": "3/minute", "storage": redis_url}) for _ in range(2)]
    two.keys._db.execute("DELETE FROM keys")
    two.keys._db.execute("ATTACH ? AS other", (str(one.keys.path),))
    two.keys._db.execute("INSERT INTO keys SELECT * FROM other.keys")
    statuses = [(await s.client.get("/v1/models", headers=one.headers)).status_code for s in (one, two, one, two)]
    assert statuses == [200, 200, 200, 429]
    async with redis.asyncio.from_url(redis_url) as client:
        names = [name async for name in client.scan_iter("*")]
    assert len(names) == 1
    assert one.key.split("_")[1].encode() in names[0]
    assert one.key.split("_", 2)[2].encode() not in names[0]
