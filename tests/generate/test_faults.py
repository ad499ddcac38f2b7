"""A provider with limits that fails in every way it can: every solvable problem ends up stored exactly once."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.clock import fast_clock
from tests.fakes.provider import (
    Bucket,
    CutBody,
    Drip,
    FakeProvider,
    Fault,
    Garbage,
    Refusal,
    Reply,
    Reset,
    decommissioned,
    too_many,
)
from tests.generate.multiplying import Generate, multiply

from deepcoder.errors import ModelUnavailable
from deepcoder.models.clock import Clock
from deepcoder.records import Outcome
from deepcoder.trajectories import read_rejected, read_trajectories

COUNT = int(os.environ.get("DEEPCODER_FAULT_PROBLEMS", "100"))
UNSOLVABLE = {f"times/{number}" for number in range(0, COUNT, 25)}
SPEED = 200.0  # a minute of the provider's time in 0.3 s
MODEL = "qwen/qwen3-32b"
FAULTS: list[Fault] = [
    too_many(2), too_many(65), too_many(None), Refusal(500), Refusal(502), Refusal(503), Refusal(498, "capacity"),
    Reset(), CutBody(), Garbage(), Garbage(b"{}", "application/json"),
    Reply(""),
]  # fmt: skip
DRIPS = {40 * (each + 1) for each in range(max(2, COUNT // 100))}  # each costs a time limit of real time


class Naughty:
    """One request in seven goes wrong; some drip; half-way the model is gone for good. Counts what it did."""

    def __init__(self, gone_at: int) -> None:
        self.chance = random.Random(1)
        self.gone_at: int | None = gone_at
        self.done: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any], number: int) -> Fault | None:
        fault: Fault | None = None
        if self.gone_at is not None and number >= self.gone_at:
            fault = decommissioned(MODEL)
        elif number in DRIPS:
            fault = Drip(0.05)
        elif self.chance.random() < 0.15:
            fault = self.chance.choice(FAULTS)
        if fault is not None:
            self.done[str(fault)] += 1
        return fault


def talkative(messages: list[dict[str, Any]]) -> str:
    """Goes on after its action with an observation and an answer that it made up; guesses some problems wrong."""
    number = int(messages[0]["content"].rsplit("What is ", 1)[1].split()[0])
    if f"times/{number}" in UNSOLVABLE:
        return "Thought: a guess\nAction: finish\nAction Input:\n-1"
    text = multiply(messages)
    return f"{text}\n\nObservation: 1\nThought: so\nAction: finish\nAction Input:\n1" if "print(" in text else text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = fast_clock(SPEED)
    monkeypatch.setattr("deepcoder.models.providers.Clock", lambda: clock)
    return clock


@pytest.mark.slow
def test_every_solvable_problem_exactly_once(
    generate: Generate, folder: Path, server: FakeProvider, clock: Clock
) -> None:
    server.think, server.keep_requests = talkative, False
    server.fault = naughty = Naughty(gone_at=COUNT)
    server.buckets = {"requests": Bucket(900, 60, clock.now), "tokens": Bucket(60_000, 60, clock.now)}
    settings = {"concurrency": 16, "max_attempts": 8, "max_steps": 10, "timeout_s": 2.0}

    with pytest.raises(ModelUnavailable, match="decommissioned") as caught:
        generate(COUNT, **settings)
    assert "openai/gpt-oss-120b" in caught.value.hint
    naughty.gone_at = None
    counts, _ = generate(COUNT, **settings)

    assert (counts["verified"], counts["failed"]) == (COUNT - len(UNSOLVABLE), 0)
    stored = Counter(each.problem_id for each in read_trajectories(folder))
    assert set(stored.values()) == {1}
    assert stored.keys() == {f"times/{number}" for number in range(COUNT)} - UNSOLVABLE
    rejected = [(each.problem_id, each.verdict.outcome) for each in read_rejected(folder) if each.verdict]
    assert sorted(rejected) == sorted((problem_id, Outcome.WRONG) for problem_id in UNSOLVABLE)
    # The server really did all of it.
    assert naughty.done.keys() >= {str(fault) for fault in [decommissioned(MODEL), Drip(0.05)]}
    assert len(naughty.done) >= (len(FAULTS) + 2 if COUNT >= 1000 else len(FAULTS) - 1)
    # Hardly an answer was made twice: after faulty ones, and where a busy machine ran into the time limit.
    faulty = sum(number for name, number in naughty.done.items() if name.startswith("Reply"))
    assert server.answered <= 2 * COUNT - len(UNSOLVABLE) + faulty + COUNT // 25


def test_an_exhausted_token_budget_is_paced_not_failed(
    generate: Generate, folder: Path, server: FakeProvider, clock: Clock
) -> None:
    """Ten times what the bucket holds: what the headers tell keeps nearly all requests from being refused."""
    server.buckets = {"tokens": Bucket(3000, 60, clock.now)}
    counts, _ = generate(30, concurrency=8, max_steps=4)
    assert counts["verified"] == 30
    assert int(counts["input tokens"]) + int(counts["output tokens"]) > 10_000
    assert server.refused <= 15
