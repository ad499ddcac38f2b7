"""One problem -> the run that is kept.

The plain way is one run. Each of these, off by default, spends more requests on a problem:

    generate.attempts        several runs, until one is good (generate.keep=first), or all and the shortest good one
    generate.corrections     a run that did not pass goes on anew from its first failing step (correction.py)
    generate.first_thought   the first thought begins with the teacher's free reasoning (first_thought.py)

Good: it passed its hidden check and breaks no quality rule. Every request is known by its content and its draw (which
attempt, which correction), so that a session that was cut short pays for none of them again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from deepcoder.agent import NOTHING_WRITTEN, Start, first_message, make_tools, offers_of, run_agent
from deepcoder.config import AgentConfig, Config
from deepcoder.errors import (
    AuthenticationError,
    ConfigError,
    ModelUnavailable,
    ProviderDown,
    ProviderError,
    QuotaExhausted,
)
from deepcoder.generate.correction import correction
from deepcoder.generate.first_thought import ask, from_reasoning, led_by
from deepcoder.generate.quality import broken_rule, characters
from deepcoder.judge import judge
from deepcoder.knowledge import open_knowledge
from deepcoder.models import ChatModels
from deepcoder.models.base import Draw, Redrawn
from deepcoder.parser import as_thought, without_reasoning
from deepcoder.records import Effort, Outcome, Problem, Step, StopReason, Trajectory, render_step
from deepcoder.sandbox import Sandbox, open_sandbox


def check_switches(config: Config, teacher: ChatModels) -> None:
    """Raises ConfigError where the switches ask the teacher for what it cannot give, before anything is paid."""
    how = config.generate
    asked = {
        "attempts": how.attempts > 1,
        # To correct a student once is to answer what it was not asked before.
        "corrections": how.corrections > (0 if how.rollout.student is None else 1),
        "first_thought": how.first_thought == "ask",
    }
    if (key := next((key for key, on in asked.items() if on), None)) and not isinstance(teacher, Redrawn):
        raise ConfigError(
            f"generate.{key}={getattr(how, key)} cannot be had of {teacher.name}, which answers the same each time",
            hint=f"leave generate.{key} out, or set teacher.model to one at a provider",
        )
    later = config.teacher.temperature if how.attempt_temperature is None else how.attempt_temperature
    if how.attempts > 1 and later == 0:
        raise ConfigError(
            f"generate.attempts={how.attempts} at temperature 0 asks for the same run again",
            hint="set generate.attempt_temperature, for example to 0.6",
        )
    if how.first_thought == "reasoning" and config.teacher.reasoning == "thought":
        raise ConfigError(
            "generate.first_thought=reasoning says nothing where teacher.reasoning=thought",
            hint="with the latter every thought is the whole reasoning; leave one of them out",
        )


@asynccontextmanager
async def open_solver(config: Config, teacher: ChatModels) -> AsyncIterator[Solver]:
    """A Solver with a sandbox and tools of its own, in this process."""
    # Every run may wait for a worker at once; that is a queue, not an overload.
    queue = max(config.sandbox.queue, config.generate.concurrency)
    async with open_sandbox(config.sandbox.model_copy(update={"queue": queue})) as box:
        tools = make_tools(box, open_knowledge(config.knowledge), config.agent)
        yield Solver(config, teacher, box, tools)


@dataclass(frozen=True)
class Solver:
    """Runs problems and judges what comes of them."""

    config: Config
    teacher: ChatModels
    box: Sandbox
    tools: Sequence[BaseTool]

    @property
    def places(self) -> int:
        """Runs at once."""
        return self.config.generate.concurrency

    async def solve(self, problem: Problem) -> Trajectory:
        """The run to store, judged: a good one where there is one, else the first.

        Where the provider or the sandbox failed, that run: the problem is to be tried again as a whole.
        """
        how = self.config.generate
        runs: list[Trajectory] = []
        for attempt in range(how.attempts):
            run = await self._attempt(problem, attempt)
            if lost(run):
                return run
            runs.append(run)
            if how.keep == "first" and self._good(run):
                break
        kept = min((run for run in runs if self._good(run)), key=length, default=runs[0])
        if kept.effort is None:
            return kept
        corrections = sum(run.effort.corrections for run in runs if run.effort)
        effort = kept.effort.model_copy(update={"attempts": len(runs), "corrections": corrections})
        return kept.model_copy(update={"effort": effort})

    async def _attempt(self, problem: Problem, attempt: int) -> Trajectory:
        """One run, and its corrections until it passes."""
        how = self.config.generate
        draw = attempt * (how.corrections + 1)
        begin = await self._begin(problem, self._model(problem, draw))
        if isinstance(begin, Trajectory):
            return begin
        run = await self.run(problem, self._model(problem, draw), begin)
        effort, after = Effort(attempt=attempt), 0
        for number in range(1, how.corrections + 1):
            again = None if lost(run) or passed(run) else correction(run, after)
            if again is None or len(again.steps) >= self.config.agent.max_steps:
                break
            after = len(again.steps)
            run = await self.run(problem, self._model(problem, draw + number), again)
            effort = Effort(attempt=attempt, corrections=number, corrected_from=after)
        return run.model_copy(update={"effort": effort}) if how.attempts > 1 or how.corrections else run

    def _model(self, problem: Problem, draw: int) -> BaseChatModel:
        """The teacher for one draw: the plain one, or another of the same requests."""
        how = self.config.generate
        if draw == 0 or not isinstance(self.teacher, Redrawn):
            return self.teacher.for_problem(problem.problem_id)
        later = draw > how.corrections  # not the first attempt's own corrections
        return self.teacher.for_draw(problem.problem_id, Draw(draw, how.attempt_temperature if later else None))

    async def _begin(self, problem: Problem, model: BaseChatModel) -> Start | Trajectory:
        """How the run begins; the empty run of a problem whose first words the provider failed to give."""
        how = self.config.generate
        if how.first_thought != "ask":
            return Start()
        try:
            return led_by(await ask(model, problem.prompt, how.first_thought_chars))
        except (AuthenticationError, ModelUnavailable, ProviderDown, QuotaExhausted):
            raise
        except ProviderError as error:
            return Trajectory(
                trajectory_id="", problem_id=problem.problem_id, problem=problem.prompt,
                prompt=first_message(problem.prompt, self.config.agent.instructions, offers_of(self.config)),
                steps=(), answer=None,
                stop_reason=StopReason.MODEL_ERROR, model=self.teacher.name, error=str(error),
            )  # fmt: skip

    async def run(self, problem: Problem, model: BaseChatModel, begin: Start) -> Trajectory:
        """One run of the teacher, judged; its reasoning as the config wants it."""
        run = await judged_run(problem, model, self.teacher.name, self.config.agent, self.tools, self.box, begin=begin)
        if self.config.generate.first_thought == "reasoning":
            run = from_reasoning(run, self.config.generate.first_thought_chars)
        return reasoned(run) if self.config.teacher.reasoning == "thought" else run

    def _good(self, run: Trajectory) -> bool:
        return passed(run) and broken_rule(run, self.config.generate.quality) is None


async def judged_run(
    problem: Problem,
    model: BaseChatModel,
    name: str,
    config: AgentConfig,
    tools: Sequence[BaseTool],
    box: Sandbox,
    *,
    begin: Start | None = None,
    instructions: str | None = None,
    raised: tuple[type[ProviderError], ...] = (),
) -> Trajectory:
    """One run of the agent with what is known of its problem, judged where it finished; else as `run_agent`."""
    run = await run_agent(
        model, problem.prompt, problem_id=problem.problem_id, tools=tools, config=config, begin=begin,
        instructions=instructions, raised=raised,
    )  # fmt: skip
    known: dict[str, Any] = {
        "family": problem.family, "split": problem.split, "difficulty": problem.difficulty, "model": name,
    }  # fmt: skip
    if run.stop_reason is StopReason.FINISHED:
        known |= {"verdict": await judge(problem, run.answer, box)}
    return run.model_copy(update=known)


def passed(run: Trajectory) -> bool:
    """Whether its answer passed the hidden check."""
    return run.verdict is not None and run.verdict.passed


def lost(run: Trajectory) -> bool:
    """Whether the provider or the sandbox failed, and not the teacher."""
    if run.stop_reason is StopReason.MODEL_ERROR:
        return True
    return run.verdict is not None and run.verdict.outcome is Outcome.SANDBOX_ERROR


def length(run: Trajectory) -> tuple[int, int]:
    """What is compared where the shortest run is kept: steps, then characters."""
    return len(run.steps), characters(run)


def reasoned(run: Trajectory) -> Trajectory:
    """The provider's separate reasoning field as the thought of each step that has one."""
    steps = tuple(
        step.model_copy(update={"thought": as_thought(step.reasoning)}) if step.reasoning and step.action else step
        for step in run.steps
    )
    return run.model_copy(update={"steps": steps})


def unreasoned(run: Trajectory) -> Trajectory:
    """The run without the teacher's separate reasoning, `<think>` blocks in its raw text included."""
    return run.model_copy(update={"steps": tuple(_unreasoned(step) for step in run.steps)})


def _unreasoned(step: Step) -> Step:
    raw = (without_reasoning(step.raw) or None) if step.raw else None
    if not step.action:  # shown as it was written
        return step.model_copy(update={"reasoning": None, "raw": raw, "thought": raw or NOTHING_WRITTEN})
    return step.model_copy(update={"reasoning": None, "raw": raw if raw != render_step(step) else None})
