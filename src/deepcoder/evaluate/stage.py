"""The evaluate stage: the same problems for base, student and teacher, in one run.

RUN/evaluation/{base,student,teacher}.jsonl   trajectories with verdicts, as they came
RUN/evaluation/summary.json                   the figures
RUN/evaluation/report.md                      the same for people, with trajectories side by side
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console

from deepcoder.agent import make_tools
from deepcoder.config import Config
from deepcoder.errors import ProblemError, StageError
from deepcoder.evaluate.control import without_execution
from deepcoder.evaluate.entrants import Absent, Entrant, find_entrants
from deepcoder.evaluate.measures import Figures, absent, figures, versus
from deepcoder.evaluate.report import show, write_report
from deepcoder.evaluate.rows import RowLog, write_json
from deepcoder.evaluate.solving import Solved, solve_all
from deepcoder.knowledge import open_knowledge
from deepcoder.problems import ProblemSource, open_source
from deepcoder.records import Problem
from deepcoder.runs import RunFolder, hash_files, hash_of, stage_settings
from deepcoder.sandbox import open_sandbox

Counts = dict[str, int | float | str]


def run(config: Config, folder: RunFolder, console: Console) -> Counts:
    """Evaluate on the source's evaluation splits; what is there already is kept.

    Raises StageError where more runs failed than `evaluate.max_failed` allows.
    """
    return _evaluate(config, folder, folder.stage("evaluate"), console)


def run_on(config: Config, folder: RunFolder, out: Path, console: Console) -> Counts:
    """The same with results in `out`: the run's models on other problems. Raises StageError where `out` is in use."""
    out.mkdir(parents=True, exist_ok=True)
    inputs = {"settings": hash_of(stage_settings(config, "evaluate")), "models": _models_hash(folder)}
    marker = out / "inputs.json"
    if marker.exists() and json.loads(marker.read_text()) != inputs:
        raise StageError(f"{out} holds an evaluation with other settings or models", hint="choose another --out")
    if not marker.exists() and any(out.glob("*.jsonl")):
        raise StageError(f"{out} holds other results", hint="choose another --out")
    write_json(marker, inputs)
    return _evaluate(config, folder, out, console)


def outputs(folder: RunFolder) -> list[Path]:
    """The summary and the report."""
    return [folder.stage("evaluate") / name for name in ("summary.json", "report.md")]


def _evaluate(config: Config, folder: RunFolder, out: Path, console: Console) -> Counts:
    source = open_source(config.problems)
    problems = evaluation_problems(config, source)
    entrants = find_entrants(config, folder, source, problems)
    try:
        results = asyncio.run(_solve(config, entrants, problems, out, console))
    except KeyboardInterrupt:
        console.print(
            f"  stopped; what is done lies in {out}. The same command goes on.", highlight=False, soft_wrap=True
        )
        raise
    _check_failures(results, config)
    summary = summarise(config, entrants, results, problems, source.name)
    write_json(out / "summary.json", summary)
    write_report(out / "report.md", summary, {name: solved.trajectories for name, solved in results.items()}, problems)
    show(summary, console)
    console.print(f"  {out / 'report.md'}", soft_wrap=True, highlight=False)
    return _counts(summary)


def evaluation_problems(config: Config, source: ProblemSource) -> list[Problem]:
    """Every wanted split's problems, at most `evaluate.limit` of each. Raises ProblemError where there are none."""
    found: list[Problem] = []
    for split in config.evaluate.splits or source.evaluation_splits:
        found += islice(source.problems(split), config.evaluate.limit)
    if not found:
        raise ProblemError(f"the source {source.name} has no evaluation problems")
    return found


async def _solve(
    config: Config, entrants: Sequence[Entrant | Absent], problems: Sequence[Problem], out: Path, console: Console
) -> dict[str, Solved]:
    """One model after the other, so that each has the machine for itself."""
    results: dict[str, Solved] = {}
    async with open_sandbox(config.sandbox) as box:
        tools = make_tools(box, open_knowledge(config.knowledge), config.agent)
        for entrant in entrants:
            if isinstance(entrant, Absent):
                console.print(f"  [yellow]{entrant.name} is left out[/]: {entrant.reason}", soft_wrap=True)
                continue
            with RowLog(out / f"{entrant.name}.jsonl") as log:
                offered = tools if entrant.tools else without_execution(tools)
                results[entrant.name] = await solve_all(entrant, problems, log, config, box, offered, console)
    return results


def summarise(
    config: Config,
    entrants: Sequence[Entrant | Absent],
    results: dict[str, Solved],
    problems: Sequence[Problem],
    source: str,
) -> Figures:
    """The whole summary.json: one entry a model under its name, and comparisons in pairs."""
    summary: Figures = {
        "source": source, "problems": len(problems), "splits": sorted({problem.split for problem in problems}),
        "seed": config.run.seed,
    }  # fmt: skip
    for entrant in entrants:
        if isinstance(entrant, Absent):
            summary[entrant.name] = absent(entrant)
        else:
            solved = results[entrant.name]
            summary[entrant.name] = figures(entrant, list(solved.trajectories.values()), solved.failed)
    for left, right in (("student", "teacher"), ("student", "base"), ("student_no_tools", "student")):
        if left in results and right in results:
            summary[f"{left}_vs_{right}"] = versus(
                results[left].trajectories, results[right].trajectories, config.evaluate.bootstrap, config.run.seed
            )
    return summary


def _check_failures(results: dict[str, Solved], config: Config) -> None:
    for name, solved in results.items():
        if solved.failed.total() > config.evaluate.max_failed:
            causes = ", ".join(f"{why} {number}" for why, number in solved.failed.items())
            raise StageError(
                f"{solved.failed.total()} runs of {name} failed, twice each ({causes}); the others are stored",
                hint="run the same command again to retry them, or go on without them: "
                f"evaluate.max_failed={solved.failed.total()}",
            )


def _models_hash(folder: RunFolder) -> str:
    place = folder.stage("train")
    return hash_files([path for name in ("base", "final") for path in (place / name).glob("*.json")]) + "".join(
        f" {path.stat().st_size}" for name in ("base", "final") for path in sorted((place / name).glob("*.safetensors"))
    )


def _counts(summary: Figures) -> Counts:
    counts: Counts = {"problems": summary["problems"]}
    for name in ("base", "student", "teacher", "student_no_tools"):
        if name in summary:
            success = summary[name]["success"]
            counts[name] = "absent" if success is None else f"{100 * success:.1f} %"
    return counts
