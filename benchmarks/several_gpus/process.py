"""A process of the benchmark: caches of its own, notes of what it does, its stacks when asked.

    python -m benchmarks.several_gpus.process training|packed FOLDER SLOT       alone or under torchrun

FOLDER is a run folder with `recipe.json` and `examples`; rank r has the caches of SLOT + r.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console

from deepcoder.config import Config, load_config
from deepcoder.runs import RunFolder
from deepcoder.train.unsloth_import import import_unsloth

KEPT = ("loss", "loss_reason", "loss_act", "grad_norm", "tokens", "memory_allocated_gib", "memory_resident_gib")


class Notes:
    """Lines of JSON with the time in FOLDER/notes.RANK.PID.jsonl. Once it is there SIGUSR1 fills FOLDER/stack.RANK.txt.

    Not faulthandler.dump_traceback_later with `repeat`: the moment its thread printed, processes in which
    torch.compile was at work crashed (Python 3.12). Nor other threads' stacks, which move while they are read.
    """

    def __init__(self, folder: Path, rank: int) -> None:
        faulthandler.enable()
        self._stack = (folder / f"stack.{rank}.txt").open("a")  # it must stay open
        faulthandler.register(signal.SIGUSR1, file=self._stack, all_threads=False)
        self._file = (folder / f"notes.{rank}.{os.getpid()}.jsonl").open("a", buffering=1)

    def __call__(self, what: str, **values: object) -> None:
        """Add a line."""
        self._file.write(json.dumps({"what": what, "time": time.time(), **values}) + "\n")


def train(config: Config, note: Notes) -> None:
    """One rank of a training by the product's own stage; each step is noted once the device is done with it."""
    import torch

    from deepcoder.train import run, stage, trainer

    class NotedTrainer(trainer.SadTrainer):
        def training_step(self, *args: Any, **named: Any) -> torch.Tensor:
            loss = super().training_step(*args, **named)
            if self.state.global_step == 0:  # they compile
                note("micro-batch")
            return loss

        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            super().log(logs, start_time)
            if "loss" in logs:
                note("step", **{key: logs[key] for key in KEPT if key in logs})

    note("begin", torch=torch.__version__, device=torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU")
    with patch.object(stage, "SadTrainer", NotedTrainer):
        run(config, RunFolder(config), Console(width=160))


def main(what: str, folder: Path, slot: int) -> None:
    rank = int(os.environ.get("RANK", "0"))
    for name in ("TMPDIR", "TRITON_CACHE_DIR"):  # before torch; inductor's is in TMPDIR: Unsloth unsets the variable
        os.environ[name] = str(folder.parent / "caches" / str(slot + rank) / name)
        Path(os.environ[name]).mkdir(parents=True, exist_ok=True)
    note = Notes(folder, rank)
    config = load_config(folder / "recipe.json")
    if config.train.backend == "unsloth":
        import_unsloth()  # before transformers, which what follows imports
    if what == "training":
        train(config, note)
    else:
        from benchmarks.several_gpus import packed

        packed.measure(config, note)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
