"""Two workers on a local Ray cluster end with what one process ends with, within one provider's limits."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.fakes.clock import JumpClock
from tests.fakes.provider import KEY, FakeProvider
from tests.generate.conftest import write_problems
from tests.generate.multiplying import multiply

from deepcoder.config import load_config
from deepcoder.errors import BudgetSpent, ConfigError, RateLimited
from deepcoder.generate import run
from deepcoder.models.ledger import LEDGER
from deepcoder.models.pacing import Pacer
from deepcoder.runs import RunFolder
from deepcoder.trajectories import read_trajectories

PROBLEMS = 60


# --- what needs no Ray ----------------------------------------------------------------------------


async def test_a_share_of_the_limits_is_taken_of_headers_and_of_what_is_stated() -> None:
    halves = [Pacer(clock=JumpClock().clock, requests_per_minute=120, share=0.5) for _ in range(2)]
    for half in halves:
        assert half.stated_requests.per_minute == 60
        assert half.stated_requests.limit == 120 / 12 / 2
        async with half.slot() as ticket:
            half.observe(
                ticket,
                {
                    "x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "40",
                    "x-ratelimit-reset-requests": "60s",
                },
            )  # fmt: skip
    assert sum(half.requests.available(0) for half in halves) == 40
    assert sum(half.requests.rate for half in halves) == pytest.approx(1, rel=0.01)


def test_without_the_package_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    config = load_config(None, [f"run.dir={tmp_path}", "problems.train=2", "generate.workers_ray=2"])
    with pytest.raises(ConfigError, match="needs the package ray"):
        run(config, RunFolder(config), Console(file=io.StringIO()))


def test_errors_cross_from_a_worker_with_all_that_they_say() -> None:
    import pickle

    spent = pickle.loads(pickle.dumps(BudgetSpent("too much", hint="stop")))
    assert (spent.message, spent.hint) == ("too much", "stop")
    limited = pickle.loads(pickle.dumps(RateLimited("slow down", retry_after=65.0, hint="wait")))
    assert (limited.message, limited.retry_after, limited.hint) == ("slow down", 65.0, "wait")


# --- a local cluster of two workers -----------------------------------------------------------------


def command(run: Path, *overrides: str) -> list[str]:
    settings = [f"run.dir={run}", "generate.concurrency=2", "sandbox.workers=1", *overrides]
    return [str(Path(sys.executable).with_name("deepcoder")), "generate", *settings]


def finish(run: Path, *overrides: str) -> str:
    done = subprocess.run(command(run, *overrides), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def result(run: Path) -> dict[str, tuple[str, ...]]:
    said: dict[str, tuple[str, ...]] = {}
    for each in read_trajectories(run / "trajectories"):
        assert each.problem_id not in said, "stored twice"
        said[each.problem_id] = tuple(message.content for message in each.messages())
    return said


def stored(run: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (run / "trajectories").glob("shard-*.jsonl"))


@pytest.mark.slow
def test_two_workers_killed_and_resumed_end_with_the_set_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    finish(tmp_path / "one", f"problems.train={PROBLEMS}")
    whole = result(tmp_path / "one")
    assert len(whole) == PROBLEMS
    two, settings = tmp_path / "two", (f"problems.train={PROBLEMS}", "generate.workers_ray=2")
    process = subprocess.Popen(command(two, *settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while process.poll() is None and stored(two) < 7:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert 7 <= stored(two) < PROBLEMS
    finish(two, *settings)
    assert result(two) == whole


@pytest.mark.slow
def test_two_workers_keep_to_one_providers_limit_and_to_one_ledger(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    arrivals: list[float] = []

    def noted(body: dict[str, Any], number: int) -> None:
        arrivals.append(time.monotonic())

    path = write_problems(tmp_path / "problems.jsonl", 20)
    settings = [
        "problems.source=jsonl", f"problems.path={path}", "generate.workers_ray=2", "generate.concurrency=4",
        "teacher.model=vllm:qwen/qwen3-32b", "teacher.requests_per_minute=240", "generate.quality.enabled=false",
        "teacher.input_price=1", "teacher.output_price=1",
    ]  # fmt: skip
    with FakeProvider(multiply, fault=noted) as server:
        os.environ["VLLM_API_KEY"] = KEY
        try:
            # Enough for some requests: the ledger's sum ends the run in whichever worker asks next.
            first = subprocess.run(
                command(tmp_path / "run", *settings, f"teacher.base_url={server.base_url}", "generate.max_cost=0.002"),
                capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            before = len(arrivals)
            finish(tmp_path / "run", *settings, f"teacher.base_url={server.base_url}")
        finally:
            del os.environ["VLLM_API_KEY"]
    assert first.returncode == 1
    assert "generate.max_cost is 0.002" in first.stdout + first.stderr
    assert 0 < before < 40
    assert len(result(tmp_path / "run")) == 20
    assert len(arrivals) == 40, "two requests a problem, none of them paid twice"
    second = arrivals[before:]
    for number, at in enumerate(second, start=1):
        assert number <= 240 / 12 + 4 * (at - second[0]) + 4  # what is allowed at once, then four a second
    manifest = json.loads((tmp_path / "run" / "trajectories" / "manifest.json").read_text())
    assert manifest["counts"]["requests"] == 40
    assert manifest["counts"]["cost"] > 0.002
    with closing(sqlite3.connect(tmp_path / "run" / "trajectories" / LEDGER)) as database:
        assert database.execute("SELECT count(*) FROM requests WHERE status = 'answered'").fetchone() == (40,)
