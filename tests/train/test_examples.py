from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepcoder.errors import StageError
from deepcoder.losses import trained_positions
from deepcoder.records import Span
from deepcoder.train.examples import Collator, MaskErrorSteps, hold_out, read_examples
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


# --- steps that failed ----------------------------------------------------------------------------

FAILED = ([5, 6, 7, 8, 9, 10], [0, 1, 2, 3, 1, 2])  # of write_examples: an error is the answer to the first step


@pytest.mark.parametrize(
    ("which", "trained"), [("none", [0, 1, 2, 3, 1, 2]), ("act", [0, 1, 0, 3, 1, 2]), ("all", [0, 0, 0, 3, 1, 2])]
)
def test_steps_answered_by_an_error_are_masked(tmp_path: Path, which: MaskErrorSteps, trained: list[int]) -> None:
    write_examples(tmp_path, [FAILED, FAILED])
    examples = read_examples(tmp_path, mask_error_steps=which)
    batch = Collator(examples, 0)([0, 1])
    assert batch["span_ids"].tolist() == [trained, FAILED[1]]  # the second one's steps all went well
    assert examples.spans.tolist() == FAILED[1] * 2
    for span in (Span.REASON, Span.ACT):
        assert examples.span_lengths(span).tolist() == [trained.count(span), FAILED[1].count(span)]


def test_masking_needs_the_steps(tmp_path: Path) -> None:
    pq.write_table(pa.table({"problem_id": ["a"], "input_ids": [[1, 2]], "span_ids": [[0, 2]]}), tmp_path / "x.parquet")
    assert len(read_examples(tmp_path)) == 1
    with pytest.raises(StageError, match="no column step_errors, step_ids") as caught:
        read_examples(tmp_path, mask_error_steps="all")
    assert "mask_error_steps=none" in caught.value.hint


# --- held-out problems ----------------------------------------------------------------------------


def test_problems_are_held_out_whole_and_whatever_else_is_there() -> None:
    rows = random_rows(200)
    examples = replace(example_set(rows), problem_ids=tuple(f"problem-{i // 2}" for i in range(200)))
    trained, held_out = hold_out(examples, 0.25)
    assert sorted([*trained, *held_out]) == list(range(200))
    assert 0.15 < len(held_out) / 200 < 0.35
    assert {i // 2 for i in held_out}.isdisjoint(i // 2 for i in trained)
    fewer = replace(example_set(rows[:100]), problem_ids=examples.problem_ids[:100])
    assert hold_out(fewer, 0.25)[1].tolist() == [i for i in held_out if i < 100]


def test_nothing_is_held_out_at_0() -> None:
    trained, held_out = hold_out(example_set(random_rows(3)), 0)
    assert trained.tolist() == [0, 1, 2]
    assert held_out.tolist() == []


@pytest.mark.parametrize(("fraction", "missing"), [(1e-9, "hold out"), (1 - 1e-9, "train")])
def test_a_split_with_an_empty_side_is_refused(fraction: float, missing: str) -> None:
    with pytest.raises(StageError, match=f"of 3 problems leaves none to {missing}"):
        hold_out(example_set(random_rows(3)), fraction)


# --- micro-batches --------------------------------------------------------------------------------


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
