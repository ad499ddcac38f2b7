"""`deepcoder demo`: configs/demo.yaml, whole; then what to do next.

The recipe is the same file that a user edits: nothing here differs from `deepcoder run configs/demo.yaml`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from deepcoder.config import load_config
from deepcoder.errors import ConfigError
from deepcoder.pipeline import run_all

RECIPE = Path("configs/demo.yaml")


def run_demo(overrides: Sequence[str], console: Console) -> None:
    """Run every stage of the demo recipe and say where the results are."""
    if not RECIPE.is_file():
        raise ConfigError(f"{RECIPE} is not here", hint="run the demo in the folder of the clone")
    config = load_config(RECIPE, overrides)
    start = time.monotonic()
    run_all(config, console)
    console.print(
        f"\nAll four stages are done ({time.monotonic() - start:.0f} s in this session). The report: "
        f"{config.run.dir}/evaluation/report.html\n"
        f"Look at what was trained:  .venv/bin/deepcoder view {config.run.dir} --spans\n"
        f"Talk to the student:       .venv/bin/deepcoder keys create me && .venv/bin/deepcoder serve {RECIPE}",
        soft_wrap=True,
        highlight=False,
    )
