"""First-error correction: a run that did not pass goes on anew from its first failing step.

The first failing step is the first one whose result is an error; in a run without one, the last step before
`finish` (that `finish` itself where nothing precedes it), and of a run that never finished its last step.

    the tool ran and failed     the step STAYS. Its observation shows what went wrong, so that what follows is an
                                honest recovery, the kind that the student needs.
    anything else               the step is REPLACED. Nothing in the chat shows that it was wrong (or no action could
                                be read in it, which is never trained): kept, it would teach to distrust a result that
                                looks right.

The teacher sees the chat up to there and a note: that it failed, and the replaced step. The note is for its next
step only and no part of the trajectory. What the answer should have been is told to nobody; that one did not pass
is, as it is by choosing among attempts: on questions with few possible answers both flatter the yield.
"""

from __future__ import annotations

from collections.abc import Sequence

from deepcoder.agent import Start
from deepcoder.records import Action, Step, StepError, StopReason, Trajectory, render_step

_FAILED = "an earlier try went on from here and {how}"
_STAYS = "(For your next step only: {failed}. Find out what went wrong and go another way. {silence})"
_REPLACED = """\
(For your next step only: {failed}. Its next step was this one:

{step}

Write a better step in its place. {silence})"""
_SILENCE = "Write as if this were your first try: do not mention this note or the earlier one."
_SHOWN_CHARS = 4000


def first_failing(steps: Sequence[Step], after: int = 0) -> int | None:
    """The index of the first failing step, from `after` on; None where there is no step.

    `after`: steps that an earlier correction has kept, and which are not looked at again.
    """
    if len(steps) <= after:
        return None
    for number in range(after, len(steps)):
        if steps[number].error is not None:
            return number
    last = len(steps) - 1
    return max(after, last - 1) if steps[last].action == Action.FINISH else last


def correction(trajectory: Trajectory, after: int = 0) -> Start | None:
    """Where a run that did not pass begins anew; None where it has no step to begin from."""
    number = first_failing(trajectory.steps, after)
    if number is None:
        return None
    step = trajectory.steps[number]
    failed = _FAILED.format(how=_how(trajectory))
    if stays(step):
        return Start(trajectory.steps[: number + 1], note=_STAYS.format(failed=failed, silence=_SILENCE))
    shown = render_step(step)[:_SHOWN_CHARS]
    if step.observation is not None:
        shown = f"{shown}\n\nIts result was:\n{step.observation}"
    return Start(trajectory.steps[:number], note=_REPLACED.format(failed=failed, step=shown, silence=_SILENCE))


def stays(step: Step) -> bool:
    """Whether a failing step is part of the corrected run."""
    return step.error is StepError.TOOL_FAILED


def _how(trajectory: Trajectory) -> str:
    return "came to a wrong answer" if trajectory.stop_reason is StopReason.FINISHED else "came to no answer"
