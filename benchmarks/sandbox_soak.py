"""Claim: the sandbox does not grow, does not hang, and never says one status for another.

    python benchmarks/sandbox_soak.py soak   20,000 executions: memory, descriptors and processes flat (5%)
    python benchmarks/sandbox_soak.py kill   1,000 executions while workers are killed with -9
    python benchmarks/sandbox_soak.py fuzz   10,000 random byte strings and mutated programs as code

Exit code 1 where a claim does not hold. `--runs N` makes each shorter.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import os
import random
import re
import signal
import sys
import time
import warnings
from pathlib import Path

from deepcoder.config import SandboxConfig
from deepcoder.sandbox import RunResult, Sandbox, Status, open_sandbox

GROWTH = 1.05
CONFIG = SandboxConfig(cpu_s=0.3, wall_s=20, memory_mb=128, output_bytes=4000, processes=8, disk_mb=4)
PROGRAMS = (
    "print(1)",
    "1 / 0",
    "import json\nprint(json.dumps({'a': [1, 2.5, None]}))",
    "x = [i * i for i in range(1000)]\nprint(sum(x))",
    "import os\nif os.fork() == 0: os._exit(0)\nos.wait()",
    "open('/tmp/a', 'w').write('x' * 1000)",
    "import sys\nsys.exit(3)",
    "print('x' * 10_000)",
    "def f(n):\n    return 1 if n < 2 else n * f(n - 1)\nprint(f(50))",
)


def children(process: str) -> list[str]:
    try:
        threads = list(Path("/proc", process, "task").iterdir())
        return [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []


def tree() -> list[str]:
    """This process and everything below it."""
    found, waiting = [], [str(os.getpid())]
    while waiting:
        found.append(waiting.pop())
        waiting += children(found[-1])
    return found


def footprint() -> dict[str, float]:
    """Memory in MiB (a shared page counted by its share), descriptors and processes, workers included."""
    memory = descriptors = 0.0
    processes = tree()
    for process in processes:
        try:
            lines = Path("/proc", process, "smaps_rollup").read_text().splitlines()
            memory += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
            descriptors += len(list(Path("/proc", process, "fd").iterdir()))
        except OSError:
            continue
    return {"memory": memory, "descriptors": descriptors, "processes": len(processes)}


async def soak(box: Sandbox, runs: int) -> bool:
    """Flat from the first tenth to the end."""
    started, warm = time.monotonic(), max(1, runs // 10)
    before: dict[str, float] = {}
    for done in range(0, runs, 100):
        if done >= warm and not before:
            before = footprint()
        await asyncio.gather(*(box.run(PROGRAMS[number % len(PROGRAMS)]) for number in range(done, done + 100)))
    after = footprint()
    print(f"{runs} executions in {time.monotonic() - started:.0f} s")
    for key, value in after.items():
        print(f"{key:12} {before[key]:8.1f} -> {value:8.1f}")
    return all(after[key] <= before[key] * GROWTH for key in after)


async def kill(box: Sandbox, runs: int) -> bool:
    """Every caller gets a result or a sandbox_error; none hangs; the sandbox works on."""
    calls = [asyncio.create_task(box.run("print(1)")) for _ in range(runs)]
    killed = 0
    while not all(call.done() for call in calls):
        await asyncio.sleep(0.3)
        victims = [child for launcher in children(str(os.getpid())) for child in [launcher, *children(launcher)]]
        if victims and not all(call.done() for call in calls):
            os.kill(int(random.choice(victims)), signal.SIGKILL)
            killed += 1
    counts = collections.Counter(call.result().status for call in calls)
    print(f"{killed} kills: {dict(counts)}; afterwards: {(await box.run('print(2)')).status}")
    return set(counts) <= {Status.OK, Status.SANDBOX_ERROR} and counts[Status.OK] > 0


def random_program(chance: random.Random) -> str:
    """Random bytes, or one of PROGRAMS with a few changes: characters, numbers, whole lines."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(200)).decode(
            "latin-1" if chance.random() < 0.5 else "utf-8", "replace"
        )
    code = chance.choice(PROGRAMS)
    for _ in range(chance.randrange(1, 4)):
        match chance.randrange(4):
            case 0:
                place = chance.randrange(len(code) + 1)
                code = code[:place] + chance.choice("0()[]:=.,'\n \0axé\ud800*/-") + code[place + chance.randrange(2) :]
            case 1:
                code = re.sub(r"\d+", lambda _: str(chance.choice((0, 1, -1, 255, 10**6, 10**20))), code, count=1)
            case 2:
                lines = code.split("\n")
                lines.insert(chance.randrange(len(lines) + 1), chance.choice("\n".join(PROGRAMS).split("\n")))
                code = "\n".join(lines)
            case 3:
                code = code.replace(chance.choice(("x", "1", "print", "import")), chance.choice(("y", "x", "exit")), 1)
    return code


def contradiction(code: str, result: RunResult) -> str:
    """What in a result cannot be, judged without running the program; "" where nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(code, "main.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "" if result.status is Status.ERROR else "it does not compile"
    cut = "[output cut at" in result.stdout + result.stderr
    checks = {
        Status.OK: result.exit_code == 0 and not cut,
        Status.ERROR: result.exit_code not in (0, None) and not cut,
        Status.TIMEOUT: result.cpu_s >= CONFIG.cpu_s * 0.9 or result.wall_s >= CONFIG.wall_s,
        Status.MEMORY: "MemoryError" in result.stderr or result.peak_mb >= CONFIG.memory_mb,
        Status.OUTPUT_LIMIT: cut,
    }
    return "" if checks.get(result.status, False) else "the numbers say otherwise"


async def fuzz(box: Sandbox, runs: int) -> bool:
    """No crash of the supervisor, no wrong status."""
    chance, wrong = random.Random(0), 0
    counts: collections.Counter[str] = collections.Counter()
    for _ in range(0, runs, 100):
        codes = [random_program(chance) for _ in range(100)]
        results = await asyncio.gather(*(box.run(code) for code in codes))
        for code, result in zip(codes, results, strict=True):
            counts[str(result.status)] += 1
            if why := contradiction(code, result):
                wrong += 1
                print(f"{why}: {code!r}: {result}")
    print(f"{runs} programs: {dict(counts)}; wrong: {wrong}; afterwards: {(await box.run('print(2)')).status}")
    return wrong == 0


async def main(name: str, runs: int) -> bool:
    async with open_sandbox(CONFIG) as box:
        return await {"soak": soak, "kill": kill, "fuzz": fuzz}[name](box, runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["soak", "kill", "fuzz"], nargs="?", default="soak")
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    default = {"soak": 20_000, "kill": 1000, "fuzz": 10_000}[options.name]
    sys.exit(0 if asyncio.run(main(options.name, options.runs or default)) else 1)
