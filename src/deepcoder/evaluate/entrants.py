"""Who is evaluated: base, student, teacher; on request the base in its own best mode, the student without its tool.

One that cannot take part is named with the reason: it is in the summary and in the report, never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from deepcoder.config import Config
from deepcoder.evaluate.native import native_absence, native_name, open_native
from deepcoder.models import ChatModels, open_teacher
from deepcoder.problems import ProblemSource
from deepcoder.records import Problem
from deepcoder.rounds import final_student
from deepcoder.runs import RunFolder

Name = Literal["base", "base_native", "student", "teacher", "student_no_tools"]
Instructions = Literal["full", "short", "bare"]


@dataclass(frozen=True)
class Entrant:
    """A model that takes part. `in_process`: an error of its engine is its own failure, not a provider's.

    `native`: it works in its own mode (deepcoder.evaluate.native) and gets no instructions of ours.
    """

    name: Name
    model: str
    open: Callable[[], ChatModels]
    instructions: Instructions
    in_process: bool
    tools: bool = True
    native: bool = False


@dataclass(frozen=True)
class Absent:
    """A model that was asked for and cannot take part."""

    name: Name
    reason: str


def find_entrants(
    config: Config, folder: RunFolder, source: ProblemSource, problems: Sequence[Problem]
) -> list[Entrant | Absent]:
    """The models that `evaluate` asks for, base before student before teacher; nothing is loaded yet."""
    found: list[Entrant | Absent] = []
    wanted = config.evaluate.models
    checkpoints = folder.stage("train")
    if "base" in wanted:
        found.append(_student("base", config, checkpoints / "base"))
    if config.evaluate.base_native.enabled:
        found.append(_native(config))
    if "student" in wanted:
        found.append(_student("student", config, final_student(config)))
    if "teacher" in wanted:
        found.append(_teacher(config, source, problems))
    if config.evaluate.no_tools:
        found.append(_student("student_no_tools", config, final_student(config)))
    return found


def _student(name: Name, config: Config, path: Path) -> Entrant | Absent:
    engine = config.engine
    if name == "base" and engine.engine == "openai":
        if config.evaluate.base_model is None:
            return Absent(name, "engine.engine=openai serves one model; name the base with evaluate.base_model")
        engine = engine.model_copy(update={"model": config.evaluate.base_model})
    elif engine.engine == "local" and not path.is_dir():
        return Absent(name, f"there is no {path}; run `deepcoder train` first")

    def open_it() -> ChatModels:
        from deepcoder.models.local import open_engine  # torch

        return open_engine(engine, path)

    label = engine.model or str(path) if engine.engine == "openai" else path.name
    in_process = engine.engine == "local"
    return Entrant(name, label, open_it, config.student.instructions, in_process, tools=name != "student_no_tools")


def _native(config: Config) -> Entrant | Absent:
    if reason := native_absence(config):
        return Absent("base_native", reason)
    opened = partial(open_native, config)
    return Entrant("base_native", native_name(config), opened, "full", in_process=False, native=True)


def _teacher(config: Config, source: ProblemSource, problems: Sequence[Problem]) -> Entrant | Absent:
    if config.teacher.model == "expert":
        unknown = sum(source.policy(problem.problem_id) is None for problem in problems)
        if unknown:
            return Absent(
                "teacher",
                f"the expert knows no solution of {unknown} of these {len(problems)} problems (source {source.name}); "
                "a teacher for them needs teacher.model=PROVIDER:MODEL",
            )
    return Entrant(
        "teacher", config.teacher.model, lambda: open_teacher(config.teacher, source.policy),
        config.agent.instructions, in_process=config.teacher.model == "expert",
    )  # fmt: skip
