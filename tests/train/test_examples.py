from __future__ import annotations

from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepcoder.errors import StageError
from deepcoder.losses import trained_positions
from deepcoder.records import Span
from deepcoder.train.examples import Collator, read_examples
from tests.train.students import example_set, random_rows, write_examples


def test_parquet_is_read_back_in_order(tmp_path: Path) -> None:
    rows = random_rows(7)
    write_examples(tmp_path, rows[:4], "part-00000.parquet")
    write_examples(tmp_path, rows[4:], "part-00001.parquet")
    examples = read_examples(tmp_path)
    assert len(examples) == 7
    assert examples.lengths.tolist() == [len(ids) for ids, _ in rows]
    assert examples.tokens.tolist() == list(chain.from_iterable(ids for ids, _ in rows))
    assert examples.spans.tolist() == list(chain.from_iterable(spans for _, spans in rows))
    assert examples.span_lengths(Span.ACT).tolist() == [spans.count(2) for _, spans in rows]


def test_sliced_and_chunked_columns_are_read(tmp_path: Path) -> None:
    rows = random_rows(6)
    table = pa.table(
        {"problem_id": list("abcdef"), "input_ids": [r[0] for r in rows], "span_ids": [r[1] for r in rows]}
    )
    pq.write_table(table.slice(1, 4), tmp_path / "x.parquet", row_group_size=2)
    examples = read_examples(tmp_path)
    assert examples.problem_ids == ("b", "c", "d", "e")
    assert Collator(examples, 0)([2])["input_ids"][0].tolist() == rows[3][0]


@pytest.mark.parametrize(
    ("rows", "vocabulary", "message"),
    [
        ([], None, "no examples"),
        ([([1, 2, 3], [0, 1])], None, "differ in length"),
        ([([1, 2], [0, 7])], None, "0..3"),
        ([([1, 99], [0, 1])], 50, "vocabulary of 50"),
    ],
)
def test_unusable_examples_are_refused(
    tmp_path: Path, rows: list[tuple[list[int], list[int]]], vocabulary: int | None, message: str
) -> None:
    if rows:
        write_examples(tmp_path, rows)
    with pytest.raises(StageError, match=message):
        read_examples(tmp_path, vocabulary=vocabulary)


def test_padding_is_on_the_right_masked_and_untrained() -> None:
    batch = Collator(example_set([([5, 6, 7], [0, 1, 2]), ([8], [0])]), pad_token_id=9)([0, 1])
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["span_ids"].tolist() == [[0, 1, 2], [0, 0, 0]]


def test_a_pad_token_that_ends_turns_is_trained_in_the_text_and_nowhere_else() -> None:
    end = 7
    batch = Collator(example_set([([5, 6, end], [0, 2, 2]), ([5, 6, 6, 6, end], [0, 2, 2, 2, 2])]), end)([0, 1])
    _, tokens = trained_positions(batch["span_ids"])
    assert batch["input_ids"].flatten()[tokens].tolist() == [6, end, 6, 6, 6, end]
