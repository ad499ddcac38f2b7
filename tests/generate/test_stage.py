from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.provider import FakeProvider, Refusal, Reply, too_many
from tests.generate.multiplying import Generate, multiply

from deepcoder.errors import (
    AuthenticationError,
    BudgetSpent,
    ConfigError,
    ModelUnavailable,
    ProviderDown,
    QuotaExhausted,
    StageError,
)
from deepcoder.records import Outcome, StepError
from deepcoder.trajectories import read_rejected, read_trajectories


def number_of(messages: list[dict[str, Any]]) -> int:
    return int(messages[0]["content"].rsplit("What is ", 1)[1].split()[0])


def test_every_problem_is_run_judged_and_stored_once(generate: Generate, folder: Path, server: FakeProvider) -> None:
    counts, _ = generate(6)
    assert (counts["problems"], counts["verified"], counts["rejected"], counts["failed"]) == (6, 6, 0, 0)
    stored = {each.problem_id: each for each in read_trajectories(folder)}
    assert sorted(stored) == [f"times/{number}" for number in range(6)]
    assert stored["times/5"].steps[0].observation == "35"
    assert stored["times/5"].answer == "35"
    assert stored["times/5"].model == "vllm:qwen/qwen3-32b"
    assert counts["output tokens"] == sum(step.output_tokens for each in stored.values() for step in each.steps)
    assert server.seen == 12


def test_what_is_stored_is_not_asked_again(generate: Generate, server: FakeProvider) -> None:
    generate(3)
    counts, printed = generate(5)
    assert (counts["problems"], counts["verified"]) == (5, 5)
    assert server.seen == 10
    assert "3 problems are already done" in printed


def test_rejections_are_counted_by_reason_and_stored_apart(
    generate: Generate, folder: Path, server: FakeProvider
) -> None:
    def think(messages: list[dict[str, Any]]) -> str:
        match number_of(messages):
            case 0:
                return "Thought: a guess\nAction: finish\nAction Input:\n999"
            case 1:
                return multiply(messages[:1])  # again and again
            case 2:
                return "I would rather talk."
        return multiply(messages)

    server.think = think
    counts, _ = generate(5)
    assert (counts["verified"], counts["rejected"]) == (2, 3)
    assert (counts["rejected wrong"], counts["rejected max_steps"], counts["rejected max_steps/no_action"]) == (1, 1, 1)
    rejected = {each.problem_id: each for each in read_rejected(folder)}
    assert rejected["times/0"].verdict is not None
    assert rejected["times/0"].verdict.outcome is Outcome.WRONG
    assert {step.error for step in rejected["times/2"].steps} == {StepError.NO_ACTION}
    assert {each.problem_id for each in read_trajectories(folder)} == {"times/3", "times/4"}
    asked = server.seen
    assert generate(5)[0] == counts
    assert server.seen == asked


def test_a_failed_problem_is_tried_again_at_the_end(generate: Generate, server: FakeProvider) -> None:
    server.script.append(Refusal(500))
    counts, _ = generate(4)
    assert (counts["verified"], counts["failed"]) == (4, 0)


def test_a_problem_that_fails_twice_is_left_for_the_next_session(
    generate: Generate, folder: Path, server: FakeProvider
) -> None:
    server.fault = lambda body, _: Refusal(500) if number_of(body["messages"]) == 2 else None
    with pytest.raises(StageError, match="1 problems failed") as caught:
        generate(4)
    assert "max_failed=1" in caught.value.hint
    assert generate(4, max_failed=1)[0]["failed"] == 1
    server.fault = None
    counts, _ = generate(4)
    assert (counts["verified"], counts["failed"]) == (4, 0)
    assert len(list(read_trajectories(folder))) == 4


def test_a_provider_that_is_down_stops_the_run(generate: Generate, folder: Path, server: FakeProvider) -> None:
    server.fault = lambda body, number: Refusal(503, "maintenance") if number > 8 else None
    with pytest.raises(ProviderDown, match="maintenance"):
        generate(100, concurrency=4, max_outage_s=0)
    assert server.seen < 30
    assert len(list(read_trajectories(folder))) <= 4


def test_a_daily_quota_stops_the_run_and_loses_nothing(generate: Generate, folder: Path, server: FakeProvider) -> None:
    server.fault = lambda body, number: too_many(40_000) if number > 10 else None
    with pytest.raises(QuotaExhausted, match="11 h 7 min") as caught:
        generate(40)
    assert "max_wait_s" in caught.value.hint
    assert server.seen < 20
    server.fault = None
    counts, _ = generate(40)
    assert counts["verified"] == 40
    assert server.answered == 80  # none was asked twice


def test_a_cost_limit_needs_prices(generate: Generate) -> None:
    with pytest.raises(ConfigError, match="prices"):
        generate(2, max_cost=1.0)


def test_the_requests_under_way_at_the_cost_limit_are_kept(generate: Generate, server: FakeProvider) -> None:
    prices = {"input_price": 1000.0, "output_price": 1000.0}
    with pytest.raises(BudgetSpent):
        generate(20, concurrency=4, max_cost=1.0, **prices)
    generate(20, **prices)
    assert server.answered == 40


@pytest.mark.parametrize("when", ["preflight", "later"])
def test_a_refused_key_stops_the_run(when: str, generate: Generate, folder: Path, server: FakeProvider) -> None:
    if when == "preflight":
        server.key = "another"
    else:
        server.fault = lambda body, number: Refusal(401, "revoked") if number > 8 else None
    with pytest.raises(AuthenticationError, match="VLLM_API_KEY"):
        generate(100)
    assert len(list(read_trajectories(folder))) <= 4


def test_a_model_that_is_gone_stops_the_run(generate: Generate) -> None:
    with pytest.raises(ModelUnavailable, match="deepseek-r1"):
        generate(2, model="vllm:deepseek-r1")


def test_nothing_verified_is_an_error(generate: Generate, server: FakeProvider) -> None:
    server.think = lambda messages: "Thought: x\nAction: finish\nAction Input:\n-1"
    with pytest.raises(StageError, match="wrong 2"):
        generate(2)


@pytest.mark.parametrize("mode", ["record", "thought"])
def test_reasoning_is_recorded_or_becomes_the_thought(
    mode: str, generate: Generate, folder: Path, server: FakeProvider
) -> None:
    server.think = lambda messages: Reply(multiply(messages), reasoning="Let me see.\nAction: maybe\nyes")
    generate(1, reasoning=mode)
    (row,) = [json.loads(line) for line in (folder / "shard-00000.jsonl").read_text().splitlines()]
    assert row["steps"][0]["reasoning"] == "Let me see.\nAction: maybe\nyes"
    said = row["messages"][1]["content"]
    expected = "multiply" if mode == "record" else "Let me see.\nAction - maybe\nyes"
    assert said.startswith(f"Thought: {expected}\nAction: execute_python\n")


def test_the_expert_needs_solutions(generate: Generate) -> None:
    with pytest.raises(ModelUnavailable, match="times/0"):
        generate(2, model="expert", base_url=None)


def test_what_was_paid_for_is_not_asked_again(generate: Generate, server: FakeProvider) -> None:
    """The second step of every run fails for good: the next session asks for second steps only."""
    server.fault = lambda body, _: Refusal(500) if len(body["messages"]) > 1 else None
    with pytest.raises(StageError, match="3 problems failed"):
        generate(3)
    server.fault = None
    server.requests.clear()
    counts, _ = generate(3)
    assert counts["verified"] == 3
    assert [len(body["messages"]) for body in server.requests] == [3, 3, 3]
    assert counts["requests"] == 6


def test_a_run_stops_at_its_cost_and_goes_on_when_it_may(generate: Generate, folder: Path) -> None:
    prices = {"input_price": 1000.0, "output_price": 1000.0}
    with pytest.raises(BudgetSpent, match="max_cost is 1"):
        generate(20, concurrency=1, max_cost=1.0, **prices)
    some = len(list(read_trajectories(folder)))
    assert 0 < some < 20
    counts, _ = generate(20, **prices)
    assert counts["verified"] == 20
    assert float(counts["cost"]) > 1
