"""Which trajectories of a run are shown: the filters of `deepcoder view`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from deepcoder.errors import ConfigError, StageError
from deepcoder.records import Trajectory
from deepcoder.trajectories import read_rejected, read_trajectories
from deepcoder.view.spans import outcome_of, runs_of

REJECTED, ALL = "rejected", "all"


@dataclass(frozen=True)
class Selection:
    """All that are given must hold. `outcome`: a word of `outcome_of`, `rejected` or `all`; `id`: how it begins."""

    family: str | None = None
    split: str | None = None
    outcome: str = ALL
    model: str | None = None
    steps: tuple[int, int] = (0, 10**9)
    search: str | None = None
    problem: str | None = None
    id: str | None = None

    def holds(self, run: Trajectory) -> bool:
        """Whether a trajectory is shown."""
        wanted = ((self.family, run.family), (self.split, run.split), (self.problem, run.problem_id))
        return (
            all(value is None or value == has for value, has in wanted)
            and self.outcome in (ALL, outcome_of(run), "" if run.verified else REJECTED)
            and (self.model is None or self.model.lower() in run.model.lower())
            and self.steps[0] <= len(run.steps) <= self.steps[1]
            and (self.id is None or run.trajectory_id.startswith(self.id))
            and (self.search is None or self._found(run))
        )

    def _found(self, run: Trajectory) -> bool:
        wanted = (self.search or "").lower()
        texts = chain((run.problem_id, run.answer or ""), (each.text for each in runs_of(run)))
        return any(wanted in text.lower() for text in texts)


def step_range(text: str) -> tuple[int, int]:
    """`3`, `2-5`, `4-` or `-3`, both ends included. Raises ConfigError for anything else."""
    found = re.fullmatch(r"(\d*)(-?)(\d*)", text.strip())
    if not found or not (found[1] or found[3]):
        raise ConfigError(f"--steps: {text!r} is no number of steps", hint="3, 2-5, 4- or -3")
    low = int(found[1] or 0)
    high = int(found[3]) if found[3] else 10**9 if found[2] else low
    if low > high:
        raise ConfigError(f"--steps: {text!r} begins after its end", hint="the smaller number first: 2-5")
    return low, high


def selected(run_dir: Path, selection: Selection) -> Iterator[Trajectory]:
    """The trajectories of a run that the selection holds for: verified ones, then rejected ones.

    Raises StageError where `run_dir` has no trajectories.
    """
    folder = run_dir / "trajectories"
    if not folder.is_dir():
        raise StageError(f"{run_dir} has no trajectories", hint="deepcoder generate makes them")
    return (run for run in chain(read_trajectories(folder), read_rejected(folder)) if selection.holds(run))
