"""What runs on a machine: the service and its keys, the sandbox, benchmark files, the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deepcoder.cli.options import ConfigArg, Overrides, RequiredConfig, resolve

commands = typer.Typer()
keys_app = typer.Typer(help="API keys of the service.", no_args_is_help=True)
sandbox_app = typer.Typer(help="Run untrusted Python in the sandbox.", no_args_is_help=True)
benchmarks_app = typer.Typer(help="Files of HumanEval, MBPP and EvalPlus.", no_args_is_help=True)
commands.add_typer(keys_app, name="keys")
commands.add_typer(sandbox_app, name="sandbox")
commands.add_typer(benchmarks_app, name="benchmarks")


@commands.command()
def serve(
    config: RequiredConfig,
    overrides: Overrides = None,
    host: Annotated[str | None, typer.Option(help="Default: serve.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: serve.port.")] = None,
) -> None:
    """The student as an agent behind an HTTP service."""
    from rich.console import Console

    from deepcoder.serve.command import serve as run_service

    extra = [f"serve.host={host}"] if host else []
    extra += [f"serve.port={port}"] if port is not None else []
    run_service(resolve(config, [*(overrides or []), *extra]), Console())


@commands.command()
def doctor(
    config: ConfigArg = None,
    overrides: Overrides = None,
    show_config: Annotated[bool, typer.Option("--config", help="Print every config key and its value.")] = False,
) -> None:
    """What this machine can do, what is missing, and the command that mends it."""
    from rich.console import Console

    from deepcoder.doctor import examine, print_config

    resolved = resolve(config, overrides)
    if show_config:
        print_config(resolved, Console())
    elif not examine(resolved, Console()):
        raise typer.Exit(1)


@keys_app.command("create")
def keys_create(name: str, config: ConfigArg = None, overrides: Overrides = None) -> None:
    """Create a key and print it once; only its hash is kept."""
    from deepcoder.serve.command import create_key

    print(create_key(resolve(config, overrides), name))


@keys_app.command("list")
def keys_list(config: ConfigArg = None, overrides: Overrides = None) -> None:
    """Names and dates of the keys; the keys themselves are stored nowhere."""
    from rich.console import Console

    from deepcoder.serve.command import print_keys

    print_keys(resolve(config, overrides), Console())


@keys_app.command("revoke")
def keys_revoke(name: str, config: ConfigArg = None, overrides: Overrides = None) -> None:
    """Revoke a key."""
    from deepcoder.serve.command import revoke_key

    revoke_key(resolve(config, overrides), name)
    print(f"revoked {name}")


@benchmarks_app.command("fetch")
def benchmarks_fetch(
    name: Annotated[str, typer.Argument(help="humaneval, mbpp, mbpp-sanitized, humaneval+, humaneval+mini or mbpp+.")],
    out: Annotated[Path, typer.Option(help="The folder for the file.")] = Path("benchmarks-data"),
) -> None:
    """Download a benchmark's file at a fixed revision and check its sha256."""
    from rich.console import Console

    from deepcoder.evaluate.downloads import fetch

    fetch(name, out, Console())


@sandbox_app.command("run")
def sandbox_run(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    config: ConfigArg = None,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object: status, stdout, stderr, ...")] = False,
) -> None:
    """Run FILE isolated: no network, no environment, no files of yours, limited."""
    import json

    from deepcoder.sandbox.command import run_file

    result = run_file(file, resolve(config, overrides).sandbox)
    if as_json:
        print(json.dumps(result))
    else:
        print(result["stdout"], end="")
        typer.echo(result["stderr"], nl=False, err=True)
        typer.echo(f"[{result['status']}, {result['wall_s']:.3f} s, {result['peak_mb']:.0f} MB]", err=True)
