"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deepcoder.config import Config

ConfigArg = Annotated[
    Path | None, typer.Argument(metavar="CONFIG", help="A recipe, such as configs/demo.yaml.", show_default=False)
]
RequiredConfig = Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe, such as configs/demo.yaml.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Overrides, such as run.dir=runs/mine.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Delete what this stage made before, and start anew.")]


def resolve(path: Path | None, overrides: list[str] | None) -> Config:
    """The config of CONFIG and its overrides; where CONFIG is left out, its place holds the first override."""
    from deepcoder.config import load_config

    if path is not None and "=" in str(path) and not path.exists():
        return load_config(None, [str(path), *(overrides or [])])
    return load_config(path, overrides or [])
