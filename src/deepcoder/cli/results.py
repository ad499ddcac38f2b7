"""What runs have made: seen, compared, packed, shared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
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


@commands.command()
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


@commands.command()
def compact(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")],
) -> None:
    """Turn a run's JSONL shards into Parquet; everything reads both, and generate still resumes."""
    from deepcoder.trajectories import compact as compact_folder

    done = compact_folder(run_dir / "trajectories")
    size = f"{done.before / 1e6:.1f} -> {done.after / 1e6:.1f} MB"
    print(f"{done.trajectories:,} trajectories of {done.files} files: {size}" if done.files else "nothing to compact")


@commands.command()
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


@commands.command()
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
