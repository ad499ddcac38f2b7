from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcoder.errors import RecordError
from deepcoder.losses import trained_positions
from deepcoder.scores import Scores, example_hash, read_scores, score_files, scored, trained_tokens, write_scores


def made(name: str, tokens: int, k: int = 4, seed: int = 0) -> Scores:
    random = np.random.default_rng(seed)
    log_probs = -np.sort(random.exponential(3, (tokens, k)), 1)
    return Scores(name, random.integers(0, 150_000, (tokens, k)).astype(np.int32), log_probs.astype(np.float16))


def test_files_are_read_back_in_order(tmp_path: Path) -> None:
    rows = [made("a", 5, seed=1), made("b", 0), made("c", 2, seed=2), made("d", 7, seed=3)]
    write_scores(tmp_path, rows[:3], 4)
    write_scores(tmp_path, rows[3:], 4)
    assert [path.name for path in score_files(tmp_path)] == ["scores-00000.parquet", "scores-00001.parquet"]
    assert scored(tmp_path) == {"a", "b", "c", "d"}
    for row, found in zip(rows, read_scores(tmp_path), strict=True):
        assert found.example == row.example
        assert found.ids.dtype == np.int32
        assert found.log_probs.dtype == np.float16
        assert np.array_equal(found.ids, row.ids)
        assert np.array_equal(found.log_probs, row.log_probs)


def test_a_stored_token_takes_four_bytes_or_so(tmp_path: Path) -> None:
    path = write_scores(tmp_path, [made("a", 2000, k=20)], 20)
    assert path.stat().st_size / (2000 * 20) < 4.5


@given(st.floats(min_value=-30, max_value=0))
def test_rounding_moves_a_probability_by_less_than_two_in_ten_thousand(log_q: float) -> None:
    assert abs(np.exp(np.float64(np.float16(log_q))) - np.exp(log_q)) < 1.8e-4


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_the_trained_tokens_are_those_of_the_loss(spans: list[int]) -> None:
    assert trained_tokens(np.array(spans, np.int8)).tolist() == trained_positions(torch.tensor([spans]))[1].tolist()


def test_a_hash_is_of_tokens_and_spans_and_of_nothing_else() -> None:
    ids, spans = np.array([5, 6, 7], np.int32), np.array([0, 1, 2], np.int8)
    same = example_hash(ids.astype(np.int64), spans.astype(np.int64))  # type: ignore[arg-type]
    assert example_hash(ids, spans) == same
    assert example_hash(ids, np.array([0, 2, 2], np.int8)) != same
    assert example_hash(np.array([5, 6, 8], np.int32), spans) != same


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = write_scores(tmp_path, [made("a", 5)], 4)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordError, match="scores-00000"):
        list(read_scores(tmp_path))
    pq.write_table(pq.read_table(write_scores(tmp_path, [made("b", 1)], 4)).replace_schema_metadata(None), path)
    with pytest.raises(RecordError, match="scores-00000"):
        list(read_scores(tmp_path))
