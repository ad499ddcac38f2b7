from __future__ import annotations

from pathlib import Path

import pytest
from tests.trajectories.made import made

from deepcoder.errors import ConfigError, StageError
from deepcoder.records import Rejection, Step, StopReason, Trajectory
from deepcoder.trajectories import ShardWriter, compact
from deepcoder.view.selection import Selection, selected, step_range
from deepcoder.view.spans import outcome_of, runs_of

LOOKING = Step(thought="Look it up.", action="retrieve_knowledge", input="heapq", observation="heapq.MERGE sorted")
RUNS = [
    made("a", family="dates", split="train", model="groq:r1", text="one"),
    made("b", family="sums", model="expert", steps=(LOOKING, *made("x").steps)),
    made("c", rejection=Rejection(reason="duplicate"), answer="forty-two"),
    made("d", passed=False),
    made("e", stop_reason=StopReason.MAX_STEPS, verdict=None, answer=None),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with ShardWriter(tmp_path / "trajectories") as writer:
        for each in RUNS:
            (writer.add if each.verified else writer.reject)(each)
    return tmp_path


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(), "abcde"),
        (Selection(family="dates"), "a"),
        (Selection(split="train"), "a"),
        (Selection(outcome="verified"), "ab"),
        (Selection(outcome="rejected"), "cde"),
        (Selection(outcome="duplicate"), "c"),
        (Selection(outcome="max_steps"), "e"),
        (Selection(outcome="wrong"), "d"),
        (Selection(model="R1"), "a"),
        (Selection(steps=(3, 3)), "b"),
        (Selection(search="heapq.merge"), "b"),
        (Selection(search="FORTY"), "c"),
        (Selection(problem="d"), "d"),
        (Selection(id="t-e"), "e"),
        (Selection(outcome="verified", search="1 + 1"), "b"),
    ],
)
def test_each_filter_in_either_form_of_the_store(run: Path, selection: Selection, found: str) -> None:
    assert "".join(each.problem_id for each in selected(run, selection)) == found
    compact(run / "trajectories")
    assert "".join(each.problem_id for each in selected(run, selection)) == found


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no trajectories"):
        selected(tmp_path, Selection())


@pytest.mark.parametrize(("text", "range_"), [("3", (3, 3)), ("2-5", (2, 5)), ("4-", (4, 10**9)), ("-3", (0, 3))])
def test_step_ranges(text: str, range_: tuple[int, int]) -> None:
    assert step_range(text) == range_


@pytest.mark.parametrize("text", ["", "-", "x", "5-2", "1-2-3"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ConfigError, match="--steps"):
        step_range(text)


def test_the_runs_of_text_are_the_messages_cut_at_the_spans() -> None:
    unread = Step(thought="", action="", input="", raw="What?", observation="Write an action.")
    run = made("a", steps=(unread, *made("x").steps))
    turns: dict[tuple[int, bool], str] = {}
    for each in runs_of(run):
        key = (each.step, each.part in ("prompt", "observation"))
        turns[key] = turns.get(key, "") + each.text
    assert list(turns.values()) == [message.content for message in run.messages(run.problem)]
    assert [each.part.value for each in runs_of(run)][:4] == ["prompt", "unread", "observation", "reason"]


def test_every_run_has_one_word_for_its_outcome() -> None:
    assert [outcome_of(each) for each in RUNS] == ["verified", "verified", "duplicate", "wrong", "max_steps"]
    assert outcome_of(Trajectory(**{**dict(RUNS[4]), "stop_reason": "finished"})) == "not judged"
