"""The data contract of the page: an `Item` for each trajectory.

What the page needs to list and filter stands in `row`; what it shows when one is opened stands in `body`.
Both are plain JSON. Whoever has other things to show than stored trajectories builds Items of its own.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from deepcoder.records import Step, Trajectory
from deepcoder.view.spans import outcome_of, runs_of

TITLE = 160


class Row(TypedDict):
    """One line of the list. Every string is plain text; the page escapes it."""

    id: str
    """The deep link (`#id`); one that occurs again gets `~2`, `~3`, ..."""
    problem_id: str
    """Items of the same problem can be shown side by side."""
    title: str
    """The beginning of the problem's text."""
    group: str
    """Who ran it, where several did: a heading of the comparison (base, student, teacher); else ""."""
    family: str
    split: str
    model: str
    outcome: str
    ok: bool
    steps: int


class StepNote(TypedDict):
    """What is known of a step beside its text."""

    tokens: int
    seconds: float
    error: NotRequired[str]
    reasoning: NotRequired[str]


class Body(TypedDict):
    """What is shown of an opened item."""

    runs: list[tuple[int, str, str]]
    """(step, part, text) in order; step -1 is the prompt; part is prompt, reason, act, observation or unread."""
    notes: list[StepNote]
    """One a step."""
    answer: str | None
    facts: dict[str, str]
    """Name and value, shown above the text."""


class Item(TypedDict):
    """One trajectory of the page."""

    row: Row
    body: Body


def item_of(run: Trajectory, *, group: str = "") -> Item:
    """The Item of a stored trajectory."""
    title = " ".join(run.problem[: 2 * TITLE].split())[:TITLE]
    row: Row = {
        "id": run.trajectory_id, "problem_id": run.problem_id, "title": title,
        "group": group, "family": run.family, "split": run.split, "model": run.model, "outcome": outcome_of(run),
        "ok": run.verified, "steps": len(run.steps),
    }  # fmt: skip
    body: Body = {
        "runs": [(each.step, each.part.value, each.text) for each in runs_of(run)],
        "notes": [_note(step) for step in run.steps],
        "answer": run.answer,
        "facts": _facts(run),
    }
    return {"row": row, "body": body}


def _note(step: Step) -> StepNote:
    note: StepNote = {"tokens": step.output_tokens, "seconds": round(step.model_s + step.tool_s, 2)}
    if step.error:
        note["error"] = step.error.value
    if step.reasoning:
        note["reasoning"] = step.reasoning
    return note


def _facts(run: Trajectory) -> dict[str, str]:
    facts = {"stopped": run.stop_reason.value, "seconds": f"{run.wall_s:.1f}"}
    if run.verdict:
        facts["judge"] = ": ".join(filter(None, (run.verdict.outcome.value, run.verdict.detail)))
    if run.rejection:
        facts["rejected"] = ": ".join(filter(None, (run.rejection.reason, run.rejection.detail)))
    if run.effort:
        facts["effort"] = (
            f"attempt {run.effort.attempt + 1} of {run.effort.attempts}, {run.effort.corrections} corrections"
        )
    if run.origin:
        facts["origin"] = f"round {run.origin.round}, {run.origin.source}"
    return facts | ({"error": run.error} if run.error else {})
