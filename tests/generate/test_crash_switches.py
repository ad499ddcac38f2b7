"""kill -9 with every switch on: the final set is the undisturbed one, and only requests in flight are paid again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.provider import KEY
from tests.fakes.stumbling import StumblingProvider
from tests.generate.conftest import write_problems

from deepcoder.trajectories import read_rejected, read_trajectories

PROBLEMS, CONCURRENCY = 24, 3


def command(run: Path, problems: Path, server: StumblingProvider) -> list[str]:
    settings = [
        "problems.source=jsonl", f"problems.path={problems}", "teacher.model=vllm:qwen/qwen3-32b",
        f"teacher.base_url={server.base_url}", "teacher.seed=5", "teacher.reasoning=drop", "generate.attempts=3",
        "generate.keep=shortest", "generate.attempt_temperature=1.1", "generate.corrections=1",
        "generate.first_thought=ask", f"generate.concurrency={CONCURRENCY}", "sandbox.workers=1", f"run.dir={run}",
    ]  # fmt: skip
    return [str(Path(sys.executable).with_name("deepcoder")), "generate", *settings]


def result(run: Path) -> dict[str, tuple[Any, ...]]:
    said: dict[str, tuple[Any, ...]] = {}
    folder = run / "trajectories"
    for each in (*read_trajectories(folder), *read_rejected(folder)):
        assert each.problem_id not in said, "stored twice"
        said[each.problem_id] = (each.trajectory_id, each.verified, each.effort, tuple(each.messages()))
    return said


def asked(server: StumblingProvider) -> Counter[str]:
    """How often each request came."""
    keys = ("messages", "seed", "temperature")
    return Counter(json.dumps([body.get(key) for key in keys]) for body in server.requests)


@pytest.mark.slow
def test_kill_9_with_every_switch_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    problems = write_problems(tmp_path / "problems.jsonl", PROBLEMS)
    with StumblingProvider(latency_s=0.02) as server:
        whole, cut = tmp_path / "whole", tmp_path / "cut"
        subprocess.run(command(whole, problems, server), check=True, capture_output=True, timeout=240)
        undisturbed, once = result(whole), asked(server)
        assert len(undisturbed) == PROBLEMS
        server.requests.clear()
        kills = int(os.environ.get("DEEPCODER_KILLS", "3"))
        for at in sorted(random.Random(3).sample(range(5, sum(once.values()) - 10), kills)):
            process = subprocess.Popen(
                command(cut, problems, server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while process.poll() is None and len(server.requests) < at:
                time.sleep(0.001)
            assert process.poll() is None, "it ended before it was killed"
            os.kill(process.pid, signal.SIGKILL)
            process.wait(timeout=60)
        subprocess.run(command(cut, problems, server), check=True, capture_output=True, timeout=240)
        again = asked(server)
    assert result(cut) == undisturbed
    assert again.keys() == once.keys()
    assert again.total() - once.total() <= kills * CONCURRENCY
