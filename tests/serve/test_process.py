"""The service as its own process: `deepcoder serve` with an engine at a local address."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest
from tests.serve.processes import Engine, names_in, served

from deepcoder.config import Config
from deepcoder.errors import ConfigError, StageError
from deepcoder.serve.command import bind, student_path


@pytest.mark.slow
async def test_sigterm_lets_a_running_request_end_and_then_ends_the_process(tmp_path: Path) -> None:
    engine = Engine()
    async with engine.running(), served(tmp_path, engine) as service:
        await service.until_ready()
        async with service.client() as client:
            assert (await client.get("/readyz")).status_code == 200
            running = asyncio.create_task(client.post("/v1/agent", json={"problem": "secret-problem"}))
            async with asyncio.timeout(30):
                await engine.asked.wait()
            service.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            async with service.client() as late:
                with pytest.raises(httpx.TransportError):
                    await late.get("/healthz")
            engine.gate.set()
            assert (await running).json()["answer"] == "42"
        assert await asyncio.wait_for(service.process.wait(), 30) == 0
        said = (tmp_path / "stdout").read_text()
        assert service.events("stopped")
        assert service.base in said
        assert "secret-problem" not in said + service.log()
        assert names_in(tmp_path) == {"keys.sqlite", "config.yaml", "cache", "stdout", "stderr"}


def test_without_a_student_the_command_says_what_to_do(tmp_path: Path) -> None:
    config = Config.model_validate({"run": {"dir": tmp_path}})
    with pytest.raises(StageError, match="there is no student at") as caught:
        student_path(config)
    assert "deepcoder train" in caught.value.hint


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(ConfigError, match="cannot listen on"):
            bind("127.0.0.1", listener.getsockname()[1])


def test_connections_send_small_answers_at_once() -> None:
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
