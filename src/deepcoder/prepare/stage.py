"""The stage: RUN/trajectories -> RUN/examples/examples-*.parquet.

Deterministic and quick (hundreds of trajectories a second), so a stage that was cut short starts over;
every shard is written beside and renamed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deepcoder.config import Config
from deepcoder.errors import AlignmentError, StageError
from deepcoder.models.chatml import student_tokenizer
from deepcoder.prepare.align import Aligner, Refusal
from deepcoder.prepare.build import Prepared, Tally, prepare
from deepcoder.records import Trajectory
from deepcoder.runs import RunFolder, write_atomic
from deepcoder.trajectories import read_rejected, read_trajectories

SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("trajectory_id", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("span_ids", pa.list_(pa.int8())),
        # the step of every token, -1 outside of steps; and each step's error, "" for none
        ("step_ids", pa.list_(pa.int32())),
        ("step_errors", pa.list_(pa.string())),
    ]
)


def outputs(folder: RunFolder) -> list[Path]:
    """The example shards."""
    return sorted(folder.stage("prepare").glob("examples-*.parquet"))


def run(config: Config, folder: RunFolder, console: Console) -> dict[str, int | float | str]:
    """Prepare every trajectory of the run that is training data; returns the counts for the manifest.

    Raises AlignmentError where the tokenizer cannot be used or no trajectory gives an example, and
    StageError where there are no trajectories.
    """
    from deepcoder.agent import first_message, offers_of

    for path in outputs(folder):
        path.unlink()
    aligner = Aligner(student_tokenizer(config.student))
    tally, offers = Tally(), offers_of(config)
    examples = prepare(
        _trained(config, folder.stage("generate")),
        aligner,
        first_message=lambda problem: first_message(problem, config.student.instructions, offers),
        max_length=config.student.max_length,
        tally=tally,
    )
    _write_shards(_shown(examples, console), folder.stage("prepare"), config.prepare.shard_rows)
    _report(tally, config, console)
    return tally.counts()


def _trained(config: Config, place: Path) -> Iterator[Trajectory]:
    """The verified trajectories; those of an on-policy round, scored ones among them, by problem.

    A round's order must not hang on which run ended first: the training on it is to be the same each time.
    """
    if config.generate.rollout.student is None:
        return read_trajectories(place)
    runs = (run for run in chain(read_trajectories(place), read_rejected(place)) if run.trained)
    return iter(sorted(runs, key=lambda run: run.problem_id))


def _write_shards(examples: Iterator[Prepared], target: Path, rows: int) -> None:
    for number, first in enumerate(examples):
        shard = chain([first], islice(examples, rows - 1))
        write_atomic(target / f"examples-{number:05d}.parquet", _parquet(list(shard)))


def _parquet(examples: list[Prepared]) -> bytes:
    columns = {
        "problem_id": [item.trajectory.problem_id for item in examples],
        "trajectory_id": [item.trajectory.trajectory_id for item in examples],
        "input_ids": [item.tokens.input_ids for item in examples],
        "span_ids": [item.tokens.span_ids for item in examples],
        "step_ids": [item.tokens.step_ids for item in examples],
        "step_errors": [[step.error or "" for step in item.trajectory.steps] for item in examples],
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()


def _shown(examples: Iterator[Prepared], console: Console) -> Iterator[Prepared]:
    columns = (TextColumn("examples"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("examples", total=None)
        for example in examples:
            progress.advance(task)
            yield example


def _report(tally: Tally, config: Config, console: Console) -> None:
    for reason, names in tally.named.items():
        more = ", ..." if tally.refused[reason] > len(names) else ""
        console.print(f"  refused, {reason}: {tally.refused[reason]} ({', '.join(names)}{more})", soft_wrap=True)
    if not tally.trajectories:
        raise StageError("there are no verified trajectories to prepare", hint="look at the counts of generate")
    if not tally.examples:
        reasons = ", ".join(f"{reason} {count}" for reason, count in tally.refused.items())
        raise AlignmentError(
            f"none of {tally.trajectories} trajectories gave an example ({reasons})", hint=_hint(tally, config)
        )


def _hint(tally: Tally, config: Config) -> str:
    if tally.refused[Refusal.TOO_LONG]:
        return f"raise student.max_length (now {config.student.max_length})"
    if tally.refused[Refusal.TEMPLATE] and config.student.template == "native":
        return "this model's own template rewrites messages: set student.template=chatml"
    return "look at one: deepcoder view RUN --problem ID"
