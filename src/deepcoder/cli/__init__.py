"""The command line. Each command imports what it needs when it runs, so that --help is quick."""

from __future__ import annotations

import os
from typing import NoReturn

import typer

from deepcoder.cli import machine, results, stages

app = typer.Typer(
    name="deepcoder",
    help="Distil an agentic coder from a large reasoning model into a small student.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich for it would cost 80 ms
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (stages, results, machine):
    app.add_typer(group.commands)


def _fail(message: str, hint: str) -> NoReturn:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text("error: ", style="bold red") + Text(message, style="default"))
    if hint:
        console.print(Text("  fix: ", style="bold") + Text(hint, style="default"))
    raise SystemExit(1)


def main() -> None:
    """Entry point: expected errors are printed with their fix and exit with 1; Ctrl-C exits with 130."""
    from deepcoder.errors import DeepCoderError

    # Read when torch loads OpenMP. Its threads spin for milliseconds while they wait and take the cores from the
    # sandbox's processes and from each other: that cost training on two busy cores a factor of five. To sleep at
    # once costs nano's training on two idle ones a quarter or more: its pieces of work are shorter than a waking.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        app()
    except DeepCoderError as error:
        _fail(error.message, error.hint)
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            typer.echo("stopped; the same command goes on from here", err=True)
        raise
