"""What stands around a service that runs as its own process: an engine, a Redis, the process itself."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.server
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest

from deepcoder.config import load_config
from deepcoder.serve.command import create_key

FINISHED = "Thought: done\nAction: finish\nAction Input:\n42"
Answer = Callable[[list[dict[str, str]]], str]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.05)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Engine:
    """An OpenAI-compatible server of a few lines: `answer(messages)`, given when `gate` is set, after `pause_s`.

    An answer of 400 is the complaint over a prompt that is too long.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()
        self.answer: Answer = lambda messages: FINISHED
        self.pause_s = 0.0
        self.refusing = False  # cuts every connection at once
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen; at the same port again after the first time. Leaving it cuts every connection."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for writer in list(self._open):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if self.refusing:
                raise ConnectionAbortedError
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(x.split(":")[1]) for x in head.splitlines() if x.lower().startswith("content-len")), 0)
            sent = json.loads(await reader.readexactly(length) or b"{}")
            if head.startswith("GET"):
                status, kind, raw = 200, "application/json", b'{"data": [{"id": "student", "object": "model"}]}'
            else:
                self.asked.set()
                await self.gate.wait()
                await asyncio.sleep(self.pause_s)
                status, kind, raw = _completion(self.answer(sent["messages"]), bool(sent.get("stream")))
            writer.write(
                f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nConnection: close\r\n".encode()
                + f"Content-Length: {len(raw)}\r\n\r\n".encode() + raw
            )  # fmt: skip
            await writer.drain()
        self._open.discard(writer)
        writer.close()


def _completion(text: str, stream: bool) -> tuple[int, str, bytes]:
    if text == "400":
        said = "This model's maximum context length is 4096 tokens."
        return 400, "application/json", json.dumps({"error": {"message": said, "code": 400}}).encode()
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    head = {"id": "x", "created": 1, "model": "student", "usage": usage}
    if not stream:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return 200, "application/json", json.dumps({**head, "object": "chat.completion", "choices": [choice]}).encode()
    delta = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    chunk = json.dumps({**head, "object": "chat.completion.chunk", "choices": [delta]})
    return 200, "text/event-stream", f"data: {chunk}\n\ndata: [DONE]\n\n".encode()


class RedisServer:
    """A real Redis of our own on a free port, which nothing is written to disk from."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program, "--port", str(self.port), "--save", "", "--dir", str(self._folder),
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(20):
            while not await self._answers():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@contextlib.asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[RedisServer]:
    """Skips by name where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server: apt-get install redis-server")
    server = RedisServer(program, folder)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass
class Served:
    """`deepcoder serve` as a process. Its stdout and stderr go to files in `folder`."""

    base: str
    key: str
    process: asyncio.subprocess.Process
    folder: Path
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"authorization": f"Bearer {self.key}"}

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.base, headers=self.headers, **{"timeout": 30, **options})

    def log(self) -> str:
        return (self.folder / "stderr").read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log().splitlines() if line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def workers(self) -> list[int]:
        """Process ids of the workers that live."""
        dead = [event["worker"] for event in self.events("worker died")]
        started = [event["worker"] for event in self.events("worker started")]
        for pid in dead:
            started.remove(pid)
        return started

    async def until_ready(self, workers: int = 1) -> None:
        """Until `workers` of them listen."""
        started = time.monotonic()
        while self.process.returncode is None and time.monotonic() < started + 120:
            if len(self.events("Application startup complete.")) >= workers:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the service is not ready:\n{self.log()[-3000:]}")


@contextlib.contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OpenTelemetry collector that keeps what it is sent: its address, and the bodies."""
    bodies: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            bodies.append(gzip.decompress(raw) if self.headers["content-encoding"] == "gzip" else raw)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", bodies
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def _files(folder: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as log:
        yield out, log


@contextlib.asynccontextmanager
async def served(folder: Path, engine: Engine, overrides: Sequence[str] = ()) -> AsyncIterator[Served]:
    """The command with an engine at a local address, ended (SIGTERM, then SIGKILL) at the end."""
    port = free_port()
    keys = f"serve.keys_file={folder / 'keys.sqlite'}"
    key = create_key(load_config(None, [keys]), "test")
    (folder / "config.yaml").write_text("{}")
    with _files(folder) as (out, log):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from deepcoder.cli import main; main()", "serve", str(folder / "config.yaml"),
            keys, f"run.dir={folder}", "engine.engine=openai", "engine.model=student",
            f"engine.base_url=http://127.0.0.1:{engine.port}/v1", *overrides, "--port", str(port),
            env={
                **os.environ, "PYTHONUNBUFFERED": "1", "LANGSMITH_TRACING": "true", "TMPDIR": str(folder),
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
            stdout=out, stderr=log,
        )  # fmt: skip
    try:
        yield Served(f"http://127.0.0.1:{port}", key, process, folder)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(20):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
