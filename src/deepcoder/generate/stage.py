"""The generate stage: problems -> agent runs -> judged trajectories on disk.

Each problem is solved once (solving.py); what comes of it was judged by its hidden check, and is stored at once.
A problem whose run is stored is never repeated. One whose run failed for want of a provider or a
sandbox is tried again at the end, then counted as failed and left for the next session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from deepcoder.config import Config
from deepcoder.errors import (
    AuthenticationError,
    BudgetSpent,
    ConfigError,
    DeepCoderError,
    ModelUnavailable,
    ProviderDown,
    ProviderError,
    QuotaExhausted,
    StageError,
)
from deepcoder.generate.progress import Progress
from deepcoder.generate.report import write_report
from deepcoder.generate.rollout import Rollouts, open_corrector, open_rollouts
from deepcoder.generate.selection import CONTAMINATION, Selection
from deepcoder.generate.solving import Solver, check_switches, open_solver, unreasoned
from deepcoder.generate.tally import Tally
from deepcoder.models import ChatModels
from deepcoder.models.base import Paced
from deepcoder.models.ledger import LEDGER, Ledger, Prices
from deepcoder.problems import ProblemSource, open_source
from deepcoder.records import Outcome, Problem, StopReason, Trajectory
from deepcoder.runs import RunFolder
from deepcoder.trajectories import REJECTED, ShardWriter, rejected_shards, shards

if TYPE_CHECKING:
    from deepcoder.generate.distributed import Workers

# No other problem can fare better after these.
_ENDS = (AuthenticationError, ModelUnavailable, ProviderDown, QuotaExhausted, BudgetSpent)
# So many runs in a row that fail for want of the provider mean that it is down.
_BREAKER = 20


def run(config: Config, folder: RunFolder, console: Console) -> dict[str, int | float | str]:
    """Generate what is missing in the folder; returns the counts.

    Raises ProviderError where the teacher cannot be used, BudgetSpent at `generate.max_cost`, StageError where
    problems failed (more than `generate.max_failed`) or none was verified. After each of them, and after
    KeyboardInterrupt, the folder can be resumed.
    """
    tally = session(config, open_source(config.problems), folder.stage("generate"), console)
    _check(tally, config)
    return tally.counts()


def session(config: Config, source: ProblemSource, path: Path, console: Console) -> Tally:
    """Run what `path` lacks of the source's training split; raises what ends the whole run, keeping what is stored."""
    selection = Selection(config.generate)
    tally, teacher_config = Tally(against=selection.against), config.teacher
    prices = Prices(teacher_config.input_price, teacher_config.output_price, teacher_config.cached_price)
    max_cost = config.generate.max_cost
    if max_cost is not None and teacher_config.model != "expert" and not prices.known:
        raise ConfigError(
            "generate.max_cost cannot be kept without prices",
            hint="set teacher.input_price and teacher.output_price, of a million tokens",
        )

    def on_row(row: dict[str, Any]) -> None:
        tally.add_row(row)
        selection.add_row(row)

    with (
        closing(selection),
        ShardWriter(path, on_row=on_row) as writer,
        closing(Ledger(path / LEDGER, prices, max_cost=max_cost)) as ledger,
    ):
        tally.spent = ledger.spent
        teacher = open_corrector(config, source, ledger)
        if writer.seen:
            console.print(f"  {len(writer.seen)} problems are already done", highlight=False)
        try:
            asyncio.run(_generate(config, source, teacher, ledger, writer, selection, tally, console))
        except (KeyboardInterrupt, *_ENDS):
            console.print(
                f"  stopped; {tally.stored} runs are stored in {writer.folder}. The same command goes on from there.",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
            raise
        selection.write(path)
        write_report(path, tally.counts(), selection.hits)
    return tally


def outputs(folder: RunFolder) -> list[Path]:
    """The shards of verified trajectories; in a round whose failures are trained too, of the others besides."""
    place = folder.stage("generate")
    scored = folder.config.generate.rollout.student is not None and folder.config.generate.rollout.teacher == "score"
    return [*shards(place), *(rejected_shards(place) if scored else [])]


async def _generate(
    config: Config,
    source: ProblemSource,
    teacher: ChatModels,
    ledger: Ledger,
    writer: ShardWriter,
    selection: Selection,
    tally: Tally,
    console: Console,
) -> None:
    try:
        check_switches(config, teacher)
        await teacher.preflight()
        total = selection.screen(source.problems(source.training_split)) - len(selection.excluded)
        tally.excluded = len(selection.excluded)
        if notice := selection.notice():
            console.print(f"  {notice}", markup=False, highlight=False, soft_wrap=True)
        async with _solving(config, teacher, ledger, writer.folder) as solver:
            paced = teacher if isinstance(teacher, Paced) and isinstance(solver, Solver | Rollouts) else None
            with Progress(console, tally, total, pace=paced.pace if paced else None) as progress:
                if paced is not None:
                    paced.listen(progress.say)
                work = _Work(config, solver, ledger, writer, selection, tally, progress)
                await work.do(source.problems(source.training_split))
                if work.failed:
                    again, work.failed = work.failed, set()
                    tally.failed.clear()
                    await work.do(each for each in source.problems(source.training_split) if each.problem_id in again)
    finally:
        await teacher.aclose()


def _solving(
    config: Config, teacher: ChatModels, ledger: Ledger, folder: Path
) -> AbstractAsyncContextManager[Solver | Rollouts | Workers]:
    """What solves problems: this process, the student first or the teacher alone, or workers over Ray."""
    if config.generate.rollout.student is not None:
        return open_rollouts(config, teacher)
    if config.generate.workers_ray is None:
        return open_solver(config, teacher)
    from deepcoder.generate.distributed import open_workers

    return open_workers(config, folder, ledger)


@dataclass
class _Work:
    """Runs problems, `solver.places` of them at once."""

    config: Config
    solver: Solver | Rollouts | Workers
    ledger: Ledger
    writer: ShardWriter
    selection: Selection
    tally: Tally
    progress: Progress

    def __post_init__(self) -> None:
        self.failed: set[str] = set()
        self._end: DeepCoderError | None = None
        self._failed_in_a_row = 0

    async def do(self, problems: Iterable[Problem]) -> None:
        """All problems that are not stored yet, in order; the iterator is drawn from as runs end."""
        queue = self._missing(problems)
        first: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.solver.places):
                    group.create_task(self._worker(queue))
        except BaseExceptionGroup as errors:
            first = errors.exceptions[0]  # the first to fail has cancelled the others
        if first or self._end:
            raise first or self._end  # type: ignore[misc]

    def _missing(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        taken: set[str] = set(self.selection.excluded)
        for problem in problems:
            if problem.problem_id not in self.writer.seen and problem.problem_id not in taken:
                taken.add(problem.problem_id)
                yield problem

    async def _worker(self, queue: Iterator[Problem]) -> None:
        """What ends the whole run ends each worker at its next request: what is under way is paid for, and kept."""
        for problem in queue:
            if self._end is not None:
                return
            self.progress.running += 1
            try:
                trajectory = await self.solver.solve(problem)
            except _ENDS as error:
                self._end = self._end or error
                return
            finally:
                self.progress.running -= 1
            self._store(trajectory)
            self.progress.changed()

    def _store(self, trajectory: Trajectory) -> None:
        verdict = trajectory.verdict
        if trajectory.stop_reason is StopReason.MODEL_ERROR:
            self._fail(trajectory.problem_id, "provider")
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= _BREAKER:
                raise ProviderError(
                    f"the last {_BREAKER} runs failed for want of the teacher {trajectory.model}: {trajectory.error}",
                    hint="what is stored stays; run the same command again when the provider is back",
                )
            return
        self._failed_in_a_row = 0
        if verdict is not None and verdict.outcome is Outcome.SANDBOX_ERROR:
            self._fail(trajectory.problem_id, "sandbox")
            return
        if trajectory.trained and (rejection := self.selection.rejection(trajectory)) is not None:
            trajectory = trajectory.model_copy(update={"rejection": rejection})
        if self.config.teacher.reasoning == "drop":  # after the rules, which read it
            trajectory = unreasoned(trajectory)
        if trajectory.verified:
            self.writer.add(trajectory)
        else:
            self.writer.reject(trajectory)
        if trajectory.trained:
            self.selection.add(trajectory)
        self.tally.add(trajectory)
        self.ledger.forget(trajectory.problem_id)

    def _fail(self, problem_id: str, why: str) -> None:
        self.failed.add(problem_id)
        self.tally.failed[why] += 1


def _check(tally: Tally, config: Config) -> None:
    failed = tally.failed.total()
    if failed > config.generate.max_failed:
        causes = ", ".join(f"{why} {number}" for why, number in tally.failed.items())
        raise StageError(
            f"{failed} problems failed, twice each ({causes}); {tally.stored} are stored",
            hint=f"run the same command again to retry them, or go on without them: generate.max_failed={failed}",
        )
    if not tally.trained:
        reasons = ", ".join(f"{reason} {number}" for reason, number in tally.rejected.most_common()) or "no problems"
        if tally.excluded:
            raise StageError(
                f"no trajectory passed: {tally.excluded} problems are in a benchmark and left out; others: {reasons}",
                hint=f"{CONTAMINATION} lists them; generate.decontaminate.enabled=false trains on them all the same",
            )
        raise StageError(
            f"no trajectory passed its check ({reasons})",
            hint=f"the rejected runs lie in {config.run.dir}/trajectories/{REJECTED}",
        )
