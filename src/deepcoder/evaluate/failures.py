"""Why a run failed, in more words than its outcome: the taxonomy of the report. Pure functions.

unreadable steps        at least half of its steps, or agent.max_unreadable in a row, held no readable action
the same call again     it repeated a call and never finished
out of steps | tokens | time
finished after an error its last call had failed
answer from nowhere     a one-line answer that no observation holds, though calls worked
no call made            it answered without using a tool
program: OUTCOME        a program was handed in, and the judge said wrong, error, timeout, ...
observed, yet wrong     it answered what it saw: the program or the query was not the right one
"""

from __future__ import annotations

from deepcoder.evaluate.quality import coherence
from deepcoder.records import Action, Step, StopReason, Trajectory

_STOPPED = {
    StopReason.MAX_STEPS: "out of steps", StopReason.MAX_TOKENS: "out of tokens", StopReason.TIMEOUT: "out of time",
    StopReason.MODEL_ERROR: "the engine failed",
}  # fmt: skip


def failure(trajectory: Trajectory) -> str:
    """One of the words above; "" for a run that passed."""
    if trajectory.verified:
        return ""
    steps = trajectory.steps
    if trajectory.stop_reason is not StopReason.FINISHED:
        unreadable = sum(not step.action for step in steps)
        if trajectory.stop_reason is StopReason.UNREADABLE or 2 * unreadable >= max(1, len(steps)):
            return "unreadable steps"
        calls = [(step.action, step.input) for step in steps if _called(step)]
        if len(set(calls)) < len(calls):
            return "the same call again"
        return _STOPPED.get(trajectory.stop_reason, trajectory.stop_reason.value)
    made = [step for step in steps if _called(step)]
    if trajectory.verdict is not None and trajectory.verdict.mode != "exact":
        return f"program: {trajectory.verdict.outcome.value}"
    if not made:
        return "no call made"
    if made[-1].error is not None:
        return "finished after an error"
    grounded = dict(coherence(trajectory, len(steps) - 1)).get("grounded")
    return "answer from nowhere" if grounded is False else "observed, yet wrong"


def _called(step: Step) -> bool:
    return step.action not in ("", Action.FINISH)
