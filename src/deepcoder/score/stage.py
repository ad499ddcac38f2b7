"""The stage: RUN/examples -> RUN/scores, one request an example.

Files are written in the order of the examples, each whole or not at all: `kill -9` costs at most `score.shard_rows`
examples and those in flight. An example is known by its hash, so that the next session scores what is missing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from deepcoder.config import Config
from deepcoder.errors import (
    AuthenticationError,
    ModelUnavailable,
    ProviderDown,
    ProviderError,
    QuotaExhausted,
    StageError,
)
from deepcoder.models.chatml import student_tokenizer
from deepcoder.runs import RunFolder
from deepcoder.score.server import ScoreServer
from deepcoder.score.vocabulary import Vocabulary
from deepcoder.scores import Scores, example_hash, read_scores, score_files, scored, trained_tokens, write_scores

# No other example can fare better after these.
_ENDS = (AuthenticationError, ModelUnavailable, ProviderDown, QuotaExhausted)
_AHEAD = 4  # examples that are asked for or wait to be written, for each request that may be in flight


@dataclass(frozen=True)
class _Example:
    problem_id: str
    input_ids: NDArray[np.int32]
    positions: NDArray[np.int64]
    hash: str


@dataclass
class _Failures:
    count: int = 0
    first: str = ""

    def add(self, example: _Example, error: ProviderError) -> None:
        self.first = self.first or f"{example.problem_id}: {error.message}"
        self.count += 1


def run(config: Config, folder: RunFolder, console: Console) -> dict[str, int | float | str]:
    """Score what the folder lacks; returns the counts.

    Raises ProviderError where the server cannot be used, AlignmentError where its vocabulary is not the student's,
    StageError where examples stayed without scores. After each, and after a kill, the folder can be resumed.
    """
    place = folder.stage("score")
    place.mkdir(parents=True, exist_ok=True)
    done, examples = scored(place), list(_examples(folder.stage("prepare")))
    missing = list({each.hash: each for each in examples if each.hash not in done}.values())
    if done:
        console.print(f"  {len(examples) - len(missing)} examples have their scores already", highlight=False)
    failures = _Failures()
    asyncio.run(_score(config, missing, place, failures, console))
    if failures.count:
        raise StageError(
            f"{failures.count} of {len(examples)} examples have no scores; the first is {failures.first}",
            hint="run the same command again; where a text is longer than the server's context, "
            "serve it with more (--max-model-len), or prepare with a lower student.max_length",
        )
    return _counts(place, config)


def outputs(folder: RunFolder) -> list[Path]:
    """The score files."""
    return score_files(folder.stage("score"))


async def _score(config: Config, examples: list[_Example], place: Path, failures: _Failures, console: Console) -> None:
    rows: list[Scores] = []
    server = ScoreServer(config.score, Vocabulary(student_tokenizer(config.student), str(config.score.model)))
    columns = (TextColumn("scores"), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("scores", total=len(examples))
            await server.preflight()
            async with aclosing(_in_order(server, examples, config.score.concurrency, failures)) as made:
                async for row in made:
                    rows.append(row)
                    progress.advance(task)
                    if len(rows) == config.score.shard_rows:
                        write_scores(place, rows, config.score.k)
                        rows = []
    finally:
        if rows:  # Ctrl-C and errors lose nothing that was answered in order
            write_scores(place, rows, config.score.k)
        await server.aclose()


async def _in_order(
    server: ScoreServer, examples: list[_Example], concurrency: int, failures: _Failures
) -> AsyncGenerator[Scores]:
    """The scores in the order of the examples, without those that failed."""

    async def one(example: _Example) -> Scores | None:
        try:
            return await _scores(server, example)
        except _ENDS:
            raise
        except ProviderError as error:
            failures.add(example, error)
            return None

    if not examples:
        return
    yield await _scores(server, examples[0])  # alone: what is wrong with the server itself shows here, and ends the run
    queue, under_way = iter(examples[1:]), deque[asyncio.Task[Scores | None]]()
    try:
        while True:
            while len(under_way) < _AHEAD * concurrency and (example := next(queue, None)) is not None:
                under_way.append(asyncio.create_task(one(example)))
            if not under_way:
                return
            if (row := await under_way.popleft()) is not None:
                yield row
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _scores(server: ScoreServer, example: _Example) -> Scores:
    top = await server.score(example.input_ids.tolist(), example.positions.tolist())
    return Scores(example.hash, top.ids, top.log_probs)


def _examples(folder: Path) -> Iterator[_Example]:
    """The prepared examples in their order."""
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(1024, columns=["problem_id", "input_ids", "span_ids"]):
                for problem_id, tokens, spans in zip(*batch.columns, strict=True):
                    input_ids = tokens.values.to_numpy().astype(np.int32)
                    span_ids = spans.values.to_numpy().astype(np.int8)
                    positions = trained_tokens(span_ids)
                    if len(positions):
                        yield _Example(problem_id.as_py(), input_ids, positions, example_hash(input_ids, span_ids))


def _counts(place: Path, config: Config) -> dict[str, int | float | str]:
    examples = tokens = 0
    covered = 0.0
    for row in read_scores(place):
        examples += 1
        tokens += len(row.ids)
        covered += float(np.exp(row.log_probs.astype(np.float64)).sum())
    size = sum(path.stat().st_size for path in score_files(place))
    return {
        "examples": examples, "tokens": tokens, "k": config.score.k, "model": str(config.score.model),
        "probability in the top k": round(covered / max(1, tokens), 4),
        "bytes a token": round(size / max(1, tokens), 1),
    }  # fmt: skip
