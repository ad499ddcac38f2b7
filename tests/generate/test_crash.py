"""kill -9 and Ctrl-C at any moment: what the next session ends with is what an undisturbed one has.

The teacher is a server of this process, so that what is asked twice can be counted where it is paid for.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.provider import KEY, FakeProvider
from tests.generate.conftest import write_problems
from tests.generate.multiplying import multiply

from deepcoder.trajectories import read_trajectories

KILLS = int(os.environ.get("DEEPCODER_KILLS", "3"))
PROBLEMS = max(40, 12 * KILLS)
CONCURRENCY = 3
STEPS = 2  # requests a problem

Result = dict[str, tuple[str, ...]]


@pytest.fixture
def teacher() -> Iterator[FakeProvider]:
    with FakeProvider(multiply, latency_s=0.01) as provider:
        yield provider


def session(run: Path, teacher: FakeProvider) -> subprocess.Popen[bytes]:
    settings = [
        "problems.source=jsonl", f"problems.path={write_problems(run.with_suffix('.jsonl'), PROBLEMS)}",
        f"teacher.model=vllm:{teacher.models[0]}", f"teacher.base_url={teacher.base_url}",
        f"generate.concurrency={CONCURRENCY}", f"run.dir={run}",
    ]  # fmt: skip
    command = [str(Path(sys.executable).with_name("deepcoder")), "generate", *settings]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"VLLM_API_KEY": KEY}
    )


def finish(run: Path, teacher: FakeProvider) -> Result:
    process = session(run, teacher)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output.decode()
    said: Result = {}
    for each in read_trajectories(run / "trajectories"):
        assert each.problem_id not in said, "stored twice"
        said[each.problem_id] = tuple(message.content for message in each.messages())
    return said


def disturb(run: Path, teacher: FakeProvider, at: int, number: signal.Signals) -> tuple[int, bytes]:
    """Start a session and send it a signal once the server has been asked `at` times in all."""
    process = session(run, teacher)
    while process.poll() is None and teacher.seen < at:
        time.sleep(0.0005)
    time.sleep(random.Random(at).uniform(0, 0.02))  # anywhere between two requests
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def asked_twice(teacher: FakeProvider) -> int:
    chats = Counter(json.dumps(body["messages"]) for body in teacher.requests)
    return sum(chats.values()) - len(chats)


def undisturbed(tmp_path: Path) -> Result:
    with FakeProvider(multiply) as other:
        return finish(tmp_path / "whole", other)


@pytest.mark.slow
def test_kill_9_at_random_moments(teacher: FakeProvider, tmp_path: Path) -> None:
    run = tmp_path / "run"
    last = PROBLEMS * STEPS - CONCURRENCY * STEPS * 2
    for at in sorted(random.Random(7).sample(range(1, last), KILLS)):
        code, output = disturb(run, teacher, at, signal.SIGKILL)
        assert code == -signal.SIGKILL, output.decode()
    result = finish(run, teacher)
    assert result == undisturbed(tmp_path)
    assert len(result) == PROBLEMS
    assert asked_twice(teacher) <= KILLS * CONCURRENCY  # those in flight


@pytest.mark.slow
def test_ctrl_c_leaves_what_the_next_session_finishes(teacher: FakeProvider, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, output = disturb(run, teacher, 12, signal.SIGINT)
    assert code == 130
    assert b"goes on from there" in output
    assert len(finish(run, teacher)) == PROBLEMS
    assert asked_twice(teacher) <= CONCURRENCY
