"""`deepcoder view --spans`: examples as coloured tokens, so that the mask can be seen.

On a terminal each span has its colour, in two shades by turns so that token borders show. Piped, or without
colour, each run of tokens of one span is a line `== REASON 12` above its text, tokens parted by "|".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from deepcoder.config import StudentConfig, load_config
from deepcoder.errors import StageError
from deepcoder.models.chatml import student_tokenizer
from deepcoder.prepare.stage import outputs
from deepcoder.records import Example, Span
from deepcoder.runs import RunFolder
from deepcoder.view.spans import visible

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# two shades a span: even and odd tokens
_STYLES = {
    Span.PROMPT: ("bright_black", "bright_black"),
    Span.REASON: ("black on #9ecbff", "black on #c8e1ff"),
    Span.ACT: ("black on #8fdf9f", "black on #bef5cb"),
    Span.OBSERVATION: ("yellow", "yellow"),
}
_MEANING = {
    Span.PROMPT: "context",
    Span.REASON: "trained, lambda_reason",
    Span.ACT: "trained, lambda_act",
    Span.OBSERVATION: "context",
}


class Piece(NamedTuple):
    """Tokens shown together: one, or the few that make up one character."""

    text: str
    span: Span
    tokens: int


def view_tokens(run_dir: Path, console: Console, *, problem_id: str | None = None, count: int = 3) -> None:
    """Print the tokens of `count` examples of the run, those of one problem where `problem_id` is given.

    Raises StageError where the run or the problem is not there.
    """
    config_file = run_dir / "config.yaml"
    if not config_file.exists():
        raise StageError(f"{run_dir} is not a run folder: it has no config.yaml", hint="deepcoder generate makes one")
    folder = RunFolder(load_config(config_file, [f"run.dir={run_dir}"]))
    if not _show_examples(folder, console, problem_id, count):
        where = f" of problem {problem_id!r}" if problem_id else ""
        raise StageError(f"no example{where} in {run_dir}", hint="run deepcoder prepare first")


def _show_examples(folder: RunFolder, console: Console, problem_id: str | None, count: int) -> int:
    manifest = folder.manifest("prepare")
    if manifest is None:
        return 0
    # The tokenizer that made them, which the config may not name any more.
    keys = {
        key.removeprefix("student."): value for key, value in manifest.settings.items() if key.startswith("student.")
    }
    tokenizer: PreTrainedTokenizerFast | None = None
    shown = 0
    for example in islice(read_examples(outputs(folder), problem_id), count):
        tokenizer = tokenizer or student_tokenizer(StudentConfig.model_validate(keys))
        show_example(example, tokenizer, console)
        shown += 1
    return shown


def read_examples(paths: Sequence[Path], problem_id: str | None = None) -> Iterator[Example]:
    """The examples of some shards, in order; only those of one problem where `problem_id` is given."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(256, columns=list(Example.model_fields)):
                for row in batch.to_pylist():
                    if problem_id is None or row["problem_id"] == problem_id:
                        yield Example.model_validate(row)


def show_example(example: Example, tokenizer: PreTrainedTokenizerFast, console: Console) -> None:
    """One example: its tokens with their spans, a legend and the counts."""
    console.print(Rule(Text(example.problem_id)))
    found = pieces(example, tokenizer)
    if console.color_system is None:
        for line in marked(found):
            console.print(Text(line), soft_wrap=True)
    else:
        console.print(coloured(found), soft_wrap=True)
    console.print(_legend(example), soft_wrap=True)


def pieces(example: Example, tokenizer: PreTrainedTokenizerFast) -> list[Piece]:
    """The tokens as text; tokens that are bytes of one character are shown as that character."""
    found: list[Piece] = []
    waiting: list[int] = []
    last = len(example.input_ids) - 1
    for index, (token, span) in enumerate(zip(example.input_ids, example.span_ids, strict=True)):
        waiting.append(token)
        text = str(tokenizer.decode(waiting, clean_up_tokenization_spaces=False))
        if not text.endswith("\ufffd") or len(waiting) == 4 or index == last or example.span_ids[index + 1] != span:
            found.append(Piece(visible(text), Span(span), len(waiting)))
            waiting = []
    return found


def coloured(found: Sequence[Piece]) -> Text:
    """The pieces in the colours of their spans."""
    text = Text()
    for index, piece in enumerate(found):
        text.append(piece.text, style=_STYLES[piece.span][index % 2])
    return text


def marked(found: Sequence[Piece]) -> Iterator[str]:
    """The pieces without colour: a line with span and token count above each run."""
    for span, group in groupby(found, key=lambda piece: piece.span):
        run = list(group)
        yield f"== {span.name} {sum(piece.tokens for piece in run)}"
        yield "|".join(piece.text for piece in run)


def _legend(example: Example) -> Text:
    counts = Counter(example.span_ids)
    text = Text(f"{len(example.input_ids)} tokens: ", style="bold")
    for span in Span:
        text.append(f"{span.name} {counts[span]}", style=_STYLES[span][0])
        text.append(f" ({_MEANING[span]})  ")
    return text
