"""Agent runs of one model on the evaluation problems: judged, and stored as they come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.tools import BaseTool
from rich.console import Console

from deepcoder.agent import run_agent
from deepcoder.config import Config
from deepcoder.errors import ProviderError
from deepcoder.evaluate.entrants import Entrant
from deepcoder.evaluate.progress import Progress
from deepcoder.evaluate.rows import RowLog
from deepcoder.judge import judge
from deepcoder.models import ChatModels
from deepcoder.records import Outcome, Problem, StopReason, Trajectory
from deepcoder.sandbox import Sandbox
from deepcoder.trajectories import trajectory_of, trajectory_row

# So many runs in a row that fail for want of the provider mean that it is down.
_BREAKER = 20

Key = tuple[str, str]
"""(split, problem_id)."""


@dataclass
class Solved:
    """What one model did: the trajectory of each problem, and how many runs failed for want of machinery."""

    trajectories: dict[Key, Trajectory] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)


def stored(log: RowLog) -> dict[Key, Trajectory]:
    """The runs of earlier sessions."""
    found = (trajectory_of(row, f"{log.path}:{number}") for number, row in enumerate(log.rows, 1))
    return {(trajectory.split, trajectory.problem_id): trajectory for trajectory in found}


async def solve_all(
    entrant: Entrant,
    problems: Sequence[Problem],
    log: RowLog,
    config: Config,
    box: Sandbox,
    tools: Sequence[BaseTool],
    console: Console,
) -> Solved:
    """Run the model on every problem that `log` does not have; a run that failed is tried once more."""
    solved = Solved(stored(log))
    missing = [problem for problem in problems if (problem.split, problem.problem_id) not in solved.trajectories]
    if not missing:
        return solved
    models = await asyncio.to_thread(entrant.open)
    try:
        await models.preflight()
        done = len(problems) - len(missing)
        with Progress(console, entrant.name, len(problems), done=done) as progress:
            work = _Work(entrant, models, config, box, tools, log, solved, progress)
            again = await work.do(missing)
            if again:
                solved.failed.clear()
                await work.do(again)
    finally:
        await models.aclose()
    return solved


@dataclass
class _Work:
    entrant: Entrant
    models: ChatModels
    config: Config
    box: Sandbox
    tools: Sequence[BaseTool]
    log: RowLog
    solved: Solved
    progress: Progress
    in_a_row: int = 0

    async def do(self, problems: Sequence[Problem]) -> list[Problem]:
        """All of them, `evaluate.concurrency` at once; gives back those whose run failed."""
        failed: list[Problem] = []
        queue = iter(problems)

        async def work() -> None:
            for problem in queue:
                if not self._store(await self._solve(problem)):
                    failed.append(problem)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.config.evaluate.concurrency):
                    group.create_task(work())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first to fail has cancelled the others
        return failed

    async def _solve(self, problem: Problem) -> Trajectory:
        trajectory = await run_agent(
            self.models.for_problem(problem.problem_id), problem.prompt, problem_id=problem.problem_id,
            tools=self.tools, config=self.config.agent, instructions=self.entrant.instructions,
        )  # fmt: skip
        update: dict[str, object] = {
            "family": problem.family, "split": problem.split, "difficulty": problem.difficulty,
            "model": self.models.name,
        }  # fmt: skip
        if trajectory.stop_reason is not StopReason.MODEL_ERROR:
            update["verdict"] = await judge(problem, trajectory.answer, self.box)
        return trajectory.model_copy(update=update)

    def _store(self, trajectory: Trajectory) -> bool:
        """Keep a run that says something about the model; False for one that failed for want of machinery."""
        if trajectory.stop_reason is StopReason.MODEL_ERROR and not self.entrant.in_process:
            self.solved.failed["provider"] += 1
            self.in_a_row += 1
            if self.in_a_row >= _BREAKER:
                raise ProviderError(
                    f"the last {_BREAKER} runs failed for want of the model {self.models.name}: {trajectory.error}",
                    hint="what is stored stays; run the same command again when it answers",
                )
            return False
        self.in_a_row = 0
        if trajectory.verdict is not None and trajectory.verdict.outcome is Outcome.SANDBOX_ERROR:
            self.solved.failed["sandbox"] += 1
            return False
        self.log.add(trajectory_row(trajectory))
        self.solved.trajectories[trajectory.split, trajectory.problem_id] = trajectory
        self.progress.advance(ending(trajectory))
        return True


def ending(trajectory: Trajectory) -> str:
    """How a run ended, in one word: the judge's outcome where it finished, else what stopped it."""
    if trajectory.stop_reason is StopReason.FINISHED and trajectory.verdict is not None:
        return trajectory.verdict.outcome.value
    return trajectory.stop_reason.value
