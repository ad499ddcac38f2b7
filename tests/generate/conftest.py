from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.fakes.provider import KEY, FakeProvider
from tests.generate.multiplying import Generate, multiply

from deepcoder.config import AgentConfig, Config, GenerateConfig, ProblemsConfig, RunConfig, TeacherConfig
from deepcoder.generate import run
from deepcoder.runs import RunFolder


def write_problems(path: Path, count: int) -> Path:
    rows = [
        {"problem_id": f"times/{number}", "prompt": f"What is {number} * 7?", "answer": str(number * 7)}
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    with FakeProvider(multiply) as provider:
        yield provider


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "trajectories"


@pytest.fixture
def generate(server: FakeProvider, tmp_path: Path) -> Generate:
    """Runs the stage on `count` multiplications; returns its counts and what it printed."""

    def go(
        count: int = 6,
        *,
        concurrency: int = 4,
        max_failed: int = 0,
        max_steps: int = 3,
        max_cost: float | None = None,
        how: dict[str, Any] | None = None,
        **teacher: Any,
    ) -> Any:
        teacher = {"model": "vllm:qwen/qwen3-32b", "base_url": server.base_url, "max_attempts": 1} | teacher
        config = Config(
            run=RunConfig(dir=tmp_path / "run"),
            problems=ProblemsConfig(source="jsonl", path=write_problems(tmp_path / "problems.jsonl", count)),
            teacher=TeacherConfig(**teacher),
            agent=AgentConfig(max_steps=max_steps),
            generate=GenerateConfig(concurrency=concurrency, max_failed=max_failed, max_cost=max_cost, **(how or {})),
        )
        out = io.StringIO()
        return run(config, RunFolder(config), Console(file=out, width=200)), out.getvalue()

    return go
