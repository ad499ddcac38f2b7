"""On-policy generation (`generate.rollout.student`): the student runs the problem first, the teacher comes second.

    rollout.teacher=correct   a run that did not pass goes on from its first failing step, the teacher at the desk
                              (correction.py; `generate.corrections` times at most, at least once); where none of these
                              passed, the teacher runs the problem anew (rollout.own_run)
    rollout.teacher=score     nobody corrects: passed or not, the run is kept, to learn a teacher's distributions on
    rollout.teacher=none      what passed is kept

Each run is judged as a teacher's is and says in `origin` whose it is. The student is asked as `prepare` trains it
(`student.instructions`) and as evaluation runs it (`engine`), at `rollout.temperature`. Its seeds come from run.seed,
the round and the problem: a session that was cut short draws again what it had drawn.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel

from deepcoder.agent import Start, first_message, offers_of
from deepcoder.config import Config
from deepcoder.errors import ConfigError, ContextFull, ModelUnavailable
from deepcoder.generate.correction import correction
from deepcoder.generate.solving import Solver, judged_run, lost, open_solver, passed
from deepcoder.models import ChatModels, open_teacher
from deepcoder.models.base import Draw, Redrawn
from deepcoder.models.ledger import Ledger
from deepcoder.models.sampled import SampledChatModel
from deepcoder.problems import ProblemSource
from deepcoder.records import Effort, Origin, Problem, StopReason, Trajectory
from deepcoder.runs import hash_of

Source = Literal["student", "corrected", "teacher", "scored"]


class NoTeacher:
    """The teacher of a round in which nobody is asked: no key is needed, no provider looked for."""

    name = "none"

    def for_problem(self, problem_id: str) -> BaseChatModel:
        """Raises ModelUnavailable."""
        raise ModelUnavailable("this round asks no teacher", hint="generate.rollout.teacher=correct")

    async def preflight(self) -> None:
        """Nothing can be missing."""

    async def aclose(self) -> None:
        """Nothing is open."""


def open_corrector(config: Config, source: ProblemSource, ledger: Ledger) -> ChatModels:
    """The teacher that writes in this generation; NoTeacher where none does."""
    rollout = config.generate.rollout
    if rollout.student is not None and rollout.teacher != "correct":
        return NoTeacher()
    return open_teacher(config.teacher, source.policy, ledger=ledger)


@asynccontextmanager
async def open_rollouts(config: Config, teacher: ChatModels) -> AsyncIterator[Rollouts]:
    """The student of `generate.rollout` with a sandbox and tools of its own, in this process.

    Raises ConfigError for Ray, ModelUnavailable where the student cannot be loaded or its server does not serve it.
    """
    if config.generate.workers_ray is not None:
        raise ConfigError(
            "generate.rollout and generate.workers_ray do not go together: the student is loaded in one process",
            hint="leave generate.workers_ray out, or put the student behind a server (engine.engine=openai)",
        )
    student = await asyncio.to_thread(_open_student, config)
    try:
        await _check_served(config, student)
        async with open_solver(config, teacher) as solver:
            yield Rollouts(config, student, solver)
    finally:
        await student.aclose()


def _open_student(config: Config) -> ChatModels:
    from deepcoder.models import local  # torch

    # No other name than the folder's: a server that still has an earlier round's student must not answer for this one.
    engine = config.engine.model_copy(update={"model": None, "temperature": config.generate.rollout.temperature})
    return local.open_engine(engine, str(config.generate.rollout.student))


async def _check_served(config: Config, student: ChatModels) -> None:
    try:
        await student.preflight()
    except ModelUnavailable as error:
        raise ModelUnavailable(
            error.message,
            hint=f"this round's student must be served under the name of its folder, {student.name}: "
            f"restart the server at {config.engine.base_url} with it, then run the same command again",
        ) from None


@dataclass(frozen=True)
class Rollouts:
    """Runs problems by the student, and what `generate.rollout` says for those that it fails."""

    config: Config
    student: ChatModels
    solver: Solver

    @property
    def places(self) -> int:
        """Runs at once."""
        return self.config.generate.concurrency

    async def solve(self, problem: Problem) -> Trajectory:
        """The run to store, judged, with its `origin`; the student's own where nothing better came of it.

        Where a provider or the sandbox failed, that run: the problem is to be tried again as a whole.
        """
        how = self.config.generate.rollout
        run = await self._by_student(problem)
        if lost(run):
            return run
        if how.teacher == "score":
            return self._of(run, "scored")
        if passed(run) or how.teacher == "none":
            return self._of(run, "student")
        return await self._corrected(problem, run)

    async def _by_student(self, problem: Problem) -> Trajectory:
        model: BaseChatModel = self.student.for_problem(problem.problem_id)
        how = self.config.generate.rollout
        if how.temperature > 0:
            seed = rollout_seed(self.config.run.seed, how.round, problem.problem_id)
            model = SampledChatModel(inner=model, sampling={"seed": seed}, model_name=self.student.name)
        config, instructions = self.config.agent, self.config.student.instructions
        prompt = first_message(problem.prompt, instructions, offers_of(self.config))
        try:
            return await judged_run(
                problem, model, self.student.name, config, self.solver.tools, self.solver.box,
                instructions=instructions, raised=(ContextFull,),
            )  # fmt: skip
        except ContextFull as error:  # the student's own failure, and none of its provider
            return Trajectory(
                trajectory_id=hash_of([problem.problem_id, self.student.name, prompt]), problem_id=problem.problem_id,
                problem=problem.prompt, prompt=prompt, steps=(), answer=None,
                stop_reason=StopReason.MAX_TOKENS, model=self.student.name, family=problem.family,
                split=problem.split, difficulty=problem.difficulty, error=str(error),
            )  # fmt: skip

    async def _corrected(self, problem: Problem, failed: Trajectory) -> Trajectory:
        """The teacher's continuation that passes, else its own run that does, else the student's run."""
        run, after, most = failed, 0, max(1, self.config.generate.corrections)
        for number in range(1, most + 1):
            again = correction(run, after)
            if again is None or len(again.steps) >= self.config.agent.max_steps:
                break
            after = len(again.steps)
            run = await self.solver.run(problem, self._teacher(problem, number - 1), again)
            if lost(run):
                return run
            if passed(run):
                source: Source = "corrected" if after else "teacher"  # without a step of the student it is not its run
                return self._of(run, source, Effort(corrections=number, corrected_from=after))
        if self.config.generate.rollout.own_run:
            run = await self.solver.run(problem, self._teacher(problem, 0), Start())
            if lost(run):
                return run
            if passed(run):
                return self._of(run, "teacher")
        return self._of(failed, "student")

    def _teacher(self, problem: Problem, draw: int) -> BaseChatModel:
        teacher = self.solver.teacher
        if draw == 0 or not isinstance(teacher, Redrawn):
            return teacher.for_problem(problem.problem_id)
        return teacher.for_draw(problem.problem_id, Draw(draw))

    def _of(self, run: Trajectory, source: Source, effort: Effort | None = None) -> Trajectory:
        origin = Origin(round=self.config.generate.rollout.round, source=source)
        known: dict[str, Any] = {"origin": origin, "effort": effort}
        return run.model_copy(update=known)


def rollout_seed(seed: int, number: int, problem_id: str) -> int:
    """The seed of one problem in one round, 31 bits (what servers take)."""
    digest = hashlib.blake2b(f"{seed}/{number}/{problem_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) >> 1
