"""Trajectories on a terminal: a line each, or whole with their spans in colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from deepcoder.records import Trajectory
from deepcoder.view.spans import Part, outcome_of, runs_of, visible

STYLES = {
    Part.PROMPT: "default",
    Part.REASON: "bright_blue",
    Part.ACT: "green",
    Part.OBSERVATION: "yellow",
    Part.UNREAD: "red",
}
_ROLES = {Part.PROMPT: "user", Part.OBSERVATION: "user"}


def show(run: Trajectory, console: Console) -> None:
    """One trajectory: its messages with REASON, ACT and OBSERVATION in their colours, then what came of it."""
    console.print(
        Rule(
            Text(
                visible(f"{run.problem_id} · {run.model or 'unknown teacher'} · {run.stop_reason} · {outcome_of(run)}")
            )
        )
    )
    before = None
    for part in runs_of(run):
        role = _ROLES.get(part.part, "assistant")
        if (part.step, role) != before:
            console.print(Text(f"[{role}]", style="bold"))
            before = (part.step, role)
        # the line break that ends a thought is the print's own
        text = part.text.removesuffix("\n") if part.part is Part.REASON else part.text
        console.print(Text(visible(text), style=STYLES[part.part]), soft_wrap=True)
    console.print(Text(visible(f"answer: {run.answer}"), style="bold"), soft_wrap=True)
    for line in _remarks(run):
        console.print(Text(visible(line), style="red"), soft_wrap=True)


def _remarks(run: Trajectory) -> list[str]:
    remarks = [f"step {number}: {step.error}" for number, step in enumerate(run.steps, start=1) if step.error]
    if run.rejection:
        remarks.append(f"rejected, {run.rejection.reason}: {run.rejection.detail}")
    if run.verdict and run.verdict.detail:
        remarks.append(f"{run.verdict.outcome}: {run.verdict.detail}")
    return [*remarks, *([f"error: {run.error}"] if run.error else [])]


def listed(runs: Sequence[Trajectory], console: Console, *, first: int = 1) -> None:
    """A line each, numbered from `first`."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, least, most in (("#", 3, 9), ("id", 8, 8), ("problem", 12, 28), ("split", 5, 12), ("steps", 5, 5)):
        right = name in ("#", "steps")
        table.add_column(
            name,
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=least,
            max_width=most,
        )
    table.add_column("outcome", no_wrap=True, min_width=8)
    table.add_column("text", no_wrap=True, overflow="ellipsis", ratio=1)
    for number, run in enumerate(runs, start=first):
        text = " ".join(visible(run.problem[:300]).split())
        columns = (run.trajectory_id[:8], run.problem_id, run.split)
        outcome = Text(visible(outcome_of(run)), style="green" if run.verified else "red")
        cells = [Text(visible(cell)) for cell in columns]
        table.add_row(str(number), *cells, str(len(run.steps)), outcome, Text(text))
    console.print(table)


def browse(runs: Sequence[Trajectory], console: Console, ask: Callable[[], str], *, size: int = 20) -> None:
    """Page through a list: Enter goes on, a number opens that one, p goes back, q ends."""
    start = 0
    while True:
        listed(runs[start : start + size], console, first=start + 1)
        last = min(start + size, len(runs))
        console.print(Text(f"{start + 1}-{last} of {len(runs):,} · Enter: on · p: back · number: open · q: end", "dim"))
        answer = ask().strip().lower()
        while answer.isdecimal():
            if 1 <= int(answer) <= len(runs):
                show(runs[int(answer) - 1], console)
            answer = ask().strip().lower()
        if answer.startswith("q") or (not answer and last == len(runs)):
            return
        start = max(0, start - size) if answer.startswith("p") else min(start + size, (len(runs) - 1) // size * size)
