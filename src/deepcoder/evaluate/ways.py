"""A benchmark solved in two ways by the run's models: by the agent with tools, and by direct completions.

    OUT/selftest.json                 whose own solution passes here; found once, before any model is asked
    OUT/{base,student,teacher}.jsonl  the agent's trajectories
    OUT/direct/NAME.jsonl             completions as they were drawn (deepcoder.evaluate.direct)
    OUT/direct/NAME/                  the same judged, as `--samples` judges a file (deepcoder.evaluate.judging)

Both ways have the same tasks, judged by the same checks within the same limits; tasks whose own solution fails here
are put to nobody.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from deepcoder.config import Config
from deepcoder.errors import ProblemError
from deepcoder.evaluate.benchmarks import Task, choose, read_benchmark, task_key
from deepcoder.evaluate.calibration import Calibration, calibrate
from deepcoder.evaluate.direct import Drawn, drawing_figures
from deepcoder.evaluate.judging import Subset, evaluate_samples, show_soundness
from deepcoder.evaluate.rows import write_json
from deepcoder.evaluate.selftest import SelfTest, machine_cache, self_test
from deepcoder.evaluate.solving import Key
from deepcoder.evaluate.statistics import bootstrap_mean, bootstrap_paired, wilson
from deepcoder.judge import judge_program
from deepcoder.judge.tests_side import TestsSide
from deepcoder.problems.contracts import Policy, StoredSource
from deepcoder.problems.replay import replay
from deepcoder.records import Problem, Trajectory, Verdict
from deepcoder.runs import hash_files
from deepcoder.sandbox import Sandbox, open_sandbox

Figures = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A benchmark's tasks by problem_id, those alone whose own solution passes here. `scale`: of the judge's limits."""

    name: str
    path: Path
    tasks: Mapping[str, Task]
    tested: SelfTest
    scale: float

    def source(self) -> StoredSource:
        """The tasks as problems; the expert replays their own solutions."""

        def policy(problem_id: str) -> Policy | None:
            task = self.tasks[problem_id]
            return replay(task.canonical, task.entry_point) if task.canonical else None

        return StoredSource(self.name, [task.problem for task in self.tasks.values()], policy=policy)

    async def judge(self, problem: Problem, answer: str | None, box: Sandbox) -> Verdict:
        """An agent's answer by every check of its task; the verdict of the first that it fails, or of the last."""
        async with TestsSide(box, self.scale) as tests:
            for _, check in self.tasks[problem.problem_id].checks:
                verdict = await judge_program(check, answer, box, tests=tests)
                if not verdict.passed:
                    break
        return verdict

    def figures(self, config: Config) -> Figures:
        """What the summary says of the benchmark."""
        several = config.evaluate.samples > 1
        return {
            "name": self.name, "tasks": len(self.tasks), "unsound_tasks": dict(self.tested.failed),
            "untested_tasks": sorted(self.tested.untested), "ways": config.evaluate.ways,
            "samples": config.evaluate.samples, "temperature": config.evaluate.temperature if several else 0.0,
        }  # fmt: skip


def bench_inputs(name: str, path: Path, subset: Subset) -> dict[str, str]:
    """What tells one benchmark's results from another's."""
    return {
        "benchmark": name,
        "problems": hash_files([path]),
        "subset": f"{sorted(subset.task_ids)} {subset.limit}",
    }


def open_bench(name: str, path: Path, subset: Subset, config: Config, out: Path, console: Console) -> Bench:
    """Read the tasks and test their own solutions, where OUT/selftest.json does not say what came of that.

    Raises ConfigError and ProblemError for bad input, and where no task is sound.
    """
    tasks = choose(read_benchmark(name, path), subset.task_ids, subset.limit)
    known = out / "selftest.json"
    tested = _read(known) if known.exists() else None
    calibration, tested = asyncio.run(_test(name, path, tasks, config, tested))
    write_json(known, {**vars(tested), "untested": sorted(tested.untested), "failed": dict(tested.failed)})
    show_soundness(tested, console)
    sound = {task.problem.problem_id: task for key, task in tasks.items() if key not in tested.failed}
    if not sound:
        raise ProblemError(f"no task of {name} can be scored here: its own solutions fail: {dict(tested.failed)}")
    return Bench(name, path, sound, tested, calibration.scale)


async def _test(
    name: str, path: Path, tasks: Mapping[str, Task], config: Config, tested: SelfTest | None
) -> tuple[Calibration, SelfTest]:
    async with open_sandbox(config.sandbox) as box:
        calibration = await calibrate(box, machine_cache())
        return calibration, tested or await self_test(name, path, tasks, box, calibration.scale)


def _read(path: Path) -> SelfTest:
    stored = json.loads(path.read_text())
    return SelfTest(**(stored | {"untested": frozenset(stored["untested"])}))


def judge_drawn(
    bench: Bench, name: str, drawn: Drawn, agent: Mapping[Key, Trajectory], config: Config, out: Path, console: Console
) -> Figures:
    """Judge one model's completions (those judged before are not judged again); the figures of the direct way."""
    if not drawn.rows:
        return {"reason": f"no completion came: {drawn.failed} requests failed", **drawing_figures(drawn)}
    console.print(f"[bold]{name}[/], direct completions", highlight=False)
    subset = Subset(tuple(task_key(each) for each in bench.tasks))
    folder = out / "direct"
    judged = evaluate_samples(bench.name, bench.path, folder / f"{name}.jsonl", folder / name, config, console, subset)
    rows = [json.loads(line) for line in (folder / name / "results.jsonl").read_text().splitlines()]
    shown = {key: value for key, value in judged.items() if key not in ("benchmark", "tasks", "limits")}
    return shown | drawing_figures(drawn) | {"agent": beside(rows, agent, config)}


def beside(rows: Sequence[Mapping[str, Any]], agent: Mapping[Key, Trajectory], config: Config) -> Figures | None:
    """The agent's success beside pass@1 of the completions, on the tasks that have both; None where none has.

    difference   agent - direct, both as shares of tasks; a task's direct share is c/n of its n samples
    ci95         Wilson's of the agent; percentile bootstrap over tasks of pass@1, of the difference drawn in pairs
    """
    passed: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        passed[task_key(str(row["task_id"]))].append(bool(row["passed"]))
    solved = {task_key(problem_id): run.verified for (_, problem_id), run in agent.items()}
    keys = sorted(passed.keys() & solved.keys())
    if not keys:
        return None
    ours = np.array([solved[key] for key in keys], dtype=np.float64)
    direct = np.array([sum(passed[key]) / len(passed[key]) for key in keys])
    repeats, seed = config.evaluate.bootstrap, config.run.seed
    interval = bootstrap_paired([ours, direct], lambda a, b: a.mean(axis=-1) - b.mean(axis=-1), repeats, seed)
    return {
        "n": len(keys),
        "success": float(ours.mean()), "ci95": list(wilson(int(ours.sum()), len(keys))),
        "direct": float(direct.mean()), "direct_ci95": list(bootstrap_mean(direct.tolist(), repeats, seed)),
        "difference": float(ours.mean() - direct.mean()), "difference_ci95": list(interval) if interval else None,
    }  # fmt: skip
