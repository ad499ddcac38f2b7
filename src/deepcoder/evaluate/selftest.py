"""Before a score is shown: does the benchmark's own solution pass here?

A task whose canonical solution fails on this machine (another Python, a missing library, a broken file) says
nothing about a model. It is listed and left out of the score, never counted in silence. What passed is kept under
$XDG_CACHE_HOME/deepcoder/judge, by the machine, the hash of the problem file and of the judge's own code.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from deepcoder.evaluate.batches import Judged, judge_programs
from deepcoder.evaluate.benchmarks import Task
from deepcoder.evaluate.rows import write_json
from deepcoder.runs import hash_files
from deepcoder.sandbox import Sandbox

ATTEMPTS = 2


@dataclass(frozen=True)
class SelfTest:
    """`failed`: outcome and detail by task key; `untested`: tasks without a canonical solution."""

    failed: Mapping[str, str]
    untested: frozenset[str]
    tested: int
    cached: int


async def self_test(
    benchmark: str, problems: Path, tasks: Mapping[str, Task], box: Sandbox, scale: float, cache: Path | None = None
) -> SelfTest:
    """Judge the canonical solutions of `tasks` that this machine has not judged before; `cache`: its folder."""
    path = (cache or machine_cache()) / f"{benchmark}-{_key(problems)}.json"
    known = _read(path)
    cached = len(known.keys() & tasks.keys())
    todo = [task for key, task in tasks.items() if task.canonical and key not in known]
    for _ in range(ATTEMPTS):
        results: dict[str, str] = {}

        def tell(number: int, judged: Judged, todo: list[Task] = todo, results: dict[str, str] = results) -> None:
            verdict = judged.verdict
            results[todo[number].key] = "" if verdict.passed else f"{verdict.outcome.value}: {verdict.detail}"

        await judge_programs([(task, task.canonical) for task in todo], box, scale, tell)
        known |= results
        todo = [task for task in todo if known[task.key]]
    # Only what passed is kept: a failure may be mended, and is worth a second look every time.
    write_json(path, sorted(key for key, failure in known.items() if not failure))
    return SelfTest(
        failed={key: known[key] for key in tasks if known.get(key)},
        untested=frozenset(key for key, task in tasks.items() if not task.canonical),
        tested=sum(bool(task.canonical) for task in tasks.values()), cached=cached,
    )  # fmt: skip


def machine_cache() -> Path:
    """The folder for what is known of this machine and interpreter."""
    machine = "\0".join((platform.node(), platform.machine(), platform.release(), platform.python_version()))
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "deepcoder" / "judge" / hashlib.sha256(machine.encode()).hexdigest()[:16]


def _key(problems: Path) -> str:
    """The problem file, and the code that judges."""
    digest = hashlib.sha256(hash_files([problems]).encode())
    for package in ("deepcoder.judge", "deepcoder.evaluate"):
        for file in sorted(resources.files(package).iterdir(), key=lambda each: each.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, str]:
    try:
        return {str(key): "" for key in json.loads(path.read_text())}
    except (OSError, ValueError, TypeError):
        return {}
