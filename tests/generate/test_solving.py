"""The switches that spend more on a problem, over the provider's protocol, with a teacher whose chances are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.provider import KEY, Refusal, Reply
from tests.fakes.stumbling import Chances, StumblingProvider
from tests.generate.multiplying import Generate, multiply

from deepcoder.errors import ConfigError, ProviderDown, StageError
from deepcoder.records import Effort, StepError, Trajectory
from deepcoder.trajectories import read_rejected, read_trajectories

COUNT = 24
Sent = list[dict[str, Any]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StumblingProvider]:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    with StumblingProvider() as provider:
        yield provider


def runs(folder: Path) -> dict[str, Trajectory]:
    """All stored runs by problem."""
    return {each.problem_id: each for each in (*read_trajectories(folder), *read_rejected(folder))}


def question(messages: Sent) -> str:
    return str(messages[0]["content"]).rsplit("What is ", 1)[1].split("?")[0]


def test_a_plain_run_says_nothing_of_effort(generate: Generate, folder: Path) -> None:
    generate(COUNT, seed=1)
    stored = runs(folder)
    assert len(stored) == COUNT
    assert {each.effort for each in stored.values()} == {None}


def test_attempts_end_at_the_first_good_run(generate: Generate, folder: Path, server: StumblingProvider) -> None:
    counts, _ = generate(COUNT, how={"attempts": 4}, seed=1)
    stored = runs(folder)
    assert all(each.effort is not None for each in stored.values())
    efforts = {key: each.effort or Effort() for key, each in stored.items()}
    for key, each in stored.items():
        if each.verified:
            assert efforts[key].attempts == efforts[key].attempt + 1
        else:
            assert (efforts[key].attempts, efforts[key].attempt) == (4, 0)
    assert max(effort.attempts for effort in efforts.values()) > 1
    seeds = Counter(body["seed"] for body in server.requests)
    assert set(seeds) == {1, 2, 3, 4}
    assert seeds[1] > seeds[2] > seeds[4] > 0
    assert counts["requests"] == server.seen


def test_more_attempts_verify_what_probability_says(generate: Generate, server: StumblingProvider) -> None:
    """One attempt passes with p, one of four with 1 - (1 - p)^4; the tolerance is three deviations."""
    server.chances = Chances(error=0.1, wrong=0.4, misread=0.1)
    count = 60
    chances = [server.chances.passing(f"What is {number} * 7?", 3) for number in range(count)]
    some = [1 - (1 - chance) ** 4 for chance in chances]
    spread = sum(chance * (1 - chance) for chance in some) ** 0.5
    counts, _ = generate(count, how={"attempts": 4, "duplicates": {"enabled": False}}, seed=3)
    assert abs(int(counts["verified"]) - sum(some)) < 3 * spread
    assert int(counts["verified"]) > sum(chances) + 3 * spread


def test_the_shortest_good_attempt_is_kept(generate: Generate, folder: Path, server: StumblingProvider) -> None:
    server.chances = Chances(error=0.25, wrong=0.0, misread=0.0)
    generate(COUNT, how={"attempts": 4, "keep": "shortest"}, max_steps=5, seed=1)
    stored = runs(folder)
    assert all((each.effort or Effort()).attempts == 4 for each in stored.values())
    # A program that fails makes a run of three steps; where any of four attempts had none, two are kept.
    lengths = Counter(len(each.steps) for each in stored.values() if each.verified)
    assert lengths[2] > 0.85 * COUNT
    assert any((each.effort or Effort()).attempt > 0 for each in stored.values())


def test_later_attempts_have_their_own_temperature(generate: Generate, server: StumblingProvider) -> None:
    generate(12, how={"attempts": 3, "attempt_temperature": 1.2}, temperature=0.0, seed=1)
    of_seed = {body["seed"]: body["temperature"] for body in server.requests}
    assert of_seed == {1: 0.0, 2: 1.2, 3: 1.2}


def test_attempts_without_seeds_are_paid_for_apart(generate: Generate, server: StumblingProvider) -> None:
    """The same request twice, no seed: the ledger must not answer the second attempt with the first one's words."""
    server.reply = lambda body: "Thought: x\nAction: finish\nAction Input:\n-1"  # type: ignore[method-assign]
    with pytest.raises(StageError, match="wrong 2"):
        generate(2, how={"attempts": 3})
    assert server.seen == 6
    with pytest.raises(StageError, match="wrong 2"):
        generate(2, how={"attempts": 3})
    assert server.seen == 6


def test_a_corrected_run_goes_on_from_its_first_failing_step(
    generate: Generate, folder: Path, server: StumblingProvider
) -> None:
    server.chances = Chances(error=0.25, wrong=0.25)
    counts, _ = generate(48, how={"corrections": 2}, max_steps=6, seed=1)
    stored = runs(folder)
    corrected = {key: each for key, each in stored.items() if each.verified and each.effort and each.effort.corrections}
    assert corrected
    for each in corrected.values():
        assert each.effort is not None
        assert each.effort.corrected_from is not None
        before = each.steps[: each.effort.corrected_from]
        # What was kept of the first run is there because its failure can be seen.
        assert all(step.error is StepError.TOOL_FAILED for step in before[-1:])
        assert not any("For your next step only" in message.content for message in each.messages())
    assert {(each.effort or Effort()).corrected_from for each in corrected.values()} >= {0, 1}
    noted = [body for body in server.requests if "For your next step only" in body["messages"][-1]["content"]]
    assert len(noted) == sum((each.effort or Effort()).corrections for each in stored.values())
    assert int(counts["verified"]) > sum(each.effort == Effort() and each.verified for each in stored.values())


def test_what_passed_is_not_corrected(generate: Generate, server: StumblingProvider) -> None:
    server.chances = Chances(0, 0, 0)
    generate(4, how={"corrections": 3, "attempts": 3})
    assert server.seen == 8


def test_a_first_thought_is_asked_for(generate: Generate, folder: Path, server: StumblingProvider) -> None:
    server.chances = Chances(0, 0, 0)
    generate(4, how={"first_thought": "ask"})
    assert server.seen == 4 * 3
    words = "Two numbers are to be multiplied, 3 and 7. A program does it."
    run = runs(folder)["times/3"]
    assert [step.thought for step in run.steps] == [f"{words}\nmultiply", "that is it"]
    noted = [body["messages"] for body in server.requests if "begins with these words" in str(body["messages"])]
    assert len(noted) == 4
    assert all(len(messages) == 1 for messages in noted)
    assert "begins with these words" not in str(run.messages())


def test_a_first_thought_that_fails_is_a_failure_of_the_provider(generate: Generate, server: StumblingProvider) -> None:
    server.fault = lambda body, _: Refusal(400, "no") if "Do not solve it yet" in str(body["messages"]) else None
    with pytest.raises(StageError, match="provider 2"):
        generate(2, how={"first_thought": "ask"})


def test_reasoning_begins_the_first_thought(generate: Generate, folder: Path, server: StumblingProvider) -> None:
    server.reply = lambda body: Reply(multiply(body["messages"]), reasoning="Seven times.")  # type: ignore[method-assign]
    generate(2, how={"first_thought": "reasoning"})
    assert [step.thought for step in runs(folder)["times/1"].steps] == ["Seven times.\nmultiply", "that is it"]


def test_reasoning_is_dropped(generate: Generate, folder: Path, server: StumblingProvider) -> None:
    secret = "<think>Let me see, secretly.</think>\n"
    server.reply = lambda body: Reply(secret + multiply(body["messages"]), reasoning="secretly")  # type: ignore[method-assign]
    generate(2, reasoning="drop")
    text = (folder / "shard-00000.jsonl").read_text()
    assert "secretly" not in text
    assert runs(folder)["times/1"].steps[0].raw is None


def test_a_run_cut_off_in_its_reasoning_is_rejected_all_the_same(
    generate: Generate, folder: Path, server: StumblingProvider
) -> None:
    """The rule reads the reasoning before it is dropped."""

    def reply(body: dict[str, Any]) -> Reply:
        if len(body["messages"]) == 1 and question(body["messages"]).startswith("1 "):
            return Reply("", reasoning="and so on and", finish_reason="length")
        return Reply(multiply(body["messages"][:1] if len(body["messages"]) < 4 else body["messages"]))

    server.reply = reply  # type: ignore[method-assign]
    counts, _ = generate(2, reasoning="drop", max_steps=6)
    assert counts.get("rejected truncated") == 1
    assert "and so on" not in (folder / "rejected.jsonl").read_text()


@pytest.mark.parametrize(
    ("how", "teacher", "message"),
    [
        ({"attempts": 2}, {"model": "expert"}, "attempts=2"),
        ({"corrections": 1}, {"model": "expert"}, "corrections=1"),
        ({"first_thought": "ask"}, {"model": "expert"}, "first_thought=ask"),
        ({"attempts": 2}, {"temperature": 0.0}, "temperature 0"),
        ({"attempts": 2, "attempt_temperature": 0.0}, {}, "temperature 0"),
        ({"first_thought": "reasoning"}, {"reasoning": "thought"}, "reasoning=thought"),
    ],
)
def test_switches_that_cannot_work_are_refused_before_anything_is_paid(
    how: dict[str, Any], teacher: dict[str, Any], message: str, generate: Generate, server: StumblingProvider
) -> None:
    with pytest.raises(ConfigError, match=message):
        generate(2, how=how, **teacher)
    assert server.seen == 0


def test_paid_answers_of_all_attempts_survive_a_failure(
    generate: Generate, folder: Path, server: StumblingProvider
) -> None:
    """Every request that the first session paid for is used by the second, which ends where one session would have."""
    how = {"attempts": 3, "corrections": 1, "first_thought": "ask"}
    server.fault = lambda body, number: Refusal(500) if number > 40 else None
    with pytest.raises(ProviderDown):
        generate(COUNT, how=how, seed=1, max_outage_s=0)
    server.fault = None
    generate(COUNT, how=how, seed=1)
    asked = Counter(str((body["messages"], body.get("seed"))) for body in server.requests)
    answered = server.answered
    assert answered == len(asked)
