"""A preview runs a few problems for real and leaves the run folder alone; the flags of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fakes.provider import FakeProvider
from tests.generate.conftest import write_problems
from typer.testing import CliRunner

from deepcoder.cli import app
from deepcoder.errors import BudgetSpent


@pytest.fixture
def arguments(server: FakeProvider, tmp_path: Path) -> list[str]:
    problems = write_problems(tmp_path / "problems.jsonl", 40)
    return [
        "generate", "problems.source=jsonl", f"problems.path={problems}", f"run.dir={tmp_path / 'run'}",
        "teacher.model=vllm:qwen/qwen3-32b", f"teacher.base_url={server.base_url}",
    ]  # fmt: skip


def test_a_preview_shows_what_came_and_what_the_rest_would_take(
    arguments: list[str], server: FakeProvider, tmp_path: Path
) -> None:
    wrong = "Thought: a guess\nAction: finish\nAction Input:\n-1"
    answer = server.think
    server.think = lambda messages: wrong if "What is 2 " in messages[0]["content"] else answer(messages)
    result = CliRunner().invoke(app, [*arguments, "--preview", "6"], catch_exceptions=False)
    assert result.exit_code == 0
    assert not (tmp_path / "run").exists()
    assert server.seen == 11
    for text in ("times/0", "print(5 * 7)", "Observation: 35", "answer: -1", "verified 5", "Nothing was stored"):
        assert text in result.output
    assert "all 40 problems at that rate" in result.output
    assert "measured: 1.8 requests a run" in " ".join(result.output.split())


def test_max_cost_is_a_flag(arguments: list[str], tmp_path: Path) -> None:
    prices = ["teacher.input_price=1000", "teacher.output_price=1000", "generate.concurrency=1"]
    with pytest.raises(BudgetSpent, match="max_cost is 1"):
        CliRunner().invoke(app, [*arguments, *prices, "--max-cost", "1.0"], catch_exceptions=False)
    rows = (tmp_path / "run" / "trajectories" / "shard-00000.jsonl").read_text().splitlines()
    assert 0 < len([json.loads(row) for row in rows]) < 20


def test_dry_run_is_a_flag(arguments: list[str], server: FakeProvider) -> None:
    result = CliRunner().invoke(app, [*arguments, "--dry-run"], catch_exceptions=False)
    assert "40 to run" in result.output
    assert server.seen == 0
