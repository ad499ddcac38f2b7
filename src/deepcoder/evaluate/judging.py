"""Judging a file of samples: `deepcoder evaluate --benchmark NAME --problems FILE --samples FILE --out DIR`.

    DIR/inputs.json      what is judged: hashes of the files, the benchmark
    DIR/results.jsonl    one row a sample, in the order of the samples once all are judged:
                         task_id, passed, outcome, detail, mode, index, raw, program (where it is not raw)
    DIR/summary.json     pass@k with intervals, n, outcomes

A run that was cut short goes on where it stopped; results of other inputs are replaced.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from deepcoder.config import Config
from deepcoder.evaluate.benchmarks import read_benchmark
from deepcoder.evaluate.progress import Progress
from deepcoder.evaluate.rows import RowLog, rewrite, write_json
from deepcoder.evaluate.samples import Sample, read_samples
from deepcoder.evaluate.statistics import bootstrap_mean, pass_at_k
from deepcoder.judge import judge_program
from deepcoder.records import Outcome, Verdict
from deepcoder.runs import hash_files
from deepcoder.sandbox import Sandbox, open_sandbox

KS = (1, 2, 5, 10, 20, 50, 100)

Summary = dict[str, Any]


def evaluate_samples(
    benchmark: str, problems: Path, samples: Path, out: Path, config: Config, console: Console
) -> Summary:
    """Judge every sample and write DIR; returns the summary. Raises ConfigError and ProblemError for bad input."""
    tasks = read_benchmark(benchmark, problems)
    todo = read_samples(samples, tasks)
    inputs = {"benchmark": benchmark, "problems": hash_files([problems]), "samples": hash_files([samples])}
    _clear_other_results(out, inputs, console)
    with RowLog(out / "results.jsonl") as log:
        done = {row["index"]: row for row in log.rows if row["outcome"] != Outcome.SANDBOX_ERROR}
        if done:
            console.print(f"{len(done)} of {len(todo)} samples are already judged", highlight=False)
        missing = [sample for sample in todo if sample.number not in done]
        rows = asyncio.run(_judge_all(missing, config, log, console, done=len(done)))
    rows = sorted([*done.values(), *rows], key=lambda row: int(row["index"]))
    rewrite(out / "results.jsonl", rows)
    summary = summarise(benchmark, rows, {sample.number: sample.task.key for sample in todo}, len(tasks), config)
    write_json(out / "summary.json", summary)
    _show(summary, out, console)
    return summary


def summarise(
    benchmark: str, rows: Sequence[dict[str, Any]], keys: dict[int, str], tasks: int, config: Config
) -> Summary:
    """pass@k over the tasks that have samples; k up to the fewest samples that a task has.

    `keys`: a sample's index to its task. Intervals are bootstrap over tasks.
    """
    by_task: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_task[keys[row["index"]]].append(bool(row["passed"]))
    fewest = min(map(len, by_task.values()))
    summary: Summary = {
        "benchmark": benchmark, "n": len(by_task), "tasks": tasks, "missing_tasks": tasks - len(by_task),
        "samples": len(rows), "passed": sum(bool(row["passed"]) for row in rows), "samples_per_task": fewest,
    }  # fmt: skip
    intervals: dict[str, list[float]] = {}
    for k in (k for k in KS if k <= fewest):
        estimates = [pass_at_k(len(passed), sum(passed), k) for passed in by_task.values()]
        summary[f"pass@{k}"] = sum(estimates) / len(estimates)
        intervals[f"pass@{k}"] = list(bootstrap_mean(estimates, config.evaluate.bootstrap, config.run.seed))
    summary["ci95"] = {"method": "percentile bootstrap over tasks", **intervals}
    if any("base" in row for row in rows):
        base = [row["base"] == Outcome.PASSED for row in rows]
        summary["passed_base"] = sum(base)
    summary["outcomes"] = dict(Counter(str(row["outcome"]) for row in rows).most_common())
    summary["modes"] = dict(Counter(str(row["mode"]) for row in rows).most_common())
    return summary


async def _judge_all(
    samples: Sequence[Sample], config: Config, log: RowLog, console: Console, *, done: int
) -> list[dict[str, Any]]:
    """Judge samples, as many at once as there are sandbox workers; rows are stored as they come."""
    rows: list[dict[str, Any]] = []
    queue = iter(samples)
    async with open_sandbox(config.sandbox) as box:
        with Progress(console, "judging", done + len(samples), done=done) as progress:

            async def work() -> None:
                for sample in queue:
                    row = await _judge_one(sample, box)
                    log.add(row)
                    rows.append(row)
                    progress.advance("passed" if row["passed"] else str(row["outcome"]))

            async with asyncio.TaskGroup() as group:
                for _ in range(config.sandbox.workers):
                    group.create_task(work())
    return rows


async def _judge_one(sample: Sample, box: Sandbox) -> dict[str, Any]:
    parts: dict[str, Verdict] = {}
    for name, check in sample.task.checks:
        verdict = await judge_program(check, sample.program, box, extract=False)
        if verdict.outcome is Outcome.SANDBOX_ERROR:
            verdict = await judge_program(
                check, sample.program, box, extract=False
            )  # the machinery gets one more chance
        parts[name] = verdict
        if not verdict.passed:
            break
    row: dict[str, Any] = {
        "task_id": sample.task_id, "passed": verdict.passed, "outcome": verdict.outcome.value,
        "detail": verdict.detail, "mode": verdict.mode, "index": sample.number, "raw": sample.raw,
    }  # fmt: skip
    if sample.program != sample.raw:
        row["program"] = sample.program
    if len(sample.task.checks) > 1:
        row |= {name: verdict.outcome.value for name, verdict in parts.items()}
    return row


def _clear_other_results(out: Path, inputs: dict[str, str], console: Console) -> None:
    """Keep what is there only if it comes from the same inputs."""
    import json

    marker = out / "inputs.json"
    try:
        same = json.loads(marker.read_text()) == inputs
    except (FileNotFoundError, ValueError):
        same = False
    if not same:
        for name in ("results.jsonl", "summary.json"):
            if (out / name).exists():
                console.print(f"replacing {out / name}: it is of other inputs", soft_wrap=True, highlight=False)
                (out / name).unlink()
        write_json(marker, inputs)


def _show(summary: Summary, out: Path, console: Console) -> None:
    outcomes = ", ".join(f"{outcome} {number}" for outcome, number in summary["outcomes"].items())
    console.print(
        f"[bold]{summary['benchmark']}[/]: {summary['passed']} of {summary['samples']} samples pass ({outcomes})"
    )
    for name, (low, high) in ((k, v) for k, v in summary["ci95"].items() if k != "method"):
        console.print(
            f"  {name} = {summary[name]:.4f}  (95 %: {low:.4f} to {high:.4f}, {summary['n']} tasks, "
            f"{summary['samples_per_task']} or more samples each)",
            highlight=False,
        )  # fmt: skip
    if summary["missing_tasks"]:
        console.print(
            f"  [yellow]{summary['missing_tasks']} of {summary['tasks']} tasks have no sample[/]; they are not counted"
        )
    if errors := summary["outcomes"].get(Outcome.SANDBOX_ERROR.value):
        console.print(
            f"  [red]{errors} samples could not be judged (sandbox_error)[/]; the same command tries them again"
        )
    if shared := summary["modes"].get("in_process"):
        console.print(
            f"  {shared} verdicts were reached in the candidate's own process (docs/evaluate.md)", highlight=False
        )
    console.print(f"  {out / 'results.jsonl'}, {out / 'summary.json'}", soft_wrap=True, highlight=False)
