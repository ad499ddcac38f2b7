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
from tests.serve.canary import CANARY, files_with_the_canary, requests, scripts
from tests.serve.scripted import FINISH, Service, listening

from deepcoder.serve.logs import configure_logs


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


async def test_the_canary_is_found_nowhere(
    everything_logged: io.StringIO,
    make_service: Callable[..., Service],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    service = make_service(rate_limit={"requests": "100000/minute"})
    async with listening(service.app) as (host, port):
        base, sent = f"http://{host}:{port}", 0
        for script in scripts():
            service.model.script = script
            sent += await requests(base, service.headers)
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.warn(CANARY, UserWarning, stacklevel=1)
            logging.getLogger("some.library").warning("text: %s", CANARY)
        async with httpx.AsyncClient(base_url=base) as client, asyncio.timeout(10):
            # A request whose client left at once may not have come in.
            while everything_logged.getvalue().count('"event": "request"') < sent - len(scripts()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            metrics = (await client.get("/metrics")).text
    log = everything_logged.getvalue()
    assert sent >= 18 * len(scripts())  # the search below is not of nothing
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
