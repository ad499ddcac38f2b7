from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from tests.serve.scripted import Service, echo, listening

CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nonsense " + CANARY.encode(), b'{"problem": "' + CANARY.encode(), b"\xff\xfe" + CANARY.encode(),
        b"[" * 100_000, b'{"problem": ' + b"9" * 5000 + b"}", b'"' + CANARY.encode() + b'"', b"null",
        json.dumps({"problem": ""}).encode(), json.dumps({"problem": [CANARY]}).encode(),
        json.dumps({"problem": "x", CANARY: 1}).encode(), json.dumps({"problem": "x", "stream": CANARY}).encode(),
        json.dumps({"problem": "x", "max_steps": True}).encode(), b'{"problem": "x", "timeout_s": NaN}',
        json.dumps({"problem": "\ud800" + CANARY}).encode(), json.dumps({"problem": CANARY * 10_000}).encode(),
        json.dumps({"problem": "x", "max_steps": 0}).encode(), b'{"problem": "x", "max_tokens": 1e999}',
    ],
)  # fmt: skip
async def test_a_body_that_is_not_a_request_is_told_why_and_not_echoed(service: Service, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = await service.client.post("/v1/agent", content=body, headers=headers)
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"
    assert CANARY not in response.text
    assert {"type", "title", "status", "detail", "request_id"} <= set(response.json())
    assert service.model.asked == 0


async def test_whole_numbers_may_be_written_as_json_allows(service: Service) -> None:
    for value, status in ((2.0, 200), (2.5, 422), ("2", 422), (True, 422)):
        assert (await service.ask(max_steps=value)).status_code == status


async def test_a_validation_error_names_the_field(service: Service) -> None:
    body = (await service.client.post("/v1/agent", json={"problem": 5})).json()
    assert body["errors"] == [
        {"location": ["body", "problem"], "message": "Input should be a valid string", "type": "string_type"}
    ]


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_body_of_another_kind_is_a_415(service: Service, kind: str) -> None:
    response = await service.client.post("/v1/agent", content=b'{"problem": "x"}', headers={"content-type": kind})
    assert response.status_code == 415


async def test_unknown_addresses_and_methods_are_problems_too(service: Service) -> None:
    for method, path, status in (("GET", f"/{CANARY}", 404), ("GET", "/v1/agent", 405), ("BREW", "/healthz", 405)):
        response = await service.client.request(method, path)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert CANARY not in response.text
    assert (await service.client.get("/v1/agent")).headers["allow"] == "POST"


async def test_every_response_carries_the_security_headers(service: Service) -> None:
    for path in ("/healthz", "/nowhere", "/v1/models", "/metrics"):
        headers = (await service.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert len(headers["x-request-id"]) == 32


async def test_a_request_id_is_taken_from_the_client_only_if_it_is_a_uuid(service: Service) -> None:
    sent = "0b0f6a3e-6b1c-4b52-9d0e-3c1f2a9b8c7d"
    for header, same in ((sent, True), (CANARY, False)):
        got = (await service.client.get("/healthz", headers={"x-request-id": header})).headers["x-request-id"]
        assert (got == sent.replace("-", "")) is same
        assert CANARY not in got


async def test_other_origins_are_refused_unless_the_config_names_them(make_service: Callable[..., Service]) -> None:
    origin = {"origin": "https://example.org"}
    closed = await make_service().client.get("/healthz", headers=origin)
    assert "access-control-allow-origin" not in closed.headers
    opened = await make_service(cors_origins=["https://example.org"]).client.get("/healthz", headers=origin)
    assert opened.headers["access-control-allow-origin"] == "https://example.org"


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_a_413(make_service: Callable[..., Service]) -> None:
    service = make_service(max_body_bytes=2000)
    service.model.script = echo
    for size, status in ((2000, 200), (2001, 413)):
        body = json.dumps({"problem": "x"}).encode().ljust(size)
        response = await service.client.post("/v1/agent", content=body, headers={"content-type": "application/json"})
        assert response.status_code == status


async def chunks(total: int, size: int = 50_000) -> AsyncIterator[bytes]:
    for _ in range(total // size):
        yield b"x" * size


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_2_mb_is_a_413_over_a_real_connection(service: Service, chunked: bool) -> None:
    async with listening(service.app) as (host, port), httpx.AsyncClient(headers=service.headers) as client:
        content = chunks(2_000_000) if chunked else b"x" * 2_000_000
        response = await client.post(
            f"http://{host}:{port}/v1/agent", content=content, headers={"content-type": "application/json"}
        )
        assert response.status_code == 413
        assert response.json()["type"] == "urn:deepcoder:error:body-too-large"
        assert (await client.get(f"http://{host}:{port}/healthz")).status_code == 200


async def test_a_client_that_waits_for_100_continue_gets_the_413_and_sends_nothing(service: Service) -> None:
    async with listening(service.app) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            f"POST /v1/agent HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\nExpect: 100-continue\r\n"
            "Content-Type: application/json\r\nContent-Length: 2000000\r\n\r\n".encode()
        )
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413")
        writer.close()


async def test_a_body_that_does_not_come_is_a_408(make_service: Callable[..., Service]) -> None:
    service = make_service(body_timeout_s=0.2)
    async with listening(service.app) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            f"POST /v1/agent HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_connection_cut_within_the_body_leaves_nothing_behind(service: Service) -> None:
    async with listening(service.app) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(
            f"POST /v1/agent HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert [event["status"] for event in service.events() if event["event"] == "request"] == [499]
    assert service.model.asked == 0
