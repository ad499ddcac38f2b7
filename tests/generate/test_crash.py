"""kill -9 and Ctrl-C at any moment: what the next session ends with is what an undisturbed one has."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepcoder.trajectories import read_trajectories

PROBLEMS = 48


def command(run: Path) -> list[str]:
    settings = [f"problems.train={PROBLEMS}", "generate.concurrency=3", f"run.dir={run}"]
    return [str(Path(sys.executable).with_name("deepcoder")), "generate", *settings]


def finish(run: Path) -> None:
    subprocess.run(command(run), check=True, capture_output=True, timeout=240)


def result(run: Path) -> dict[str, tuple[str, ...]]:
    said = {}
    for each in read_trajectories(run / "trajectories"):
        assert each.problem_id not in said, "stored twice"
        said[each.problem_id] = tuple(message.content for message in each.messages())
    return said


def stored(run: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (run / "trajectories").glob("shard-*.jsonl"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    run = tmp_path_factory.mktemp("whole") / "run"
    finish(run)
    whole = result(run)
    assert len(whole) == PROBLEMS
    return whole


def disturb(run: Path, at: int, number: signal.Signals) -> tuple[int, bytes]:
    """Start a session and send it a signal once `at` trajectories are stored; its exit code and output."""
    process = subprocess.Popen(command(run), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while process.poll() is None and stored(run) < at:
        time.sleep(0.001)
    if process.poll() is None:
        os.kill(process.pid, number)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


@pytest.mark.slow
def test_kill_9_at_random_moments(undisturbed: dict[str, tuple[str, ...]], tmp_path: Path) -> None:
    run = tmp_path / "run"
    moments = sorted(random.Random(7).sample(range(1, PROBLEMS - 12), int(os.environ.get("DEEPCODER_KILLS", "3"))))
    for at in moments:
        code, _ = disturb(run, at, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert at <= stored(run) < PROBLEMS
    finish(run)
    assert result(run) == undisturbed


@pytest.mark.slow
def test_ctrl_c_leaves_what_the_next_session_finishes(undisturbed: dict[str, tuple[str, ...]], tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, output = disturb(run, 5, signal.SIGINT)
    assert code == 130
    assert b"goes on from there" in output
    assert 5 <= len(result(run)) < PROBLEMS
    finish(run)
    assert result(run) == undisturbed
