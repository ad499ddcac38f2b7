"""On-policy rounds: the student rolls out on training problems, the teacher scores or corrects."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from deepcoder.config.section import Section


class OnPolicyConfig(Section):
    """What is made of the student's runs; verified ones are always kept."""

    teacher: Literal["correct", "score", "none"] = Field(
        default="correct",
        description="correct: the teacher goes on from the first failing step of what did not pass; score: its "
        "distribution is learned at every token of the student, passed or not; none: only what passed is learned",
    )
    own_run: bool = Field(
        default=True, description="of correct: where no correction passed, the teacher runs the problem anew"
    )
    temperature: float = Field(default=0.7, ge=0, le=2, description="of the student's steps; seeded by run.seed")


class RolloutConfig(OnPolicyConfig):
    """generate with the student in the teacher's place; `deepcoder rounds` sets it in the recipe of each round."""

    student: Path | None = Field(default=None, description="a trained student's folder; unset: the teacher runs")
    round: int = Field(default=1, ge=1, description="stands in each trajectory, and is part of the seeds")


class RoundsConfig(OnPolicyConfig):
    """Rounds after the first training: roll out, prepare, (score,) train from the last student on."""

    number: int = Field(default=0, ge=0, description="0: none")
    scores: Literal["local", "stored"] = Field(
        default="local", description="of teacher=score: train.teacher.model beside the student, or `deepcoder score`"
    )
    epochs: float = Field(default=1.0, gt=0, description="of one round")
    learning_rate: float | None = Field(default=None, gt=0, description="unset: train.learning_rate")
