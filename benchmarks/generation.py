"""Goodput against a provider's limits: our pacing beside a plain `abatch` with the SDK's own retries.

A local server speaks Groq's protocol with token buckets for requests and tokens, x-ratelimit headers
and 429s with Retry-After; it answers after a fixed latency. Both clients are given the same requests
at the same concurrency. goodput = answers / (seconds * allowed rate); a request is lost when its
client gave up on it.

    python benchmarks/generation.py [--requests 400] [--rate 20] [--latency 0.3] [--faults 0.0]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
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


@dataclass
class Row:
    """One client's result."""

    name: str
    answered: int
    lost: int
    seconds: float
    refused: int

    def goodput(self, rate: float, burst: float) -> float:
        """What was answered of what the limit allowed in that time (the bucket was full at the start)."""
        return self.answered / (burst + rate * self.seconds)


def make_server(args: argparse.Namespace) -> FakeProvider:
    chance = random.Random(1)

    def fault(body: object, number: int) -> Fault | None:
        return chance.choice([Refusal(500), Refusal(503), Reset()]) if chance.random() < args.faults else None

    server = FakeProvider(
        requests_limit=(args.burst, args.burst / args.rate), latency_s=args.latency, fault=fault, models=[MODEL]
    )
    server.keep_requests = False
    return server


async def ours(server: FakeProvider, args: argparse.Namespace) -> tuple[int, int]:
    models = open_provider(TeacherConfig(model=f"groq:{MODEL}", base_url=server.base_url))
    lost = 0

    async def one(number: int, gate: asyncio.Semaphore) -> None:
        nonlocal lost
        async with gate:
            try:
                await models.for_problem(str(number)).ainvoke([HumanMessage(f"question {number}")])
            except DeepCoderError:
                lost += 1

    gate = asyncio.Semaphore(args.concurrency)
    await asyncio.gather(*(one(number, gate) for number in range(args.requests)))
    await models.aclose()
    return args.requests - lost, lost


async def plain(server: FakeProvider, args: argparse.Namespace) -> tuple[int, int]:
    model = ChatGroq(model=MODEL, base_url=server.root, max_retries=2)
    inputs = [[HumanMessage(f"question {number}")] for number in range(args.requests)]
    config = RunnableConfig(max_concurrency=args.concurrency)
    results = await model.abatch(inputs, config=config, return_exceptions=True)  # type: ignore[arg-type]
    lost = sum(isinstance(result, BaseException) for result in results)
    return args.requests - lost, lost


async def measure(
    name: str,
    client: Callable[[FakeProvider, argparse.Namespace], Awaitable[tuple[int, int]]],
    args: argparse.Namespace,
) -> Row:
    with make_server(args) as server:
        start = time.perf_counter()
        answered, lost = await client(server, args)
        return Row(name, answered, lost, time.perf_counter() - start, server.refused)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second that the server allows")
    parser.add_argument("--burst", type=float, default=20.0, help="size of its bucket")
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--faults", type=float, default=0.0, help="share of answers that are 500, 503 or a reset")
    args = parser.parse_args()
    os.environ["GROQ_API_KEY"] = KEY
    table = Table("client", "answered", "lost", "seconds", "429s", "goodput", title=f"limit {args.rate:g} requests/s")
    for name, client in (("deepcoder", ours), ("abatch + SDK retries", plain)):
        row = await measure(name, client, args)
        cells = [row.answered, row.lost, f"{row.seconds:.1f}", row.refused, f"{row.goodput(args.rate, args.burst):.1%}"]
        table.add_row(row.name, *map(str, cells))
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
