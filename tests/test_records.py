from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deepcoder.records import (
    AnswerCheck,
    Outcome,
    Problem,
    Step,
    StopReason,
    Trajectory,
    Verdict,
    fence_python,
    render_action,
    render_step,
    render_thought,
)

STEPS = (
    Step(thought="Use Python.", action="execute_python", input="print(1 + 1)", observation="2"),
    Step(thought="The result is 2.", action="finish", input="2"),
)


def trajectory(**changes: object) -> Trajectory:
    fields: dict[str, object] = {
        "trajectory_id": "t", "problem_id": "p", "problem": "1 + 1?", "prompt": "1 + 1?", "steps": STEPS,
        "answer": "2", "stop_reason": StopReason.FINISHED,
    }  # fmt: skip
    return Trajectory.model_validate(fields | changes)


def test_the_canonical_text_of_a_step() -> None:
    assert render_step(STEPS[0]) == (
        "Thought: Use Python.\nAction: execute_python\nAction Input:\n```python\nprint(1 + 1)\n```"
    )
    assert render_step(STEPS[1]) == "Thought: The result is 2.\nAction: finish\nAction Input:\n2"


@given(st.text())
def test_a_fence_is_longer_than_any_run_of_backticks_inside(code: str) -> None:
    fence = fence_python(code)
    ticks = fence[: fence.index("p")]
    assert set(ticks) == {"`"}
    assert len(ticks) >= 3
    assert ticks not in code
    assert fence == f"{ticks}python\n{code}\n{ticks}"


def test_a_step_is_its_thought_then_its_action() -> None:
    for step in STEPS:
        assert render_step(step) == render_thought(step) + render_action(step)


def test_messages_alternate_and_end_with_the_assistant() -> None:
    roles = [message.role for message in trajectory().messages()]
    assert roles == ["user", "assistant", "user", "assistant"]
    cut = trajectory(steps=STEPS[:1], answer=None, stop_reason=StopReason.MAX_STEPS)
    assert [message.role for message in cut.messages()] == ["user", "assistant"]


def test_messages_take_another_first_prompt() -> None:
    assert trajectory().messages("other")[0].content == "other"


def test_a_step_without_an_action_is_shown_as_it_was_written() -> None:
    assert render_step(Step(thought="", action="", input="", raw="I think so.")) == "I think so."


def test_verified_means_judged_and_passed() -> None:
    assert not trajectory().verified
    assert not trajectory(verdict=Verdict(outcome=Outcome.WRONG)).verified
    assert trajectory(verdict=Verdict(outcome=Outcome.PASSED)).verified


def test_records_survive_json() -> None:
    original = trajectory(verdict=Verdict(outcome=Outcome.PASSED))
    assert Trajectory.model_validate_json(original.model_dump_json()) == original


def test_an_unknown_version_or_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="version"):
        Problem(version=2, problem_id="p", prompt="?", check=AnswerCheck(answer="1"))  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="promt"):
        Problem.model_validate({"problem_id": "p", "promt": "?", "check": {"kind": "answer", "answer": "1"}})
