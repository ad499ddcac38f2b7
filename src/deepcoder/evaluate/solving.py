"""Agent runs of one model on the evaluation problems: judged, and stored as they come."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from langchain_core.tools import BaseTool
from rich.console import Console

from deepcoder.agent import Start, run_agent
from deepcoder.config import Config
from deepcoder.errors import ProviderError
from deepcoder.evaluate.calls import Call
from deepcoder.evaluate.entrants import Entrant
from deepcoder.evaluate.native import run_native
from deepcoder.evaluate.progress import Progress
from deepcoder.evaluate.rows import RowLog
from deepcoder.judge import judge
from deepcoder.models import ChatModels
from deepcoder.records import Outcome, Problem, StopReason, Trajectory, Verdict
from deepcoder.sandbox import Sandbox
from deepcoder.trajectories import trajectory_of, trajectory_row

# So many runs in a row that fail for want of the provider mean that it is down.
_BREAKER = 20

Key = tuple[str, str]
"""(split, problem_id)."""

Judge = Callable[[Problem, str | None, Sandbox], Awaitable[Verdict]]


@dataclass
class Solved:
    """What one model did: the trajectory of each problem, and how many runs failed for want of machinery.

    `seconds`: of this session, in which `new` runs were stored; loading the model is not among them.
    """

    trajectories: dict[Key, Trajectory] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    new: int = 0


class Seat:
    """An entrant's models: opened when they are first wanted, closed at the end of the block."""

    def __init__(self, entrant: Entrant) -> None:
        self.entrant = entrant
        self._models: ChatModels | None = None

    async def models(self) -> ChatModels:
        """Open and ready. Raises what opening and the preflight raise."""
        if self._models is None:
            self._models = await asyncio.to_thread(self.entrant.open)
            await self._models.preflight()
        return self._models

    async def __aenter__(self) -> Seat:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._models is not None:
            await self._models.aclose()


def stored(log: RowLog) -> dict[Key, Trajectory]:
    """The runs of earlier sessions."""
    found = (trajectory_of(row, f"{log.path}:{number}") for number, row in enumerate(log.rows, 1))
    return {(trajectory.split, trajectory.problem_id): trajectory for trajectory in found}


async def solve_all(
    seat: Seat,
    problems: Sequence[Problem],
    log: RowLog,
    config: Config,
    box: Sandbox,
    tools: Sequence[BaseTool],
    console: Console,
    judge: Judge = judge,
) -> Solved:
    """Run the model on every problem that `log` does not have; a run that failed is tried once more."""
    solved = Solved(stored(log))
    missing = [problem for problem in problems if (problem.split, problem.problem_id) not in solved.trajectories]
    if not missing:
        return solved
    models = await seat.models()
    done = len(problems) - len(missing)
    with Progress(console, seat.entrant.name, len(problems), done=done) as progress:
        work = _Work(seat.entrant, models, config, box, tools, log, solved, progress, Breaker(models.name), judge)
        start = time.monotonic()
        again = await work.do(missing)
        if again:
            solved.failed.clear()
            await work.do(again)
    solved.seconds, solved.new = time.monotonic() - start, len(solved.trajectories) - done
    return solved


async def solve_calls(
    seat: Seat, calls: Sequence[Call], log: RowLog, config: Config, tools: Sequence[BaseTool]
) -> dict[str, Trajectory]:
    """Ask for one step in each call that `log` does not have; by call_id. A run that failed is left out."""
    answered = {problem_id: trajectory for (_, problem_id), trajectory in stored(log).items()}
    missing = iter([call for call in calls if call.call_id not in answered])

    async def work() -> None:
        for call in missing:
            models = await seat.models()
            one_more = config.agent.model_copy(update={"max_steps": len(call.before) + 1})
            trajectory = await run_agent(
                models.for_problem(call.call_id), call.prompt, problem_id=call.call_id, tools=tools, config=one_more,
                instructions=seat.entrant.instructions, begin=Start(steps=call.before),
            )  # fmt: skip
            if len(trajectory.steps) == len(call.before) + 1:
                log.add(trajectory_row(trajectory))
                answered[call.call_id] = trajectory

    if any(call.call_id not in answered for call in calls):
        await seat.models()
    await at_once(work, config.evaluate.concurrency)
    return answered


@dataclass
class Breaker:
    """Ends a session in which nothing but failures has come of a model for a while."""

    name: str
    in_a_row: int = 0

    def answered(self) -> None:
        """It works."""
        self.in_a_row = 0

    def failed(self, error: str) -> None:
        """One more failure. Raises ProviderError at the 20th in a row."""
        self.in_a_row += 1
        if self.in_a_row >= _BREAKER:
            raise ProviderError(
                f"the last {_BREAKER} runs failed for want of the model {self.name}: {error}",
                hint="what is stored stays; run the same command again when it answers",
            )


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
    breaker: Breaker
    judge: Judge

    async def do(self, problems: Sequence[Problem]) -> list[Problem]:
        """All of them, `evaluate.concurrency` at once; gives back those whose run failed."""
        failed: list[Problem] = []
        queue = iter(problems)

        async def work() -> None:
            for problem in queue:
                if not self._store(await self._solve(problem)):
                    failed.append(problem)

        await at_once(work, self.config.evaluate.concurrency)
        return failed

    async def _solve(self, problem: Problem) -> Trajectory:
        model = self.models.for_problem(problem.problem_id)
        if self.entrant.native:
            trajectory = await run_native(
                model, problem.prompt, problem_id=problem.problem_id, name=self.entrant.model, tools=self.tools,
                config=self.config.agent, native=self.config.evaluate.base_native,
            )  # fmt: skip
        else:
            trajectory = await run_agent(
                model, problem.prompt, problem_id=problem.problem_id, tools=self.tools, config=self.config.agent,
                instructions=self.entrant.instructions,
            )  # fmt: skip
        update: dict[str, object] = {
            "family": problem.family, "split": problem.split, "difficulty": problem.difficulty,
            "model": self.models.name,
        }  # fmt: skip
        if trajectory.stop_reason is not StopReason.MODEL_ERROR:
            update["verdict"] = await self.judge(problem, trajectory.answer, self.box)
        return trajectory.model_copy(update=update)

    def _store(self, trajectory: Trajectory) -> bool:
        """Keep a run that says something about the model; False for one that failed for want of machinery."""
        if trajectory.stop_reason is StopReason.MODEL_ERROR and not self.entrant.in_process:
            self.solved.failed["provider"] += 1
            self.breaker.failed(trajectory.error)
            return False
        self.breaker.answered()
        if trajectory.verdict is not None and trajectory.verdict.outcome is Outcome.SANDBOX_ERROR:
            self.solved.failed["sandbox"] += 1
            return False
        self.log.add(trajectory_row(trajectory))
        self.solved.trajectories[trajectory.split, trajectory.problem_id] = trajectory
        self.progress.advance(ending(trajectory))
        return True


async def at_once(work: Callable[[], Coroutine[Any, Any, None]], number: int) -> None:
    """Run `number` of these at once; the first error cancels the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the first to fail has cancelled the others


def ending(trajectory: Trajectory) -> str:
    """How a run ended, in one word: the judge's outcome where it finished, else what stopped it."""
    if trajectory.stop_reason is StopReason.FINISHED and trajectory.verdict is not None:
        return trajectory.verdict.outcome.value
    return trajectory.stop_reason.value
