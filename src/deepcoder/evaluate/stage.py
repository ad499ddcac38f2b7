"""The evaluate stage: the same problems for base, student and teacher, in one run.

RUN/evaluation/{base,student,teacher}.jsonl   trajectories with verdicts, as they came
RUN/evaluation/calls-*.jsonl                  single tool calls (deepcoder.evaluate.calls)
RUN/evaluation/summary.json                   the figures
RUN/evaluation/report.html, report.md         the same for people; the page holds every trajectory

On a benchmark the same, and direct completions besides (deepcoder.evaluate.ways).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import get_args

from rich.console import Console

from deepcoder.agent import make_tools
from deepcoder.config import Config
from deepcoder.errors import ProblemError, StageError
from deepcoder.evaluate.calls import make_calls
from deepcoder.evaluate.control import without_execution
from deepcoder.evaluate.direct import direct_absence, draw_all
from deepcoder.evaluate.entrants import Absent, Entrant, Instructions, Name, find_entrants
from deepcoder.evaluate.front import write_page
from deepcoder.evaluate.judging import Subset
from deepcoder.evaluate.measures import Figures
from deepcoder.evaluate.referee import referee
from deepcoder.evaluate.report import show, write_report
from deepcoder.evaluate.rows import RowLog, write_json
from deepcoder.evaluate.rows import rewrite as rewrite_rows
from deepcoder.evaluate.sessions import note_session
from deepcoder.evaluate.solving import Seat, solve_all, solve_calls
from deepcoder.evaluate.summary import Results, summarise
from deepcoder.evaluate.ways import Bench, bench_inputs, judge_drawn, open_bench
from deepcoder.judge import judge
from deepcoder.knowledge import open_knowledge
from deepcoder.models import ChatModels
from deepcoder.problems import ProblemSource, open_source
from deepcoder.records import Problem
from deepcoder.rounds import final_student
from deepcoder.runs import RunFolder, hash_files, hash_of, stage_settings
from deepcoder.sandbox import open_sandbox

Counts = dict[str, int | float | str]


def run(config: Config, folder: RunFolder, console: Console) -> Counts:
    """Evaluate on the source's evaluation splits; what is there already is kept.

    Raises StageError where more runs failed than `evaluate.max_failed` allows.
    """
    return _evaluate(config, folder, folder.stage("evaluate"), console, calls=True)


def run_on(config: Config, folder: RunFolder, out: Path, console: Console) -> Counts:
    """The same with results in `out`: the run's models on other problems. Raises StageError where `out` is in use."""
    _claim(config, folder, out, {})
    return _evaluate(config, folder, out, console, calls=False)


def run_benchmark(
    config: Config, folder: RunFolder, benchmark: str, problems: Path, out: Path, console: Console, subset: Subset
) -> Counts:
    """The run's models on a benchmark, in the ways of `evaluate.ways`; results in `out`. Raises as `run_on`.

    `evaluate.limit` and `evaluate.splits` do not apply: `subset` says which tasks.
    """
    sampling = f"{config.evaluate.samples} at {config.evaluate.temperature:g}"
    _claim(config, folder, out, bench_inputs(benchmark, problems, subset) | {"sampling": sampling})
    bench = open_bench(benchmark, problems, subset, config, out, console)
    return _evaluate(config, folder, out, console, calls=False, bench=bench)


def _claim(config: Config, folder: RunFolder, out: Path, more: dict[str, str]) -> None:
    """Mark `out` as this evaluation's. Raises StageError where it is another's."""
    out.mkdir(parents=True, exist_ok=True)
    inputs = {"settings": hash_of(stage_settings(config, "evaluate")), "models": _models_hash(folder)} | more
    marker = out / "inputs.json"
    if marker.exists() and json.loads(marker.read_text()) != inputs:
        raise StageError(f"{out} holds an evaluation with other settings or models", hint="choose another --out")
    if not marker.exists() and any(out.glob("*.jsonl")):
        raise StageError(f"{out} holds other results", hint="choose another --out")
    write_json(marker, inputs)


def rewrite(
    config: Config,
    folder: RunFolder,
    out: Path | None,
    console: Console,
    benchmark: tuple[str, Path, Subset] | None = None,
) -> Counts:
    """Figures and reports anew from the stored runs: after another price, a judge, a newer version.

    No model under evaluation is asked. `benchmark`: that of `run_benchmark`, where `out` is its. Raises StageError
    where the evaluation in `out` is not complete, or is on other problems.
    """
    out = out or folder.stage("evaluate")
    path = out / "summary.json"
    if not path.exists():
        raise StageError(f"there is no {path}", hint="deepcoder evaluate CONFIG makes it")
    old = json.loads(path.read_text())
    entrants = [_as_stored(name, old[name]) for name in get_args(Name) if name in old]
    asked = any((out / f"calls-{entrant.name}.jsonl").exists() for entrant in entrants)
    there = json.loads((out / "inputs.json").read_text()) if (out / "inputs.json").exists() else {}
    told = bench_inputs(*benchmark) if benchmark else {}
    if told != {key: value for key, value in there.items() if key in ("benchmark", "problems", "subset")}:
        raise StageError(
            f"{out} is of {there.get('benchmark', 'no benchmark')}, other tasks or another file",
            hint="give --benchmark, --problems, --limit and --task-ids as the evaluation had them, or none of them",
        )
    bench = None
    if benchmark:
        bench = open_bench(*benchmark, config, out, console)
        drawn = {key: old["benchmark"][key] for key in ("ways", "samples")}
        config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update=drawn)})
    return _evaluate(config, folder, out, console, calls=asked, entrants=entrants, bench=bench)


def outputs(folder: RunFolder) -> list[Path]:
    """The summary and the reports."""
    return [folder.stage("evaluate") / name for name in ("summary.json", "report.md", "report.html")]


def _evaluate(
    config: Config,
    folder: RunFolder,
    out: Path,
    console: Console,
    *,
    calls: bool,
    entrants: Sequence[Entrant | Absent] | None = None,
    bench: Bench | None = None,
) -> Counts:
    source = bench.source() if bench else open_source(config.problems)
    problems = list(source.problems("all")) if bench else evaluation_problems(config, source)
    results = Results(entrants or find_entrants(config, folder, source, problems), problems, source.name)
    try:
        asyncio.run(_solve(config, results, out, console, calls=calls, bench=bench))
    except KeyboardInterrupt:
        console.print(
            f"  stopped; what is done lies in {out}. The same command goes on.", highlight=False, soft_wrap=True
        )
        raise
    _check_failures(results, config)
    summary = summarise(config, results, out)
    if bench:
        _add_direct(summary, bench, results, config, out, console)
    runs = {name: solved.trajectories for name, solved in results.solved.items()}
    write_json(out / "summary.json", summary)
    write_report(out / "report.md", summary)
    write_page(out / "report.html", summary, runs, folder)
    show(summary, console)
    console.print(f"  {out / 'report.html'}", soft_wrap=True, highlight=False)
    return _counts(summary)


def evaluation_problems(config: Config, source: ProblemSource) -> list[Problem]:
    """Every wanted split's problems, at most `evaluate.limit` of each. Raises ProblemError where there are none."""
    found: list[Problem] = []
    for split in config.evaluate.splits or source.evaluation_splits:
        found += islice(source.problems(split), config.evaluate.limit)
    if not found:
        raise ProblemError(f"the source {source.name} has no evaluation problems")
    return found


def _add_direct(summary: Figures, bench: Bench, results: Results, config: Config, out: Path, console: Console) -> None:
    """The benchmark, and the direct way of each model that took part."""
    summary["benchmark"] = bench.figures(config)
    if "direct" not in config.evaluate.ways:
        return
    for entrant in results.entrants:
        if isinstance(entrant, Absent):
            continue
        if entrant.name in results.drawn:
            drawn, runs = results.drawn[entrant.name], results.solved[entrant.name].trajectories
            summary[entrant.name]["direct"] = judge_drawn(bench, entrant.name, drawn, runs, config, out, console)
        else:
            summary[entrant.name]["direct"] = {"reason": direct_absence(entrant)}


async def _solve(
    config: Config, results: Results, out: Path, console: Console, *, calls: bool, bench: Bench | None
) -> None:
    """One model after the other, so that each has the machine for itself."""
    by_agent = results.problems if bench is None or "agent" in config.evaluate.ways else []
    to_complete = list(bench.tasks.values()) if bench and "direct" in config.evaluate.ways else []
    judge_by = bench.judge if bench else judge
    async with open_sandbox(config.sandbox) as box:
        tools = make_tools(box, open_knowledge(config.knowledge), config.agent)
        if calls and config.evaluate.tool_calls:
            results.calls = await make_calls(config.evaluate.tool_calls, config.problems, tools)
        for entrant in results.entrants:
            if isinstance(entrant, Absent):
                console.print(f"  [yellow]{entrant.name} is left out[/]: {entrant.reason}", soft_wrap=True)
                continue
            offered = tools if entrant.tools else without_execution(tools)
            async with Seat(entrant) as seat:
                with RowLog(out / f"{entrant.name}.jsonl") as log:
                    solved = await solve_all(seat, by_agent, log, config, box, offered, console, judge_by)
                note_session(out, entrant.name, solved, config.evaluate.concurrency)
                results.solved[entrant.name] = solved
                if results.calls and _takes_calls(entrant):
                    with RowLog(out / f"calls-{entrant.name}.jsonl") as log:
                        results.answers[entrant.name] = await solve_calls(seat, results.calls, log, config, tools)
                if to_complete and not direct_absence(entrant):
                    path = out / "direct" / f"{entrant.name}.jsonl"
                    with RowLog(path) as log:
                        results.drawn[entrant.name] = await draw_all(seat, to_complete, log, config, console)
                    rewrite_rows(path, results.drawn[entrant.name].rows)
    runs = {name: solved.trajectories for name, solved in results.solved.items()}
    if config.evaluate.judge.model and "student" in runs and "teacher" in runs:
        results.judged = await referee(runs["student"], runs["teacher"], config.evaluate.judge, out)


def _takes_calls(entrant: Entrant) -> bool:
    """Not the expert, who is the reference, nor who has no execute_python or another format."""
    return entrant.tools and not entrant.native and entrant.model != "expert"


def _as_stored(name: Name, old: Figures) -> Entrant | Absent:
    """Who took part, with models that cannot be asked."""

    def refuse() -> ChatModels:
        raise StageError(
            f"the evaluation of {name} is not complete", hint="finish it first: the same command without --report"
        )

    if not old["available"]:
        return Absent(name, old["reason"])
    native = old["instructions"] == "native"
    instructions: Instructions = "full" if native else old["instructions"]
    return Entrant(
        name, old["model"], refuse, instructions, in_process=False, tools=name != "student_no_tools", native=native
    )


def _check_failures(results: Results, config: Config) -> None:
    for name, drawn in results.drawn.items():
        if drawn.failed > config.evaluate.max_failed:
            raise StageError(
                f"{drawn.failed} direct completions of {name} failed, twice each (provider); the others are stored",
                hint="run the same command again to retry them, or go on without them: "
                f"evaluate.max_failed={drawn.failed}",
            )
    for name, solved in results.solved.items():
        if solved.failed.total() > config.evaluate.max_failed:
            causes = ", ".join(f"{why} {number}" for why, number in solved.failed.items())
            raise StageError(
                f"{solved.failed.total()} runs of {name} failed, twice each ({causes}); the others are stored",
                hint="run the same command again to retry them, or go on without them: "
                f"evaluate.max_failed={solved.failed.total()}",
            )


def _models_hash(folder: RunFolder) -> str:
    places = (folder.stage("train") / "base", final_student(folder.config))
    return hash_files([path for place in places for path in place.glob("*.json")]) + "".join(
        f" {path.stat().st_size}" for place in places for path in sorted(place.glob("*.safetensors"))
    )


def _counts(summary: Figures) -> Counts:
    counts: Counts = {"problems": summary["problems"]}
    for name in get_args(Name):
        if name in summary:
            success = summary[name]["success"]
            counts[name] = "absent" if success is None else f"{100 * success:.1f} %"
    return counts
