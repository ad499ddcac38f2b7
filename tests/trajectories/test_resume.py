"""A run that was killed, compacted and resumed ends with every problem once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from deepcoder.trajectories import read_trajectories, shards

PROBLEMS = 24
DEEPCODER = str(Path(sys.executable).with_name("deepcoder"))


@pytest.mark.slow
def test_generate_goes_on_after_a_compaction(tmp_path: Path) -> None:
    run = tmp_path / "run"
    folder = run / "trajectories"
    generate = [DEEPCODER, "generate", f"problems.train={PROBLEMS}", "generate.concurrency=2", f"run.dir={run}"]
    process = subprocess.Popen(generate, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and sum(path.read_bytes().count(b"\n") for path in shards(folder)) < 5:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    subprocess.run([DEEPCODER, "compact", str(run)], check=True, capture_output=True, timeout=120)
    assert [path.suffix for path in shards(folder)] == [".parquet"]
    done = [each.problem_id for each in read_trajectories(folder)]
    assert 5 <= len(done) < PROBLEMS
    subprocess.run(generate, check=True, capture_output=True, timeout=240)
    assert [path.suffix for path in shards(folder)] == [".parquet", ".jsonl"]
    ids = Counter(each.problem_id for each in read_trajectories(folder))
    assert set(ids.values()) == {1}
    assert len(ids) == PROBLEMS
    assert [each.problem_id for each in read_trajectories(folder)][: len(done)] == done
