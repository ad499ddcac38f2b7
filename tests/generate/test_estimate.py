"""What a generation will take: the arithmetic, and what the command says of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.fakes.provider import FakeProvider
from tests.generate.conftest import write_problems
from tests.generate.multiplying import Generate

from deepcoder.config import AgentConfig, Config, GenerateConfig, ProblemsConfig, RunConfig, TeacherConfig
from deepcoder.generate.estimate import Shape, assumed, dry_run, measured, work
from deepcoder.models.ledger import Prices, Spent
from deepcoder.models.limits import Limits, limits_of

DryRun = Callable[..., str]


@pytest.fixture
def estimate(server: FakeProvider, tmp_path: Path) -> DryRun:
    def go(count: int = 100, *, max_cost: float | None = None, **teacher: Any) -> str:
        config = Config(
            run=RunConfig(dir=tmp_path / "run"),
            problems=ProblemsConfig(source="jsonl", path=write_problems(tmp_path / "problems.jsonl", count)),
            teacher=TeacherConfig(**{"model": "vllm:qwen/qwen3-32b", "base_url": server.base_url} | teacher),
            agent=AgentConfig(max_steps=3),
            generate=GenerateConfig(max_cost=max_cost),
        )
        out = io.StringIO()
        dry_run(config, Console(file=out, width=200))
        return out.getvalue()

    return go


def test_every_step_sends_what_was_said_before_it() -> None:
    assert assumed(100, 3, 40, 10) == Shape(3, 100 + 150 + 200, 120)
    assert assumed(100, 1, 40, 10) == Shape(1, 100, 40)


def test_measured_shares() -> None:
    spent = Spent(requests=30, input_tokens=9000, output_tokens=600, cached_tokens=3000, seconds=60.0)
    assert measured(spent, 10) == Shape(3, 900, 60, 300, 2.0)
    assert measured(spent, 2) is None
    assert measured(Spent(), 10) is None


def test_hours_are_those_of_the_tightest_limit() -> None:
    limits = Limits(requests_per_minute=30, tokens_per_minute=6000)
    assert limits.hours(1800, 0) == pytest.approx(1)
    assert limits.hours(1800, 720_000) == pytest.approx(2)
    assert Limits(requests_per_day=1000).hours(1000, 0) == 0
    assert Limits(requests_per_day=1000).hours(2001, 0) == 48
    assert Limits(tokens_per_day=100).hours(1, 150) == 24
    assert Limits().hours(1, 1) is None


def test_cached_tokens_cost_and_count_as_the_provider_has_it() -> None:
    shape = Shape(2, 1000, 100, 400, seconds=3.0)
    took = work(shape, 60, Prices(1.0, 10.0, cached=0.5), Limits(tokens_per_minute=700), concurrency=10)
    assert took.cost == pytest.approx((600 * 1 + 400 * 0.5 + 100 * 10) * 60 / 1e6)
    assert took.hours == pytest.approx(1)  # 42,000 tokens that count
    slow = work(shape, 6000, Prices(), Limits(), concurrency=10)
    assert slow.hours == pytest.approx(12_000 * 3 / 10 / 3600)


@given(st.dictionaries(st.sampled_from(["x-ratelimit-limit-requests", "x-ratelimit-limit-tokens"]), st.text()))
def test_any_headers(headers: dict[str, str]) -> None:
    limits_of(headers, 60)


def test_a_dry_run_asks_nothing_and_writes_nothing(estimate: DryRun, server: FakeProvider, tmp_path: Path) -> None:
    said = estimate(requests_per_minute=30, input_price=2.0, output_price=10.0, max_cost=0.1)
    assert server.seen == 0
    assert not (tmp_path / "run").exists()
    for text in (
        "100 problems, 0 done, 100 to run", "nothing is measured yet: 3 steps", "30 requests per minute (config)",
        "10 min", "at most: every run takes 3 steps", "max_cost=0.1 ends the run at",
    ):  # fmt: skip
        assert text in said
    assert ["requests", "300", "300"] in [line.split() for line in said.splitlines()]


def test_what_is_stored_is_measured_and_not_counted_again(
    estimate: DryRun, generate: Generate, server: FakeProvider
) -> None:
    generate(20)
    said = estimate(100)
    assert "100 problems, 20 done, 80 to run" in said
    assert "measured: 2.0 requests a run" in said
    assert ["requests", "160", "240"] in [line.split() for line in said.splitlines()]
    assert "no limits are known: set teacher.requests_per_minute" in said
    assert server.seen == 40


def test_limits_come_from_the_headers_where_the_config_has_none(
    estimate: DryRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(tokens_limit=(6000, 60)) as server:
        assert "6,000 tokens per minute (headers)" in estimate(base_url=server.base_url)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    assert "was not asked for its limits" in estimate(model="groq:x", base_url=None)


def test_the_expert_costs_nothing(estimate: DryRun) -> None:
    assert "no cost" in estimate(model="expert", base_url=None)


def test_problems_of_a_benchmark_are_left_out_of_the_estimate(tmp_path: Path) -> None:
    row = {"text": "Write a function.", "code": "def f(): pass", "test_list": ["assert f() is None"]}
    rows = [row | {"task_id": n} for n in (5, 11, 600)]
    path = tmp_path / "mbpp.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = io.StringIO()
    config = Config(run=RunConfig(dir=tmp_path / "run"), problems=ProblemsConfig(source="mbpp", path=path))
    dry_run(config, Console(file=out, width=200))
    assert "2 problems, 0 done, 2 to run" in out.getvalue()
    assert "1 more are left out" in out.getvalue()
