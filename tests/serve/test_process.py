"""The service as its own process: `deepcoder serve` with an engine at a local address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deepcoder.config import Config, load_config
from deepcoder.errors import ConfigError, StageError
from deepcoder.serve.command import bind, create_key, student_path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Engine:
    """An OpenAI-compatible server of a few lines: one answer, given when `gate` is set."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(x.split(":")[1]) for x in head.splitlines() if x.lower().startswith("content-len")), 0)
            await reader.readexactly(length)
            if head.startswith("GET"):
                body = {"object": "list", "data": [{"id": "student", "object": "model"}]}
            else:
                self.asked.set()
                await self.gate.wait()
                text = "Thought: done\nAction: finish\nAction Input:\n42"
                message = {"role": "assistant", "content": text}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
                body = {"id": "x", "object": "chat.completion", "created": 1, "model": "student",
                        "choices": [choice], "usage": usage}  # fmt: skip
            raw = json.dumps(body).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + f"Content-Length: {len(raw)}\r\n\r\n".encode() + raw
            )  # fmt: skip
            await writer.drain()
        writer.close()


async def until_ready(base: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(120), httpx.AsyncClient() as client:
        while process.returncode is None:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{base}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
    raise AssertionError("the service ended before it was ready")


@pytest.mark.slow
async def test_sigterm_lets_a_running_request_end_and_then_ends_the_process(tmp_path: Path) -> None:
    engine, port = Engine(), free_port()
    keys = f"serve.keys_file={tmp_path / 'keys.sqlite'}"
    key = create_key(load_config(None, [keys]), "test")
    base, headers = f"http://127.0.0.1:{port}", {"authorization": f"Bearer {key}"}
    (tmp_path / "config.yaml").write_text("{}")
    async with engine.running():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from deepcoder.cli import main; main()", "serve", str(tmp_path / "config.yaml"),
            keys, f"run.dir={tmp_path}", "engine.engine=openai", "engine.model=student",
            f"engine.base_url=http://127.0.0.1:{engine.port}/v1", "--port", str(port),
            env={**os.environ, "PYTHONUNBUFFERED": "1", "LANGSMITH_TRACING": "true"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await until_ready(base, process)
            async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
                running = asyncio.create_task(client.post("/v1/agent", json={"problem": "secret-problem"}))
                async with asyncio.timeout(30):
                    await engine.asked.wait()
                process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.5)
                async with httpx.AsyncClient() as late:
                    with pytest.raises(httpx.TransportError):
                        await late.get(f"{base}/healthz")
                engine.gate.set()
                response = await running
            assert response.json()["answer"] == "42"
            out, log = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    events = [json.loads(line) for line in log.decode().splitlines()]
    assert events[-1]["event"] == "stopped"
    assert f"http://127.0.0.1:{port}" in out.decode()
    assert b"secret-problem" not in out + log
    assert names_in(tmp_path) == {"keys.sqlite", "config.yaml"}


def test_without_a_student_the_command_says_what_to_do(tmp_path: Path) -> None:
    config = Config.model_validate({"run": {"dir": tmp_path}})
    with pytest.raises(StageError, match="there is no student at") as caught:
        student_path(config)
    assert "deepcoder train" in caught.value.hint


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(ConfigError, match="cannot listen on"):
            bind("127.0.0.1", listener.getsockname()[1])
