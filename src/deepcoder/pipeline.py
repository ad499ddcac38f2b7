"""The stages in order: skipped where done, resumed where cut short, chained by hashes.

    generate -> prepare -> (score ->) train -> (rounds ->) evaluate        score where train.teacher_scores=stored

Rounds, where there are any, are run folders of their own (deepcoder.rounds), with the same stages but the last.
Each stage package has `run(config, folder, console) -> counts` and `outputs(folder) -> files`; the hash of a
stage's files is the next one's input hash, so that a changed trajectory is never trained on by half.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from rich.console import Console

from deepcoder.config import Config
from deepcoder.errors import ConfigError, StageError
from deepcoder.rounds import check_rounds, round_stages, rounds_of
from deepcoder.runs import Manifest, RunFolder, StageName, hash_files, hash_of

STAGES: tuple[StageName, ...] = ("generate", "prepare", "train", "evaluate")
_AFTER: dict[StageName, StageName] = {
    "prepare": "generate", "score": "prepare", "train": "prepare", "evaluate": "train",
}  # fmt: skip

Counts = dict[str, int | float | str]


class Stage(Protocol):
    """What every stage package offers."""

    def run(self, config: Config, folder: RunFolder, console: Console) -> Counts:
        """Do the stage's work in its folder, resuming from what lies there."""

    def outputs(self, folder: RunFolder) -> list[Path]:
        """The files that the next stage reads."""


def run_stage(name: StageName, config: Config, console: Console, *, overwrite: bool = False) -> Manifest:
    """Run, resume or skip one stage; returns its manifest, `done`.

    Raises StageError where the stage before it is not done, or where the folder holds other work.
    """
    folder = RunFolder(config)
    manifest = folder.begin(name, _input_hash(name, config, folder), overwrite=overwrite)
    if manifest.status == "done":
        console.print(f"[bold]{name}[/]: already done in {folder.stage(name)} ({_summary(manifest)})", soft_wrap=True)
        return manifest
    console.print(f"[bold]{name}[/]: {folder.stage(name)}", soft_wrap=True)
    stage = cast(Stage, importlib.import_module(f"deepcoder.{name}"))
    start = time.monotonic()
    counts = stage.run(config, folder, console)
    done = folder.finish(manifest, counts, hash_files(stage.outputs(folder)), time.monotonic() - start)
    console.print(f"[bold]{name}[/]: done in {done.seconds:.0f} s ({_summary(done)})", soft_wrap=True)
    return done


def run_all(config: Config, console: Console, *, stages: Sequence[StageName] | None = None) -> list[Manifest]:
    """Every stage in order, the rounds after the training."""
    check_rounds(config)
    done = []
    for name in stages or stages_of(config):
        done.append(run_stage(name, config, console))
        if name == "train":
            done += run_rounds(config, console)
    return done


def run_rounds(config: Config, console: Console, *, overwrite: bool = False) -> list[Manifest]:
    """The rounds of `config.rounds` after its training, each stage run, resumed or skipped; `overwrite`: all anew.

    Raises ConfigError where they cannot be as the config says, StageError where the training is not done.
    """
    done: list[Manifest] = []
    if config.rounds.number and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "rounds do not run under torchrun: every process would run the student",
            hint="deepcoder rounds in one process; to train one of them in several, torchrun deepcoder train with the "
            "round's own config.yaml, then deepcoder rounds again",
        )
    for number, recipe in enumerate(rounds_of(config), 1):
        if number == 1:
            _output_hash("rounds", "train", RunFolder(config))
        console.print(f"[bold]round {number}[/] of {config.rounds.number}: {recipe.run.dir}", soft_wrap=True)
        done += [run_stage(name, recipe, console, overwrite=overwrite) for name in round_stages(recipe)]
    return done


def stages_of(config: Config) -> tuple[StageName, ...]:
    """STAGES, with score before train where the trainer learns from stored scores."""
    if config.train.teacher_scores != "stored":
        return STAGES
    before = STAGES.index("train")
    return (*STAGES[:before], "score", *STAGES[before:])


def _input_hash(name: StageName, config: Config, folder: RunFolder) -> str:
    before = _AFTER.get(name)
    if before is None:
        return _student_hash(config)
    if name == "evaluate" and config.rounds.number:
        *_, last = rounds_of(config)
        return _output_hash(name, before, RunFolder(last))
    if name == "train" and config.train.teacher_scores == "stored":
        return hash_of([_output_hash(name, each, folder) for each in (before, "score")])
    return _output_hash(name, before, folder)


def _student_hash(config: Config) -> str:
    """What generate starts from: nothing, or the student that rolls out."""
    student = config.generate.rollout.student
    if student is None:
        return hash_of(None)
    files = list(student.glob("*.json"))  # its seal has the weights' sha256
    if not files:
        raise StageError(f"generate.rollout.student={student} is no student's folder", hint="deepcoder train makes one")
    return hash_files(files)


def _output_hash(name: str, before: StageName, folder: RunFolder) -> str:
    manifest = folder.manifest(before)
    if manifest is None or manifest.status != "done":
        state = "was cut short" if manifest else "has not run"
        raise StageError(
            f"{name} needs a finished {before} stage; in {folder.path} it {state}",
            hint=f"run it first, with the same config: deepcoder {before} CONFIG run.dir={folder.path}",
        )
    return manifest.output_hash


def _summary(manifest: Manifest) -> str:
    return ", ".join(f"{key} {_number(value)}" for key, value in manifest.counts.items())


def _number(value: int | float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
