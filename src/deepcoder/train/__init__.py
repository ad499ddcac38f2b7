"""train: examples and a student -> checkpoints, by the SAD loss.

RUN/checkpoints/base/           the untouched student with our chat template (or a reference to it)
RUN/checkpoints/checkpoint-N/   everything to go on from step N, written atomically
RUN/checkpoints/final/          the trained student: weights, tokenizer, template, generation config
RUN/checkpoints/log.jsonl       one line a logging step; plots/ and tensorboard/ show the same
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from deepcoder.config import Config
from deepcoder.runs import RunFolder
from deepcoder.train.unsloth_import import import_unsloth

if TYPE_CHECKING:
    from deepcoder.train.stage import Counts

__all__ = ["outputs", "run"]


def run(config: Config, folder: RunFolder, console: Console) -> Counts:
    """Train the student on RUN/examples: `deepcoder.train.stage.run`."""
    from deepcoder.train.parallel import check_parallel

    check_parallel(config.train)
    if config.train.backend == "unsloth":
        import_unsloth()  # before transformers, which the stage imports
    from deepcoder.train import stage

    return stage.run(config, folder, console)


def outputs(folder: RunFolder) -> list[Path]:
    """The trained student's files."""
    from deepcoder.train import stage

    return stage.outputs(folder)
