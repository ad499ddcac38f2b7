"""A provider with limits that fails in every way it can: every solvable problem ends up stored exactly once."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.clock import fast_clock
from tests.fakes.provider import CutBody, FakeProvider, Fault, Garbage, Refusal, Reply, Reset, too_many
from tests.generate.multiplying import Generate, multiply

from deepcoder.generate.quality import was_cut
from deepcoder.trajectories import read_rejected, read_trajectories

COUNT = int(os.environ.get("DEEPCODER_FAULT_PROBLEMS", "120"))
SPEED = 200.0  # a minute of the provider's time in 0.3 s
FAULTS: list[Fault] = [
    too_many(2), too_many(65), Refusal(500), Refusal(503), Refusal(498, "capacity"), Reset(), CutBody(), Garbage(),
    Reply(""), Reply("Thought: cut o", finish_reason="length"),
]  # fmt: skip


def talkative(messages: list[dict[str, Any]]) -> str:
    """Goes on after its action with an observation and an answer that it made up."""
    text = multiply(messages)
    return f"{text}\n\nObservation: 1\nThought: so\nAction: finish\nAction Input:\n1" if "print(" in text else text


def test_every_solvable_problem_exactly_once(
    generate: Generate, folder: Path, server: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    server.think = talkative
    server.keep_requests = False
    server.fault = lambda body, number: chance.choice(FAULTS) if chance.random() < 0.15 else None
    clock = fast_clock(SPEED)
    monkeypatch.setattr("deepcoder.models.providers.Clock", lambda: clock)
    counts, _ = generate(COUNT, concurrency=16, max_attempts=8, max_steps=10)
    # A reply that the token limit cut off is no fault of the transport: its run is kept apart.
    cut = {each.problem_id for each in read_rejected(folder) if any(map(was_cut, each.steps))}
    assert (counts["verified"], counts["failed"]) == (COUNT - len(cut), 0)
    assert counts.get("rejected truncated", 0) == counts["rejected"] == len(cut)
    ids = Counter(each.problem_id for each in read_trajectories(folder))
    assert len(ids) == COUNT - len(cut)
    assert set(ids.values()) == {1}
    assert not cut & ids.keys()
