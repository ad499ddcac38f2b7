from __future__ import annotations

import pytest

from deepcoder.generate.correction import correction, first_failing
from deepcoder.records import Outcome, Step, StepError, StopReason, Trajectory, Verdict

RIGHT = Step(thought="a", action="execute_python", input="print(1)", observation="1")
FAILED = RIGHT.model_copy(update={"observation": "NameError: x (line 1)", "error": StepError.TOOL_FAILED})
UNREADABLE = Step(thought="hm", action="", input="", observation="No `Action:` line", error=StepError.NO_ACTION)
FINISH = Step(thought="z", action="finish", input="1")


def run_of(*steps: Step) -> Trajectory:
    finished = steps[-1].action == "finish"
    return Trajectory(
        trajectory_id="t", problem_id="p", problem="?", prompt="?", steps=steps, answer="1" if finished else None,
        stop_reason=StopReason.FINISHED if finished else StopReason.MAX_STEPS,
        verdict=Verdict(outcome=Outcome.WRONG, detail="expected 77") if finished else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "index"),
    [
        ((RIGHT, FAILED, RIGHT, FAILED, FINISH), 1),
        ((RIGHT, UNREADABLE, FAILED), 1),
        ((RIGHT, RIGHT, FINISH), 1),
        ((FINISH,), 0),
        ((RIGHT, RIGHT, RIGHT), 2),
        ((), None),
    ],
    ids=["an error", "an unreadable step", "no error", "only finish", "never finished", "nothing"],
)
def test_the_first_failing_step(steps: tuple[Step, ...], index: int | None) -> None:
    assert first_failing(steps) == index


def test_steps_kept_by_an_earlier_correction_are_passed_over() -> None:
    assert first_failing((FAILED, RIGHT, FAILED, FINISH), after=1) == 2
    assert first_failing((FAILED, FINISH), after=1) == 1
    assert first_failing((FAILED,), after=1) is None


def test_a_tool_that_failed_stays_for_the_recovery() -> None:
    begin = correction(run_of(RIGHT, FAILED, RIGHT, FINISH))
    assert begin is not None
    assert begin.steps == (RIGHT, FAILED)
    assert "came to a wrong answer" in begin.note


def test_a_step_whose_fault_cannot_be_seen_is_replaced_and_shown() -> None:
    begin = correction(run_of(RIGHT, RIGHT, FINISH))
    assert begin is not None
    assert begin.steps == (RIGHT,)
    assert "print(1)" in begin.note
    assert "Its result was:\n1" in begin.note


def test_a_step_that_is_never_trained_is_replaced() -> None:
    begin = correction(run_of(RIGHT, UNREADABLE, RIGHT))
    assert begin is not None
    assert begin.steps == (RIGHT,)
    assert "came to no answer" in begin.note


@pytest.mark.parametrize("steps", [(FAILED, FINISH), (RIGHT, FINISH), (FINISH,)])
def test_what_the_judge_knows_is_not_told(steps: tuple[Step, ...]) -> None:
    begin = correction(run_of(*steps))
    assert begin is not None
    assert "77" not in begin.note
