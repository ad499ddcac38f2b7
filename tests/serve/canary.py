"""A unique string in requests of every kind, also failing ones, and searches for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.serve.scripted import FINISH, RUN

from deepcoder.errors import ContextFull, ProviderError

CANARY = "xyzzy-canary-d41d8cd98f"


def writings() -> list[str]:
    """What a model can write with the user's text in it."""
    return [
        FINISH.format(answer=CANARY),
        RUN.format(code=f"open({CANARY!r}, 'w').write({CANARY!r}); print({CANARY!r})"),
        RUN.format(code=f"import sys; print({CANARY!r}, file=sys.stderr); raise ValueError({CANARY!r})"),
        f"Thought: x\nAction: {CANARY}\nAction Input:\n{CANARY}",
        f"Thought: x\nAction: retrieve_knowledge\nAction Input:\n{CANARY}",
        CANARY,
    ]


def scripts() -> list[Callable[..., object]]:
    """What a scripted model can do with the user's text: write it, or fail over it."""
    failures = (ProviderError, ContextFull, RuntimeError, KeyError)
    return [
        *(lambda messages, text=text: text for text in writings()),
        *(lambda messages, kind=kind: kind(CANARY) for kind in failures),
    ]


async def requests(base: str, headers: dict[str, str]) -> int:
    """One request of every kind with the canary in every place that a client controls; how many there were."""
    sent = 0

    async def count(request: httpx.Request) -> None:
        nonlocal sent
        sent += 1

    async with httpx.AsyncClient(
        base_url=base, headers=headers, timeout=20, event_hooks={"request": [count]}
    ) as client:
        await _runs(client)
        await _refused(client)
    return sent


async def _runs(client: httpx.AsyncClient) -> None:
    chat = {"model": "deepcoder", "messages": [{"role": "user", "content": CANARY}]}
    for stream in (False, True):
        await client.post("/v1/agent", json={"problem": CANARY, "stream": stream, "max_steps": 2})
        await client.post("/v1/chat/completions", json={**chat, "stream": stream})
    with pytest.raises(httpx.TimeoutException):
        await client.post("/v1/agent", json={"problem": CANARY}, timeout=0.001)


async def _refused(client: httpx.AsyncClient) -> None:
    json_type = {"content-type": "application/json"}
    chat = {"model": "deepcoder", "messages": [{"role": "user", "content": CANARY}]}
    await client.post("/v1/chat/completions", json={**chat, "model": CANARY, "user": CANARY})
    await client.post("/v1/chat/completions", json={**chat, "tools": [CANARY], "metadata": {CANARY: 1}})
    await client.post("/v1/chat/completions", json={**chat, "messages": [{"role": CANARY, "content": CANARY}]})
    await client.post("/v1/agent", json={"problem": CANARY, CANARY: CANARY})
    await client.post("/v1/agent", json={"problem": [CANARY], "stream": CANARY})
    await client.post("/v1/agent", content=f'{{"problem": "{CANARY}"', headers=json_type)
    await client.post("/v1/agent", content=CANARY, headers={"content-type": f"text/{CANARY}"})
    await client.post("/v1/agent", content=CANARY * 100_000, headers=json_type)
    await client.post("/v1/agent", json={"problem": CANARY * 2000})
    await client.post("/v1/agent", json={"problem": CANARY}, headers={"authorization": f"Bearer {CANARY}"})
    await client.get(f"/{CANARY}?{CANARY}={CANARY}", headers={"x-request-id": CANARY, CANARY: CANARY})
    await client.get(f"/v1/models/{CANARY}", headers={"user-agent": CANARY, "referer": CANARY})
    await client.get("/healthz", headers={"traceparent": CANARY, "tracestate": CANARY, "baggage": f"x={CANARY}"})
    await client.request("DELETE", f"/v1/agent?{CANARY}")


def files_with_the_canary(folder: Path) -> list[Path]:
    """Files and folders that have it in their name or in their content."""
    return [
        path for path in folder.rglob("*")
        if CANARY in path.name or (path.is_file() and CANARY.encode() in path.read_bytes())
    ]  # fmt: skip
