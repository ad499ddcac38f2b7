"""Generation: goodput against a provider's limits beside a plain `abatch`; the process's memory over 10,000 problems.

    python benchmarks/generation.py [goodput] [--requests 400] [--faults 0.0] ...
    python benchmarks/generation.py memory [--problems 10000]

goodput: a local server speaks Groq's protocol with token buckets for requests and for tokens, x-ratelimit
headers and 429s with Retry-After; it answers after a fixed latency. Both clients, ours and LangChain's `abatch`
with the SDK's own retries, are given the same requests at the same concurrency. A request is lost when its client
gave up on it; goodput = what was answered / what the limit allowed in that time (the bucket is full at the start).

memory: `deepcoder generate` with the embedded expert in a process of its own; its resident memory (the sandbox's
processes not counted) as problems are stored, and the throughput.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_groq import ChatGroq
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from deepcoder.config import TeacherConfig
from deepcoder.errors import DeepCoderError
from deepcoder.models.providers import open_provider
from fakes.provider import KEY, FakeProvider, Fault, Refusal, Reset

MODEL = "qwen/qwen3-32b"
Client = Callable[[FakeProvider, argparse.Namespace], Awaitable[tuple[int, int]]]


@dataclass
class Row:
    """One client's result; `goodput` of what the limit allowed."""

    name: str
    answered: int
    lost: int
    seconds: float
    refused: int
    goodput: float


def make_server(args: argparse.Namespace, limit: str) -> FakeProvider:
    chance = random.Random(1)

    def fault(body: object, number: int) -> Fault | None:
        return chance.choice([Refusal(500), Refusal(503), Reset()]) if chance.random() < args.faults else None

    limits = (
        {"requests_limit": (args.burst, args.burst / args.rate)}
        if limit == "requests"
        else {"tokens_limit": (args.token_burst, args.token_burst / args.token_rate)}
    )
    server = FakeProvider(latency_s=args.latency, fault=fault, models=[MODEL], **limits)
    server.keep_requests = False
    return server


def chats(args: argparse.Namespace) -> list[list[HumanMessage]]:
    """Questions of 20 to 2,000 characters."""
    draw = random.Random(2)
    return [[HumanMessage(f"question {number} " + "x " * draw.randrange(1000))] for number in range(args.requests)]


async def ours(server: FakeProvider, args: argparse.Namespace) -> tuple[int, int]:
    models = open_provider(TeacherConfig(model=f"groq:{MODEL}", base_url=server.base_url))
    lost = 0

    async def one(number: int, chat: list[HumanMessage]) -> None:
        nonlocal lost
        async with gate:
            try:
                await models.for_problem(str(number)).ainvoke(chat)
            except DeepCoderError:
                lost += 1

    gate = asyncio.Semaphore(args.concurrency)
    await asyncio.gather(*(one(number, chat) for number, chat in enumerate(chats(args))))
    await models.aclose()
    return args.requests - lost, lost


async def plain(server: FakeProvider, args: argparse.Namespace) -> tuple[int, int]:
    """LangChain's defaults, but for a time limit: without one a lost answer is waited for without end."""
    model = ChatGroq(model=MODEL, base_url=server.root, max_retries=2, timeout=30)
    config = RunnableConfig(max_concurrency=args.concurrency)
    results = await model.abatch(chats(args), config=config, return_exceptions=True)  # type: ignore[arg-type]
    lost = sum(isinstance(result, BaseException) for result in results)
    return args.requests - lost, lost


async def measure(name: str, client: Client, args: argparse.Namespace, limit: str) -> Row:
    with make_server(args, limit) as server:
        start = time.perf_counter()
        answered, lost = await client(server, args)
        seconds = time.perf_counter() - start
        bucket = server.buckets[limit]
        done = answered if limit == "requests" else answered * server.charged / max(1, server.admitted)
        return Row(name, answered, lost, seconds, server.refused, done / (bucket.limit + bucket.rate * seconds))


async def goodput(args: argparse.Namespace, console: Console) -> None:
    os.environ["GROQ_API_KEY"] = KEY
    for limit, rate in (("requests", args.rate), ("tokens", args.token_rate)):
        table = Table("client", "answered", "lost", "seconds", "429s", "goodput", title=f"limit {rate:g} {limit}/s")
        for name, client in (("deepcoder", ours), ("abatch + SDK retries", plain)):
            row = await measure(name, client, args, limit)
            cells = [row.answered, row.lost, f"{row.seconds:.1f}", row.refused, f"{row.goodput:.1%}"]
            table.add_row(row.name, *map(str, cells))
        console.print(table)


def memory(args: argparse.Namespace, console: Console) -> None:
    """Resident memory of the generating process when so many problems are stored."""
    marks = sorted({round(args.problems * share) for share in (0.1, 0.25, 0.5, 1.0)})
    table = Table("problems", "RSS MB", "seconds", "problems/s", title="deepcoder generate, the embedded expert")
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        command = [str(Path(sys.executable).with_name("deepcoder")), "generate", f"run.dir={run}"]
        command += [f"problems.train={args.problems}", f"generate.concurrency={args.concurrency}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        start = time.perf_counter()
        stored, rss = Lines(run / "trajectories"), 0.0
        while process.poll() is None:
            rss = resident_mb(process.pid) or rss
            while marks and stored.count() >= marks[0]:
                seconds = time.perf_counter() - start
                table.add_row(f"{marks[0]:,}", f"{rss:.0f}", f"{seconds:.0f}", f"{marks.pop(0) / seconds:.1f}")
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        for mark in marks:  # stored in its last moments, or rejected
            table.add_row(f"{mark:,} (end: {stored.count():,})", f"{rss:.0f}", f"{seconds:.0f}",
                          f"{stored.count() / seconds:.1f}")  # fmt: skip
        if process.returncode:
            raise SystemExit(f"deepcoder generate failed with {process.returncode}")
    console.print(table)


class Lines:
    """Counts the lines of a folder's JSONL files as they grow, reading each byte once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[int, int]] = {}

    def count(self) -> int:
        """The lines so far."""
        for path in [*self._folder.glob("shard-*.jsonl"), *self._folder.glob("rejected.jsonl")]:
            at, lines = self._read.get(path, (0, 0))
            with path.open("rb") as file:
                file.seek(at)
                new = file.read()
            self._read[path] = at + len(new), lines + new.count(b"\n")
        return sum(lines for _, lines in self._read.values())


def resident_mb(pid: int) -> float:
    """VmRSS of a process; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", choices=["goodput", "memory"], default="goodput")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second that the server allows")
    parser.add_argument("--burst", type=float, default=20.0, help="size of its bucket")
    parser.add_argument("--token-rate", type=float, default=6000.0, help="tokens a second that the server allows")
    parser.add_argument("--token-burst", type=float, default=6000.0, help="size of that bucket")
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--faults", type=float, default=0.0, help="share of answers that are 500, 503 or a reset")
    parser.add_argument("--problems", type=int, default=10_000, help="memory: how many")
    args = parser.parse_args()
    console = Console()
    if args.mode == "memory":
        memory(args, console)
    else:
        asyncio.run(goodput(args, console))


if __name__ == "__main__":
    main()
