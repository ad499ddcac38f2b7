from __future__ import annotations

from deepcoder.records import Outcome, Step, StopReason, Trajectory, Verdict


def act(code: str = "print(6 * 7)", observation: str = "42", thought: str = "Compute it.", **changes: object) -> Step:
    fields = {"thought": thought, "action": "execute_python", "input": code, "observation": observation}
    return Step.model_validate(fields | changes)


def finish(answer: str = "42", thought: str = "That is it.", **changes: object) -> Step:
    return Step.model_validate({"thought": thought, "action": "finish", "input": answer} | changes)


def a_run(*steps: Step, problem: str = "What is 6 * 7?", problem_id: str = "p", **changes: object) -> Trajectory:
    """A run that passed its check: a program and its answer, unless other steps are given."""
    steps = steps or (act(), finish())
    fields = {
        "trajectory_id": "t", "problem_id": problem_id, "problem": problem, "prompt": problem, "steps": steps,
        "answer": steps[-1].input, "stop_reason": StopReason.FINISHED, "verdict": Verdict(outcome=Outcome.PASSED),
    }  # fmt: skip
    return Trajectory.model_validate(fields | changes)
