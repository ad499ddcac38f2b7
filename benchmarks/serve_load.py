"""The service under load, beside LangGraph's agent loop on the same engine in the same run.

    python benchmarks/serve_load.py [--clients 64] [--seconds 120] [--requests 10000] [--runs 200]
        [--peer-python peers/bin/python] [--nano runs/demo] [--problems 60]

The engine is a local process that answers at once (benchmarks/serving/stub.py): two calls of execute_python, then the
answer. Three tables:

overhead   one client, one run after the other: seconds of a run at the client, less the tools' own seconds, over its
           three steps. What remains is HTTP, key, limit, loop and the client of the engine. The peer is LangChain's
           `create_agent` (LangGraph) as a library: no HTTP, no key, a tool that answers at once. Its environment:
           python -m venv peers && peers/bin/pip install langchain==1.4.7 langgraph==1.2.22 langchain-openai
load       --clients at once for --seconds, and on until --requests runs were answered: errors, and the resident
           memory of the service's processes after the first tenth and at the end
nano       the student of a run folder (--nano) in the service's own process, on the run's evaluation problems
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from deepcoder.config import load_config
from deepcoder.problems import open_source
from deepcoder.serve.keys import KeyStore

HERE = Path(__file__).parent / "serving"
STEPS = 3
QUESTION = "What is 6 * 7?"


@dataclass
class Loaded:
    """What 64 clients saw. Seconds of each run; resident MiB of the service by runs answered."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)
    wall_s: float = 0.0


@contextlib.contextmanager
def stub_engine() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, HERE / "stub.py"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.asynccontextmanager
async def service(config: str | None, overrides: Sequence[str]) -> AsyncIterator[tuple[httpx.AsyncClient, int]]:
    """`deepcoder serve` as a process: a client of it and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        process, port, key = start(Path(folder), config, overrides)
        headers = {"authorization": f"Bearer {key}"}
        limits = httpx.Limits(max_connections=None)
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300, limits=limits
            ) as client:
                if not await until_ready(client, process):
                    raise SystemExit(f"the service did not start:\n{said(Path(folder))}")
                yield client, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def start(folder: Path, config: str | None, overrides: Sequence[str]) -> tuple[subprocess.Popen[bytes], int, str]:
    """The process, its port and a key."""
    store = KeyStore(folder / "keys.sqlite")
    key = store.create("bench", rate_limit="1000000000/minute")
    store.close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (folder / "config.yaml").write_text("{}")
    command = [
        sys.executable,
        "-c",
        "from deepcoder.cli import main; main()",
        "serve",
        config or f"{folder}/config.yaml",
    ]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*command, f"serve.keys_file={folder}/keys.sqlite", f"serve.port={port}", *overrides],
            stdout=log, stderr=log,
        )  # fmt: skip
    return process, port, key


def said(folder: Path) -> str:
    return (folder / "log").read_text()[-3000:]


async def until_ready(client: httpx.AsyncClient, process: subprocess.Popen[bytes]) -> bool:
    while process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/readyz")).status_code == 200:
                return True
        await asyncio.sleep(0.2)
    return False


async def one_after_the_other(client: httpx.AsyncClient, runs: int) -> tuple[list[float], list[float]]:
    """Seconds a step without and with the tools' own, of each run; the first tenth warms up."""
    without, whole = [], []
    for _ in range(runs + runs // 10):
        start = time.perf_counter()
        body = (await client.post("/v1/agent", json={"problem": QUESTION})).json()
        seconds = time.perf_counter() - start
        assert body["answer"] == "42", body
        assert len(body["steps"]) == STEPS
        without.append((seconds - body["timings"]["tool_s"]) / STEPS)
        whole.append(seconds / STEPS)
    return without[runs // 10 :], whole[runs // 10 :]


def peer_loop(python: Path, base_url: str, runs: int) -> tuple[str, list[float]] | None:
    """The peer's name and seconds a step; None where its environment lacks it."""
    done = subprocess.run(
        [python, HERE / "peer.py", base_url, str(runs + runs // 10)], capture_output=True, text=True, check=False,
        env={**os.environ, "LANGSMITH_TRACING": "false"},
    )  # fmt: skip
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise SystemExit(done.stderr[-2000:])
    told = json.loads(done.stdout)
    return told["name"], told["seconds"][runs // 10 :]


async def under_load(client: httpx.AsyncClient, pid: int, clients: int, seconds: float, requests: int) -> Loaded:
    loaded = Loaded()
    start = time.perf_counter()
    every = max(1, requests // 10)

    async def work() -> None:
        while time.perf_counter() - start < seconds or loaded.outcomes.total() < requests:
            begun = time.perf_counter()
            try:
                response = await client.post("/v1/agent", json={"problem": QUESTION})
                right = response.status_code == 200 and response.json()["answer"] == "42"
                outcome = "ok" if right else str(response.status_code)
            except httpx.TransportError as error:
                outcome = type(error).__name__
            loaded.outcomes[outcome] += 1
            loaded.seconds.append(time.perf_counter() - begun)
            if loaded.outcomes.total() % every == 0:
                loaded.memory.append((loaded.outcomes.total(), resident(pid)))

    await asyncio.gather(*(work() for _ in range(clients)))
    loaded.wall_s = time.perf_counter() - start
    return loaded


def resident(pid: int) -> float:
    """MiB of a process and of all below it, the sandbox's workers included."""
    parent = psutil.Process(pid)
    total = 0
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total / 2**20


async def nano(run: Path, problems: int) -> tuple[list[float], Counter[str], float]:
    """Seconds of each problem in the service, stop reasons, and mean steps."""
    config = load_config(run / "config.yaml")
    source = open_source(config.problems)
    texts = [
        problem.prompt for split in source.evaluation_splits for problem in islice(source.problems(split), problems)
    ]
    texts = texts[:: max(1, len(texts) // problems)][:problems]
    seconds, stops, steps = [], Counter[str](), []
    async with service(str(run / "config.yaml"), [f"run.dir={run}"]) as (client, _):
        for text in [texts[0], *texts]:  # the first warms up
            start = time.perf_counter()
            body = (await client.post("/v1/agent", json={"problem": text})).json()
            seconds.append(time.perf_counter() - start)
            stops[body.get("stop_reason", body.get("type", "?"))] += 1
            steps.append(len(body.get("steps", [])))
    return seconds[1:], stops, statistics.mean(steps)


def percentiles(name: str, seconds: Sequence[float], table: Table, *more: str) -> None:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    table.add_row(name, *(f"{1000 * cuts[cut - 1]:.2f}" for cut in (50, 95, 99)), *more)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=200, help="of the overhead table")
    parser.add_argument("--peer-python", type=Path, default=Path("peers/bin/python"))
    parser.add_argument("--nano", type=Path, default=Path("runs/demo"), help="a run folder with a trained nano")
    parser.add_argument("--problems", type=int, default=60)
    arguments = parser.parse_args()
    console = Console()
    with stub_engine() as base_url:
        overrides = [
            "engine.engine=openai", "engine.model=student", f"engine.base_url={base_url}",
            f"serve.max_concurrency={arguments.clients}", "sandbox.workers=2",
        ]  # fmt: skip
        async with service(None, overrides) as (client, pid):
            without, whole = await one_after_the_other(client, arguments.runs)
            peer = (
                peer_loop(arguments.peer_python, base_url, arguments.runs) if arguments.peer_python.exists() else None
            )
            overhead_table(console, without, whole, peer)
            seen = await under_load(client, pid, arguments.clients, arguments.seconds, arguments.requests)
        load_table(console, arguments.clients, seen)
    if not (arguments.nano / "config.yaml").is_file():
        console.print(f"nano: not measured, there is no run in {arguments.nano} (make demo makes runs/demo)")
        return
    seconds, stops, steps = await nano(arguments.nano, arguments.problems)
    table = Table("", "p50", "p95", "p99", "stop reasons", title="nano, ms a problem, one client", title_justify="left")
    percentiles(f"{len(seconds)} problems, {steps:.1f} steps", seconds, table, json.dumps(stops))
    console.print(table)


def overhead_table(
    console: Console, without: list[float], whole: list[float], peer: tuple[str, list[float]] | None
) -> None:
    table = Table("", "p50", "p95", "p99", title="ms an agent step, one client", title_justify="left")
    percentiles("the service, without its tools' time", without, table)
    percentiles("the service, its sandbox included", whole, table)
    if peer is not None:
        percentiles(f"create_agent ({peer[0]}), as a library", peer[1], table)
    console.print(table)
    if peer is None:
        console.print("LangGraph: not measured, no environment with it (--peer-python)")


def load_table(console: Console, clients: int, seen: Loaded) -> None:
    table = Table(
        "clients", "runs", "errors", "runs/s", "p50 ms", "p95 ms", "MiB after", "MiB at the end",
        title="load, three steps a run", title_justify="left",
    )  # fmt: skip
    cuts = statistics.quantiles(seen.seconds, n=20, method="inclusive")
    total = seen.outcomes.total()
    errors = {name: count for name, count in seen.outcomes.items() if name != "ok"}
    first, last = seen.memory[0], seen.memory[-1]
    table.add_row(
        str(clients), str(total), json.dumps(errors) if errors else "0", f"{total / seen.wall_s:.0f}",
        f"{1000 * cuts[9]:.0f}", f"{1000 * cuts[18]:.0f}", f"{first[1]:.0f} ({first[0]} runs)",
        f"{last[1]:.0f} ({last[0]} runs)",
    )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    asyncio.run(main())
