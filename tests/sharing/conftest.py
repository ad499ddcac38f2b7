from __future__ import annotations

from pathlib import Path

import pytest
from tests.trajectories.made import made

from deepcoder.config import load_config
from deepcoder.records import Step
from deepcoder.runs import RunFolder
from deepcoder.trajectories import ShardWriter

UNREAD = Step(thought="", action="", input="", raw="Hm.", observation="Write an action.", error="no_action")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three verified trajectories, one of them with a step that could not be read, and a rejected one."""
    config = load_config(None, [f"run.dir={tmp_path / 'run'}", "student.instructions=short"])
    folder = RunFolder(config)
    manifest = folder.begin("generate", "input")
    with ShardWriter(folder.stage("generate")) as writer:
        writer.add(made("a", family="dates", model="groq:r1"))
        writer.add(made("b", family="sums", model="groq:r1", steps=(UNREAD, *made("x").steps)))
        writer.add(made("c", family="sums", model="expert", text="lone \ud800"))
        writer.reject(made("d", passed=False))
    folder.finish(manifest, {"verified": 3, "rejected": 1, "rejected wrong": 1}, "hash", 1.0)
    return config.run.dir
