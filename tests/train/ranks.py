"""Training in processes of its own: one that a test may kill, or several ranks under torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from deepcoder.config import Config

CHILD = """
import sys
from pathlib import Path
from rich.console import Console
from deepcoder.config import load_config
from deepcoder.runs import RunFolder
from deepcoder.train import run
config = load_config(Path(sys.argv[1]))
run(config, RunFolder(config), Console())
"""


def environment() -> dict[str, str]:
    """One thread a process: several share the machine."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def write_recipe(folder: Path, config: Config) -> Path:
    """The recipe that CHILD reads."""
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(config.model_dump(mode="json")))
    return path


def with_ranks(folder: Path, config: Config, ranks: int = 2) -> str:
    """Train as so many processes do; what they said."""
    child = folder / "child.py"
    child.write_text(CHILD)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    done = subprocess.run(
        [sys.executable, *launch, str(child), str(write_recipe(folder, config))],
        capture_output=True, text=True, timeout=900, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
