"""The service under load, beside LangGraph's agent loop on the same engine in the same run.

    python benchmarks/serve_load.py [--clients 64] [--seconds 120] [--requests 10000] [--runs 200]
        [--peer-python peers/bin/python] [--nano runs/demo] [--problems 60]

The engine is a local process that answers at once (benchmarks/serving/stub.py): two calls of execute_python, then the
answer. The peer is LangChain's `create_agent` (LangGraph) as a library in one process: no HTTP, no key, no limit. Both
ask the same engine and run the same programs in the same sandbox (two workers each). Tables:

overhead   one client, one run after the other, ms a step: the whole run over its three steps; and less the seconds of
           its tools, which both take around the whole call of a tool. What remains is the client of the engine and
           the loop; with the service also HTTP, key and limit, and the client of this benchmark. CPU: of the process
           alone, the sandbox's processes not counted.
load       --clients at once for --seconds, and on until --requests runs of the service were answered: errors, CPU.
           With more clients than cores a run waits most of its time for the others: p50 is clients / (runs a second),
           whatever one step costs. The cost of a step is its CPU time.
memory     resident MiB of the service's process, and of the sandbox's workers, as that load goes on. The programs of
           the moment are left out: each is a process that shares most of its 19 MiB with its worker, and whether one
           lives when memory is read is chance.
nano       the student of a run folder (--nano) in the service's own process, on the run's evaluation problems

The peer's environment:
    python -m venv peers && peers/bin/pip install langchain==1.4.7 langgraph==1.2.22 langchain-openai
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
from typing import Any

import aiohttp
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
    """What many clients saw. Seconds of each run; CPU seconds of the process and its sandbox.

    memory: runs answered, resident MiB of the process, of the sandbox's workers.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[int, float, float]] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    sandbox_s: float | None = None


@dataclass
class Alone:
    """One client's runs: seconds of each and of its tools in it, CPU seconds of the process over all of them."""

    seconds: list[float]
    tools: list[float]
    cpu_s: float


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
async def service(config: str | None, overrides: Sequence[str]) -> AsyncIterator[tuple[aiohttp.ClientSession, int]]:
    """`deepcoder serve` as a process: a client of it and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        process, port, key = start(Path(folder), config, overrides)
        headers = {"authorization": f"Bearer {key}"}
        try:
            async with aiohttp.ClientSession(
                f"http://127.0.0.1:{port}", headers=headers, connector=aiohttp.TCPConnector(limit=0)
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


async def until_ready(client: aiohttp.ClientSession, process: subprocess.Popen[bytes]) -> bool:
    while process.poll() is None:
        with contextlib.suppress(aiohttp.ClientError):
            async with client.get("/readyz") as response:
                if response.status == 200:
                    return True
        await asyncio.sleep(0.2)
    return False


async def ask(client: aiohttp.ClientSession, problem: str) -> tuple[int, dict[str, Any]]:
    """The status and the body of one run's answer."""
    async with client.post("/v1/agent", json={"problem": problem}) as response:
        return response.status, await response.json(content_type=None)


async def one_after_the_other(client: aiohttp.ClientSession, pid: int, runs: int) -> Alone:
    """The first tenth warms up and does not count."""
    alone = Alone([], [], 0.0)
    for number in range(-(runs // 10), runs):
        if number == 0:
            alone, before = Alone([], [], 0.0), cpu(pid)
        start = time.perf_counter()
        _, body = await ask(client, QUESTION)
        alone.seconds.append(time.perf_counter() - start)
        assert body["answer"] == "42", body
        assert [step["observation"] for step in body["steps"]] == ["42", "42", None], body
        alone.tools.append(body["timings"]["tool_s"])
    alone.cpu_s = cpu(pid)[0] - before[0]
    return alone


def peer_loop(python: Path, base_url: str, *numbers: float) -> tuple[str, Alone, Loaded] | None:
    """The peer's name, its runs of one client and of many; None where its environment lacks it."""
    done = subprocess.run(
        [python, HERE / "peer.py", base_url, *map(str, numbers)], capture_output=True, text=True, check=False,
        env={**os.environ, "LANGSMITH_TRACING": "false", "PYTHONPATH": str(HERE.parents[1] / "src")},
    )  # fmt: skip
    if done.returncode:
        if "No module named 'lang" in done.stderr:
            return None
        raise SystemExit(done.stderr[-2000:])
    told = json.loads(done.stdout)
    loaded = Loaded(Counter(ok=len(told["loaded"])), told["loaded"], wall_s=told["wall_s"], cpu_s=told["loaded_cpu_s"])
    return told["name"], Alone(told["seconds"], told["tools"], told["cpu_s"]), loaded


async def under_load(client: aiohttp.ClientSession, pid: int, clients: int, seconds: float, requests: int) -> Loaded:
    process = psutil.Process(pid)
    workers = process.children(recursive=True)  # no run is under way: they are the ones that stay
    loaded = Loaded(memory=[(0, resident(process), resident(*workers))])
    before, start = cpu(pid), time.perf_counter()
    every = max(1, requests // 10)

    async def work() -> None:
        while time.perf_counter() - start < seconds or loaded.outcomes.total() < requests:
            begun = time.perf_counter()
            try:
                status, body = await ask(client, QUESTION)
                outcome = "ok" if status == 200 and body["answer"] == "42" else str(status)
            except (aiohttp.ClientError, TimeoutError) as error:
                outcome = type(error).__name__
            loaded.outcomes[outcome] += 1
            loaded.seconds.append(time.perf_counter() - begun)
            if loaded.outcomes.total() % every == 0:
                loaded.memory.append((loaded.outcomes.total(), resident(process), resident(*workers)))

    await asyncio.gather(*(work() for _ in range(clients)))
    loaded.wall_s = time.perf_counter() - start
    after = cpu(pid)
    loaded.cpu_s, loaded.sandbox_s = after[0] - before[0], after[1] - before[1]
    return loaded


def cpu(pid: int) -> tuple[float, float]:
    """CPU seconds so far: of a process, and of all below it with what they have reaped (the sandbox's programs)."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    below = 0.0
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            below += sum(child.cpu_times()[:4])
    return own.user + own.system, below


def resident(*processes: psutil.Process) -> float:
    """MiB of processes; one that has ended counts as none."""
    total = 0
    for process in processes:
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
            _, body = await ask(client, text)
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
    busy = os.getloadavg()[0]
    with stub_engine() as base_url:
        overrides = [
            "engine.engine=openai", "engine.model=student", f"engine.base_url={base_url}",
            f"serve.max_concurrency={arguments.clients}", "sandbox.workers=2",
        ]  # fmt: skip
        async with service(None, overrides) as (client, pid):
            alone = await one_after_the_other(client, pid, arguments.runs)
            loaded = await under_load(client, pid, arguments.clients, arguments.seconds, arguments.requests)
        peer = None
        if arguments.peer_python.exists():  # after the service: neither takes CPU from the other
            peer = peer_loop(arguments.peer_python, base_url, arguments.runs, arguments.clients, arguments.seconds)
    rows = [("service", alone, loaded)] + ([("create_agent", *peer[1:])] if peer else [])
    console.print(overhead_table([(name, alone) for name, alone, _ in rows]))
    console.print(load_table(arguments.clients, [(name, loaded) for name, _, loaded in rows]))
    console.print(memory_table(loaded.memory))
    console.print(f"load average of this machine: {busy:.1f} before, {os.getloadavg()[0]:.1f} after")
    if peer is not None:
        console.print(f"create_agent: a library in one process, no HTTP; {peer[0]}")
    else:
        console.print("LangGraph: not measured, no environment with it (--peer-python)")
    if not (arguments.nano / "config.yaml").is_file():
        console.print(f"nano: not measured, there is no run in {arguments.nano} (make demo makes runs/demo)")
        return
    seconds, stops, steps = await nano(arguments.nano, arguments.problems)
    table = Table("", "p50", "p95", "p99", "stop reasons", title="nano, ms a problem, one client", title_justify="left")
    percentiles(f"{len(seconds)} problems, {steps:.1f} steps", seconds, table, json.dumps(stops))
    console.print(table)


def overhead_table(rows: Sequence[tuple[str, Alone]]) -> Table:
    title = "ms an agent step, one client"
    table = Table("", "p50", "p95", "p99", "CPU a step", title=title, title_justify="left")
    for name, alone in rows:
        spent = f"{1000 * alone.cpu_s / STEPS / len(alone.seconds):.2f}"
        less = [(whole - tools) / STEPS for whole, tools in zip(alone.seconds, alone.tools, strict=True)]
        percentiles(f"{name}, without its tools", less, table, "")
        percentiles(f"{name}, whole", [whole / STEPS for whole in alone.seconds], table, spent)
    return table


def load_table(clients: int, rows: Sequence[tuple[str, Loaded]]) -> Table:
    table = Table(
        "", "runs", "errors", "runs/s", "p50", "p95", "CPU a step", "sandbox",
        title=f"{clients} clients, three steps a run, ms", title_justify="left",
    )  # fmt: skip
    for name, seen in rows:
        cuts = statistics.quantiles(seen.seconds, n=20, method="inclusive")
        total = seen.outcomes.total()
        errors = {kind: count for kind, count in seen.outcomes.items() if kind != "ok"}
        sandbox = "" if seen.sandbox_s is None else f"{1000 * seen.sandbox_s / STEPS / total:.2f}"
        table.add_row(
            name, str(total), json.dumps(errors) if errors else "0", f"{total / seen.wall_s:.0f}",
            f"{1000 * cuts[9]:.0f}", f"{1000 * cuts[18]:.0f}", f"{1000 * seen.cpu_s / STEPS / total:.2f}", sandbox,
        )  # fmt: skip
    return table


def memory_table(samples: Sequence[tuple[int, float, float]]) -> Table:
    title = "resident memory, MiB"
    table = Table("after runs", "the service's process", "the sandbox's workers", title=title, title_justify="left")
    for runs, own, workers in samples:
        table.add_row(str(runs), f"{own:.1f}", f"{workers:.1f}")
    return table


if __name__ == "__main__":
    asyncio.run(main())
