"""`deepcoder view RUN`: browse, search and filter what a run has generated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from rich.console import Console

from deepcoder.errors import StageError
from deepcoder.runs import write_atomic
from deepcoder.view.items import Item, item_of
from deepcoder.view.page import page_parts
from deepcoder.view.selection import Selection, selected
from deepcoder.view.terminal import browse, listed, show

PAGE = 20


def view(
    run_dir: Path,
    console: Console,
    *,
    selection: Selection | None = None,
    problem_id: str | None = None,
    count: int = 3,
) -> None:
    """Print the first `count` trajectories that the selection holds for, whole.

    `problem_id` is short for a selection. Raises StageError where the run or what is looked for is not there.
    """
    shown = 0
    for run in islice(selected(run_dir, selection or Selection(problem=problem_id)), count):
        show(run, console)
        shown += 1
    if not shown:
        raise _nothing(run_dir, selection or Selection(problem=problem_id))


def view_list(
    run_dir: Path, console: Console, selection: Selection, *, page_number: int = 1, ask: Callable[[], str] | None = None
) -> None:
    """A line for each trajectory, a page at a time; with `ask`, which reads a line from the user, go on from there."""
    runs = list(selected(run_dir, selection))
    if not runs:
        raise _nothing(run_dir, selection)
    if ask is not None:
        return browse(runs, console, ask, size=PAGE)
    pages = -(-len(runs) // PAGE)
    if page_number > pages:
        raise StageError(f"there is no page {page_number}", hint=f"the last is --page {pages}")
    first = (page_number - 1) * PAGE
    listed(runs[first : first + PAGE], console, first=first + 1)
    more = f", next: --page {page_number + 1}" if page_number < pages else ""
    console.print(f"page {page_number} of {pages}, {len(runs):,} trajectories{more}", highlight=False)
    return None


def view_page(run_dir: Path, console: Console, selection: Selection, file: Path) -> None:
    """Write the selected trajectories as one self-contained HTML page."""
    number = 0

    def counted() -> Iterator[Item]:
        nonlocal number
        for run in selected(run_dir, selection):
            number += 1
            yield item_of(run)

    parts = page_parts(counted(), title=f"Trajectories of {run_dir.resolve().name}")
    if not number:
        raise _nothing(run_dir, selection)
    write_atomic(file, parts)
    console.print(
        f"{file}: {number:,} trajectories, {file.stat().st_size / 1e6:.1f} MB; open it in a browser",
        highlight=False,
        soft_wrap=True,
    )


def _nothing(run_dir: Path, selection: Selection) -> StageError:
    given = {name: value for name, value in vars(selection).items() if value != getattr(Selection(), name)}
    if not given:
        return StageError(f"no trajectory in {run_dir}", hint="run deepcoder generate first")
    wanted = ", ".join(f"{name} {value!r}" for name, value in given.items())
    return StageError(f"no trajectory in {run_dir} with {wanted}", hint="list what is there: deepcoder view RUN --list")
