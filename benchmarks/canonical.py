"""Canonical solutions judged again and again while every core is busy: a failure here is the judge's own.

One row a round and file, written as it comes; every failure with its task, outcome and detail. Nothing is taken from
a cache, limits are those of the machine that they were chosen on (deepcoder.judge.limits), never widened.

    python benchmarks/canonical.py humaneval=HumanEval.jsonl.gz mbpp=mbpp.jsonl mbpp=sanitized-mbpp.json
        humaneval+=HumanEvalPlus-Mini.jsonl.gz [--rounds 10] [--load 2] [--limit N]

--load: processes that do nothing but spin beside the judge, as many as there are cores unless told.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mutants import Program, judge_ours  # type: ignore[import-not-found]

from deepcoder.evaluate.benchmarks import Task, choose, read_benchmark

# A spinner ends by itself where this process is killed.
SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    sum(range(100_000))"


@contextlib.contextmanager
def spinning(number: int) -> Iterator[None]:
    """That many cores' worth of other work."""
    command = [sys.executable, "-c", SPIN, str(os.getpid())]
    processes = [subprocess.Popen(command) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def judged(tasks: list[Task]) -> tuple[list[str], float]:
    """What failed, a line each, and the seconds it took."""
    started = time.monotonic()
    verdicts = [each.verdict for each in judge_ours([Program(task, "canonical", task.canonical) for task in tasks])]
    failures = [
        f"{task.problem.problem_id}: {verdict.outcome.value}: {verdict.detail}"
        for task, verdict in zip(tasks, verdicts, strict=True)
        if not verdict.passed
    ]
    return failures, time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="BENCHMARK=FILE")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--load", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=int, help="the first N tasks of each file")
    args = parser.parse_args()
    benchmarks: list[tuple[str, list[Task]]] = []
    for each in args.files:
        name, _, path = each.partition("=")
        tasks = choose(read_benchmark(name, Path(path)), (), args.limit).values()
        benchmarks.append((f"{name} {Path(path).name}", [task for task in tasks if task.canonical]))
    failed = 0
    with spinning(args.load):
        for number in range(1, args.rounds + 1):
            for title, tasks in benchmarks:
                failures, seconds = judged(tasks)
                failed += len(failures)
                load = os.getloadavg()[0]
                passed = f"{len(tasks) - len(failures)}/{len(tasks)}"
                print(f"round {number:2}  {title:38} {passed:>9}  {seconds:6.1f} s  load {load:.1f}", flush=True)
                for failure in failures:
                    print(f"          {failure}", flush=True)
    if failed:
        sys.exit(f"{failed} canonical solutions failed")
    print(f"{args.rounds} rounds beside {args.load} spinning processes, no failure")


if __name__ == "__main__":
    main()
