"""Right and wrong programs for a benchmark's tasks: canonical solutions, mutants of them, programs that cheat.

`evaluation.py` and `agreement.py` judge them. Run by itself this file prints which mutants a benchmark's tests
catch, and that no program that cheats passes:

    python benchmarks/mutants.py --benchmark humaneval|mbpp|humaneval+|mbpp+ --problems FILE [--limit N] [--mutants 3]
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import copy
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deepcoder.config import SandboxConfig
from deepcoder.evaluate.batches import Judged, judge_programs
from deepcoder.evaluate.benchmarks import Task, choose, read_benchmark
from deepcoder.judge import limits
from deepcoder.sandbox import open_sandbox

MUTATIONS = ("off by one", "operator", "comparison")
CHEATS = {
    "always equal": """
class Any(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    __hash__ = int.__hash__
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    def __iter__(self): return iter(())
def NAME(*a, **k): return Any(987654321)
""",
    "walks frames": """
import sys, gc
def NAME(*a, **k):
    frame = sys._getframe()
    while frame is not None:
        for space in (frame.f_globals, frame.f_locals):
            for name, value in list(space.items()):
                if name in ("check", "verify", "expected", "_expected", "want", "close", "also_right", "run"):
                    try: space[name] = lambda *a, **k: True
                    except Exception: pass
        frame = frame.f_back
    for thing in gc.get_objects():
        if type(thing) is dict and "_expected" in thing: return thing["_expected"][0]
    return 987654321
""",
}


@dataclass(frozen=True)
class Program:
    """A whole program for one task; `kind`: canonical, pass, one of MUTATIONS, or a cheat's name."""

    task: Task
    kind: str
    text: str


def _change(body: ast.FunctionDef, kind: str, chance: random.Random) -> bool:
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


def programs(tasks: Sequence[Task], mutants: int, seed: int = 0, *, cheats: bool = False) -> Iterator[Program]:
    """For each task its canonical solution, `pass`, up to `mutants` different ones of each mutation."""
    chance = random.Random(seed)
    for task in tasks:
        yield Program(task, "canonical", task.canonical)
        seen = {ast.unparse(ast.parse(task.canonical))}
        for kind in ("pass", *(MUTATIONS * mutants)) if mutants else ():
            tree = copy.deepcopy(ast.parse(task.canonical))
            found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == task.entry_point]
            if found and _change(found[-1], kind, chance) and (text := ast.unparse(tree)) not in seen:
                seen.add(text)
                yield Program(task, kind, text)
        for kind, text in CHEATS.items() if cheats else ():
            yield Program(task, kind, text.replace("NAME", task.entry_point))


def judge_ours(todo: Sequence[Program], cpu_s: float = limits.CPU_S) -> list[Judged]:
    """Our verdicts, two programs a core as `deepcoder evaluate` has them by default on two. `cpu_s`: of a judgement."""
    verdicts: dict[int, Judged] = {}

    async def judge() -> None:
        async with open_sandbox(SandboxConfig(workers=2 * (os.cpu_count() or 1))) as box:
            pairs = [(program.task, program.text) for program in todo]
            await judge_programs(pairs, box, cpu_s / limits.CPU_S, verdicts.__setitem__)

    asyncio.run(judge())
    return [verdicts[number] for number in range(len(todo))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", default="humaneval")
    parser.add_argument("--problems", type=Path, default=os.environ.get("HUMANEVAL"))
    parser.add_argument("--limit", type=int, help="the first N tasks")
    parser.add_argument("--mutants", type=int, default=1, help="of each kind and task, at most")
    parser.add_argument("--cpu-s", type=float, default=limits.CPU_S, help="limit of one judgement; mutants may loop")
    args = parser.parse_args()
    console = Console(width=100)
    if args.problems is None:
        console.print("skipped: name the benchmark's file with --problems")
        return
    tasks = choose(read_benchmark(args.benchmark, Path(args.problems)), (), args.limit)
    todo = list(programs(list(tasks.values()), args.mutants, cheats=True))
    verdicts = judge_ours(todo, args.cpu_s)
    made, passed, shared = Counter[str](), Counter[str](), Counter[str]()
    for program, judged in zip(todo, verdicts, strict=True):
        made[program.kind] += 1
        passed[program.kind] += judged.verdict.passed
        shared[program.kind] += judged.verdict.passed and judged.verdict.mode == "in_process"
    table = Table("program", "made", "pass", "caught", title=f"{args.benchmark}, {len(tasks)} tasks")
    for kind, number in made.items():
        note = f" ({shared[kind]} in_process)" if shared[kind] and kind != "canonical" else ""
        table.add_row(kind, str(number), f"{passed[kind]}{note}", f"{100 * (1 - passed[kind] / number):.1f} %")
    console.print(table)
    for program, judged in zip(todo, verdicts, strict=True):
        if program.kind in CHEATS and judged.verdict.passed:
            console.print(f"  {program.task.key}: {program.kind} passes ({judged.verdict.mode})", highlight=False)
    if passed["canonical"] < made["canonical"]:
        sys.exit("a canonical solution failed")


if __name__ == "__main__":
    main()
