"""One GPU beside two, and packed rows beside Unsloth's own: random weights of Qwen3-30B-A3B's shape.

    python -m benchmarks.several_gpus                     # two GPUs; --layers 8 --rows 16 --steps 20
    python -m benchmarks.several_gpus --toy               # a rehearsal on a CPU: transformers, gloo

The toy's rates say nothing. All trainings go through the product's own stage, on the same packed rows in one order:

one         one GPU, all rows of a step. Alone on the machine, as `two` is: the speed-up is between these
two         two GPUs under torchrun, half of the rows each
again       as `one`: what rounding alone does. Not timed: all but the last run at the same time from here on
fsdp-one, fsdp-two      one process, and two with FSDP2: transformers in 16 bit (toy: 32), 4 steps of 4 rows
packed      steps of ours and of Unsloth's own (toy: transformers' own) in turns, once the others are over
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from benchmarks.several_gpus.child import Child
from benchmarks.several_gpus.tables import show, summary
from rich.console import Console

HERE = "benchmarks.several_gpus"
LEAST, RESERVED = 20.0, 15.0  # seconds: with less left nothing is begun; kept for the end
CONSOLE = Console(width=130)


class Session:
    """The runs one after the other, within the limit."""

    def __init__(self, args: argparse.Namespace, work: Path) -> None:
        self.args, self.work, self._start = args, work, time.monotonic()
        self._gpus = [] if args.toy else os.environ.get("CUDA_VISIBLE_DEVICES", "0,1").split(",")
        self._children: list[Child] = []

    def run(self) -> None:
        """All of them; there is no use in two GPUs where one does not do."""
        tokenizer = "nano" if self.args.toy else self.args.tokenizer
        student = self._begin("made", [f"{HERE}.checkpoint", self.work, self.args.layers, tokenizer], 0.3)
        if not self._ended(student) or not self._ended(self._training("one", 0.5)):
            return
        caches = self.work / "caches"
        for slot in "12":  # what is compiled need not be compiled again
            with contextlib.suppress(shutil.Error):  # a socket that was left there
                shutil.copytree(caches / "0", caches / slot)
        self._ended(self._training("two", 0.75, ranks=2))
        again = self._training("again", 1.0)
        few: dict[str, Any] = {
            "backend": "transformers",
            "load_in_4bit": False,
            "gradient_checkpointing": True,
            "max_steps": 4,
        }
        alone = self._training("fsdp-one", 1.0, slot=3, gradient_accumulation=4, **few)
        two = self._training("fsdp-two", 1.0, ranks=2, gradient_accumulation=2, parallel="fsdp2", **few)
        for child in (again, two, alone):
            self._ended(child)
        if self.args.packed:
            self._ended(
                self._begin("packed", [f"{HERE}.process", "packed", self._recipe("packed", 1), 2], 1.0, self._gpus[1:2])
            )

    def stop(self) -> None:
        """Leave nothing running."""
        for child in self._children:
            child.stop()

    def _training(self, name: str, share: float, ranks: int = 1, slot: int = 0, **train: Any) -> Child | None:
        command: list[object] = [f"{HERE}.process", "training", self._recipe(name, ranks, **train), slot]
        if ranks > 1:
            place = ["--nnodes", 1, "--master-addr", "127.0.0.1", "--master-port", free_port()]
            command = ["torch.distributed.run", *place, "--nproc-per-node", ranks, "-m", *command]
        return self._begin(name, command, share, self._gpus[:ranks], slot)

    def _recipe(self, name: str, ranks: int, **train: Any) -> Path:
        """A run folder with its recipe and the examples."""
        args, toy, folder = self.args, self.args.toy, self.work / name
        usual = {
            "backend": "transformers" if toy else "unsloth", "load_in_4bit": not toy, "gradient_checkpointing": toy,
            "dtype": "float32" if toy else "bfloat16", "method": "lora",
            "lora": {"rank": 16, "alpha": 32, "targets": "attention"}, "packing": True, "batch_size": 1,
            "gradient_accumulation": args.rows // ranks, "max_steps": args.steps, "learning_rate": 1e-3,
            "schedule": "constant", "warmup_ratio": 0.0, "logging_steps": 1, "save_steps": 1_000_000,
            "loss_chunk_rows": 256, "threads": int(os.environ["OMP_NUM_THREADS"]),
        }  # fmt: skip
        student = {"model": str(self.work / "student"), "max_length": 256 if toy else 4096}
        folder.mkdir()
        (folder / "examples").symlink_to(self.work / "examples")
        recipe = {"run": {"dir": str(folder)}, "student": student, "train": usual | train}
        (folder / "recipe.json").write_text(json.dumps(recipe))
        return folder

    def _begin(
        self, name: str, command: list[object], share: float, gpus: list[str] | None = None, slot: int = 0
    ) -> Child | None:
        """A run that may take `share` of the time left; None where too little is left."""
        left = self._start + self.args.limit - RESERVED - time.monotonic()
        self._say(f"{name}: " + (f"at most {left * share:.0f} s" if left > LEAST else "not begun"))
        if left <= LEAST:
            return None
        generated = self.work / "caches" / str(slot) / "unsloth"  # the ranks of a training agree on what lies there
        environment = {"UNSLOTH_COMPILE_LOCATION": str(generated), "UNSLOTH_MEGA_CACHE": "0", "PYTHONUNBUFFERED": "1"}
        if gpus is not None:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        self._children.append(Child(self.work / name, command, left * share, environment))
        return self._children[-1]

    def _ended(self, child: Child | None) -> bool:
        """Wait for a run while all are watched, and say how it went."""
        if child is None:
            return False
        while child.process.poll() is None:
            for each in self._children:
                each.look()
            time.sleep(0.5)
        self._say(f"{child.folder.name}: ended with {child.process.returncode}")
        if child.process.returncode:
            print("\n".join((child.folder / "output.txt").read_text(errors="replace").splitlines()[-40:]))
        return child.process.returncode == 0

    def _say(self, text: str) -> None:
        CONSOLE.print(f"{time.monotonic() - self._start:5.0f} s  {text}", highlight=False)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, help="of the student (default 8, toy 2)")
    parser.add_argument("--rows", type=int, help="a step, over all GPUs: even (default 16, toy 4)")
    parser.add_argument("--steps", type=int, help="of a training (default 20, toy 6)")
    parser.add_argument("--limit", type=float, default=3600.0, metavar="SECONDS", help="for all of it")
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--no-packed", dest="packed", action="store_false", help="leave the last part out")
    parser.add_argument("--out", type=Path, help="a JSON file of all figures")
    parser.add_argument("--tokenizer", default="Qwen/Qwen3-30B-A3B", help="a folder or a hub name")
    parser.add_argument(
        "--work", type=Path, help="a new folder, kept with outputs and stacks (default: a temporary one)"
    )
    args = parser.parse_args()
    for name, (usual, toy) in {"layers": (8, 2), "rows": (16, 4), "steps": (20, 6)}.items():
        setattr(args, name, getattr(args, name) or (toy if args.toy else usual))
    if args.rows % 2 or args.steps < 4:
        parser.error("--rows must be even, for two GPUs; --steps 4 at least")
    if not args.toy and torch.cuda.device_count() < 2:
        parser.error("two CUDA GPUs are needed; --toy rehearses on a CPU")
    os.environ.setdefault("OMP_NUM_THREADS", "1" if args.toy else "8")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if args.toy:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as temporary:
        work = (args.work or Path(temporary)).resolve()
        work.mkdir(exist_ok=True)
        session = Session(args, work)
        try:
            session.run()
        finally:
            session.stop()
            found = {"settings": vars(args)} | summary(work)
            show(found, CONSOLE)
            if args.out:
                args.out.write_text(json.dumps(found, indent=1, default=str))


if __name__ == "__main__":
    main()
