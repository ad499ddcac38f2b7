"""A few problems run for real, to be read before the rest is paid for. The run folder is not touched."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

from rich.console import Console

from deepcoder.config import Config
from deepcoder.generate.estimate import measured, show_estimate
from deepcoder.generate.stage import session
from deepcoder.models.limits import limits_in
from deepcoder.problems import ProblemSource, open_source
from deepcoder.problems.contracts import Policy
from deepcoder.records import Problem
from deepcoder.runs import RunFolder, hash_of
from deepcoder.trajectories import read_rejected, read_trajectories


class FirstProblems:
    """The first `count` problems of each split of a source."""

    def __init__(self, source: ProblemSource, count: int) -> None:
        self.name, self.training_split = source.name, source.training_split
        self.evaluation_splits = source.evaluation_splits
        self._source, self._count = source, count

    def problems(self, split: str) -> Iterator[Problem]:
        """The first ones, in the source's order."""
        return islice(self._source.problems(split), self._count)

    def policy(self, problem_id: str) -> Policy | None:
        """The source's."""
        return self._source.policy(problem_id)


def preview(config: Config, count: int, console: Console, show: Callable[[Path, str], None]) -> None:
    """Run `count` problems in a temporary run folder; `show(folder, problem_id)` prints what came of each.

    Ends with the estimate for the whole run by what these took. Raises what a generation raises.
    """
    source = open_source(config.problems)
    with tempfile.TemporaryDirectory(prefix="deepcoder-preview-") as name:
        run = config.run.model_copy(update={"dir": Path(name)})
        folder = RunFolder(config.model_copy(update={"run": run}))
        folder.begin("generate", hash_of(None))
        path = folder.stage("generate")
        tally = session(folder.config, FirstProblems(source, count), path, console)
        ids = [each.problem_id for each in chain(read_trajectories(path), read_rejected(path))]
        for problem_id in ids:
            show(folder.path, problem_id)
    counts = ", ".join(f"{key} {value:,}" for key, value in tally.counts().items() if not isinstance(value, str))
    console.print(f"preview: {counts}. Nothing was stored.", highlight=False, soft_wrap=True)
    shape = measured(tally.spent, tally.stored)
    if shape is not None:
        whole = sum(1 for _ in source.problems(source.training_split))
        console.print(f"all {whole:,} problems at that rate:", highlight=False)
        show_estimate(config, source, whole, shape, limits_in(config.teacher), [], console)
