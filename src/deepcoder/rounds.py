"""On-policy rounds: where each lies, and its recipe.

    RUN/rounds/1/{trajectories, examples, (scores,) checkpoints}     the first, from RUN/checkpoints/final
    RUN/rounds/2/...                                                  the second, from RUN/rounds/1/checkpoints/final

Each is a whole run folder with a config.yaml of its own, so that every command works on it and each of its stages
skips, resumes and refuses as any other run's does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepcoder.config import Config, RolloutConfig, RoundsConfig
from deepcoder.errors import ConfigError
from deepcoder.runs import RunFolder, StageName


def rounds_of(config: Config) -> Iterator[Config]:
    """The recipe of each round, the first one first. Raises ConfigError where they cannot be as the config says."""
    check_rounds(config)
    before = RunFolder(config).stage("train")
    for number in range(1, config.rounds.number + 1):
        recipe = _recipe(config, number, before / "final")
        yield recipe
        before = RunFolder(recipe).stage("train")


def round_stages(config: Config) -> tuple[StageName, ...]:
    """The stages of one round, in order; `config`: its recipe."""
    return ("generate", "prepare", *(("score",) if config.train.teacher_scores == "stored" else ()), "train")


def check_rounds(config: Config) -> None:
    """Raise ConfigError on what would only show once the student has run."""
    rounds, train = config.rounds, config.train
    if not rounds.number:
        return
    if train.load_in_4bit:
        raise ConfigError(
            "rounds.number does not go with train.load_in_4bit: a round begins with the whole weights of the last",
            hint="train in 16 bit (train.load_in_4bit=false), or merge after each training and name the result in "
            "student.model and generate.rollout.student of a recipe of your own",
        )
    if rounds.teacher == "score" and rounds.scores == "local" and train.teacher.model is None:
        raise ConfigError(
            "rounds.teacher=score needs a model whose distributions are learned",
            hint="train.teacher.model=DIRECTORY_OR_HUB_NAME, or rounds.scores=stored with score.model",
        )
    if rounds.teacher == "score" and rounds.scores == "stored" and config.score.model is None:
        raise ConfigError("rounds.scores=stored needs score.model", hint="the server's name of the model that scores")


def _recipe(config: Config, number: int, student: Path) -> Config:
    """Round `number`, which begins with the student in the folder `student`."""
    rounds = config.rounds
    chosen = {name: getattr(rounds, name) for name in ("teacher", "own_run", "temperature")}
    train: dict[str, Any] = {"epochs": rounds.epochs, "max_steps": None}
    if rounds.learning_rate is not None:
        train["learning_rate"] = rounds.learning_rate
    if rounds.teacher == "score":
        train["teacher_scores"] = rounds.scores
    return config.model_copy(
        update={
            # Other seeds than the first training's, and than those of a run with the next seed.
            "run": config.run.model_copy(
                update={"dir": round_folder(config, number), "seed": config.run.seed + 100_000 * number}
            ),
            "generate": config.generate.model_copy(
                update={
                    "rollout": RolloutConfig(student=student, round=number, **chosen),
                    "attempts": 1, "keep": "first", "first_thought": "off", "workers_ray": None,
                }
            ),
            "student": config.student.model_copy(update={"model": str(student), "tokenizer": None}),
            "train": config.train.model_copy(update=train),
            "rounds": RoundsConfig(),
        }
    )  # fmt: skip


def round_folder(config: Config, number: int) -> Path:
    """The run folder of a round."""
    return config.run.dir / "rounds" / str(number)


def final_student(config: Config) -> Path:
    """The folder of the student that the recipe ends with: the last round's, without rounds the train stage's."""
    number = config.rounds.number
    run = config.run.model_copy(update={"dir": round_folder(config, number)}) if number else config.run
    return RunFolder(config.model_copy(update={"run": run})).stage("train") / "final"
