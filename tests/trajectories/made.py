"""Trajectories for tests of the store, of the view and of what is shared."""

from __future__ import annotations

from typing import Any

from deepcoder.records import Outcome, Step, StopReason, Trajectory, Verdict


def made(problem_id: str, *, passed: bool = True, text: str = "1 + 1", **fields: Any) -> Trajectory:
    """A run of two steps, `text` its problem and first thought; `fields` replace those of the record."""
    steps = (
        Step(thought=text, action="execute_python", input="print(2)", observation="2"),
        Step(thought="", action="finish", input="2"),
    )
    whole = {
        "trajectory_id": f"t-{problem_id}", "problem_id": problem_id, "problem": text, "prompt": text, "steps": steps,
        "answer": "2", "stop_reason": StopReason.FINISHED,
        "verdict": Verdict(outcome=Outcome.PASSED if passed else Outcome.WRONG),
    }  # fmt: skip
    return Trajectory(**(whole | fields))
