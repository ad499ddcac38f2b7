"""The canary: a unique string in requests of every kind, also failing ones, and then a search for it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import langsmith.utils
import pytest
import structlog
from tests.serve.scripted import FINISH, RUN, Service, listening

from deepcoder.errors import ProviderError
from deepcoder.serve.logs import configure_logs

CANARY = "xyzzy-canary-d41d8cd98f"


@pytest.fixture
def everything_logged(logs: io.StringIO) -> Iterator[io.StringIO]:
    """All that reaches the process's log, with every library told to log all that it can."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    configure_logs(logs)
    root.setLevel(logging.DEBUG)
    yield logs
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def scripts() -> list[Callable[..., object]]:
    """What a model can do with the user's text."""
    return [
        lambda messages: FINISH.format(answer=CANARY),
        lambda messages: RUN.format(code=f"open({CANARY!r}, 'w').write({CANARY!r}); print({CANARY!r})"),
        lambda messages: RUN.format(
            code=f"import sys; print({CANARY!r}, file=sys.stderr); raise ValueError({CANARY!r})"
        ),
        lambda messages: f"Thought: x\nAction: {CANARY}\nAction Input:\n{CANARY}",
        lambda messages: f"Thought: x\nAction: retrieve_knowledge\nAction Input:\n{CANARY}",
        lambda messages: CANARY,
        lambda messages: ProviderError(CANARY),
        lambda messages: RuntimeError(CANARY),
        lambda messages: KeyError(CANARY),
    ]


async def requests(client: httpx.AsyncClient) -> None:
    """Requests of all kinds with the canary in every place that a client controls."""
    json_type = {"content-type": "application/json"}
    chat = {"model": "deepcoder", "messages": [{"role": "user", "content": CANARY}]}
    for stream in (False, True):
        await client.post("/v1/agent", json={"problem": CANARY, "stream": stream, "max_steps": 2})
        await client.post("/v1/chat/completions", json={**chat, "stream": stream})
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
    await client.request("DELETE", f"/v1/agent?{CANARY}")
    with pytest.raises(httpx.TimeoutException):
        await client.post("/v1/agent", json={"problem": CANARY}, timeout=0.001)


def files_with_the_canary(folder: Path) -> list[Path]:
    """Files and folders that have it in their name or in their content."""
    return [
        path for path in folder.rglob("*")
        if CANARY in path.name or (path.is_file() and CANARY.encode() in path.read_bytes())
    ]  # fmt: skip


async def test_the_canary_is_found_nowhere(
    everything_logged: io.StringIO,
    make_service: Callable[..., Service],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    service = make_service(rate_limit={"requests": "100000/minute"})
    async with listening(service.app) as (host, port):
        base = f"http://{host}:{port}"
        async with httpx.AsyncClient(base_url=base, headers=service.headers, timeout=20) as client:
            for script in scripts():
                service.model.script = script
                await requests(client)
                with warnings.catch_warnings():
                    warnings.simplefilter("always")
                    warnings.warn(CANARY, UserWarning, stacklevel=1)
                logging.getLogger("some.library").warning("text: %s", CANARY)
            await asyncio.sleep(0.2)
            metrics = (await client.get("/metrics")).text
    log = everything_logged.getvalue()
    assert log.count('"event": "request"') >= 17 * len(scripts())  # the search below is not of nothing
    assert CANARY not in log
    assert CANARY not in metrics
    assert CANARY not in "".join(capfd.readouterr())
    assert files_with_the_canary(tmp_path) == []


async def test_error_bodies_do_not_have_the_canary(service: Service) -> None:
    service.model.script = lambda messages: RuntimeError(CANARY)
    bodies = [
        await service.client.post("/v1/agent", json={"problem": CANARY}),
        await service.client.post("/v1/agent", json={CANARY: CANARY}),
        await service.client.post("/v1/chat/completions", json={"model": CANARY, "messages": [{"role": CANARY}]}),
        await service.client.post("/v1/chat/completions", json={"model": CANARY, "messages": [CANARY]}),
        await service.client.get(f"/v1/models/{CANARY}"),
        await service.client.get(f"/{CANARY}"),
    ]
    assert all(response.status_code >= 400 for response in bodies)
    assert [response.text for response in bodies if CANARY in response.text] == []


def test_what_a_library_logs_is_named_by_its_place_alone(everything_logged: io.StringIO) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("some.library").exception(CANARY)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    first, second = [json.loads(line) for line in everything_logged.getvalue().splitlines()]
    assert (first["event"], first["error"], first["level"]) == ("withheld", "ValueError", "error")
    assert first["place"].startswith("test_privacy:")
    assert (second["event"], second["level"]) == ("Invalid HTTP request received.", "warning")
    assert CANARY not in everything_logged.getvalue()


async def test_no_tracer_is_attached_whatever_the_environment_says(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    langsmith.utils.get_env_var.cache_clear()
    try:
        assert langsmith.utils.tracing_is_enabled()
        seen: list[object] = []
        service.model.script = lambda messages: seen.append(langsmith.utils.tracing_is_enabled()) or FINISH
        assert (await service.ask()).status_code == 200
        assert seen == [False]
    finally:
        monkeypatch.undo()
        langsmith.utils.get_env_var.cache_clear()
