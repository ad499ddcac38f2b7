"""Hugging Face datasets: columns to fields, what is refused, and the library itself on local files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ProblemError
from deepcoder.problems import open_source
from deepcoder.problems.huggingface import mapped_problems
from deepcoder.records import AnswerCheck, Problem, TestsCheck

QUESTION = {"prompt": "question", "answer": "solution"}


def config(fields: dict[str, str] | None = None, **more: Any) -> ProblemsConfig:
    return ProblemsConfig(source="huggingface", **{"name": "org/x", "fields": fields or {}, **more})


def mapped(row: dict[str, Any], fields: dict[str, str] | None = None, **more: Any) -> Problem:
    [problem] = mapped_problems([row], config(fields, **more))
    return problem


def refused(row: dict[str, Any], fields: dict[str, str] | None = None, **more: Any) -> str:
    with pytest.raises(ProblemError) as caught:
        mapped(row, fields, **more)
    return str(caught.value)


def test_columns_are_mapped_and_the_rest_is_left_out():
    problem = mapped({"question": "1+1?", "solution": "2", "other": 0}, QUESTION)
    assert (problem.problem_id, problem.prompt, problem.check) == ("org/x/0", "1+1?", AnswerCheck(answer="2"))
    assert (problem.family, problem.difficulty, problem.source) == ("org/x", 0, "org/x[train] row 0")


def test_without_a_mapping_columns_of_the_fields_own_names_are_taken():
    problem = mapped({"prompt": "1+1?", "answer": 2, "problem_id": 7, "difficulty": None, "extra": []})
    assert (problem.problem_id, problem.check) == ("7", AnswerCheck(answer="2"))


def test_lists_of_asserts_are_joined():
    row = {"text": "Write f.", "test_list": ["assert f(1)", "assert f(2)"], "imports": ["import math"], "name": "f"}
    fields = {"prompt": "text", "tests": "test_list", "setup": "imports", "entry_point": "name"}
    assert mapped(row, fields).check == TestsCheck(
        entry_point="f", setup="import math", tests="assert f(1)\nassert f(2)"
    )


def test_a_field_inside_a_column():
    row = {"question": "?", "solution": {"final": {"value": "4"}}}
    assert mapped(row, {"prompt": "question", "answer": "solution.final.value"}).check == AnswerCheck(answer="4")
    assert "no column 'solution.last'" in refused(row, {"prompt": "question", "answer": "solution.last"})


@pytest.mark.parametrize(
    ("value", "levels", "level"), [("hard", {"hard": 3}, 3), (1800, {}, 1800), ("4", {}, 4), (2.0, {}, 2)]
)
def test_difficulty(value: Any, levels: dict[str, int], level: int):
    row = {"question": "?", "solution": "1", "level": value, "topic": 3}
    problem = mapped(row, {**QUESTION, "difficulty": "level", "family": "topic"}, levels=levels)
    assert (problem.difficulty, problem.family) == (level, "3")


def test_the_answer_behind_a_mark():
    row = {"question": "?", "solution": "Two and #### two are\n#### 4"}
    assert mapped(row, QUESTION, answer_after="####").check == AnswerCheck(answer="4")
    assert "'solution' has no '==' before an answer" in refused(row, QUESTION, answer_after="==")


@pytest.mark.parametrize(
    ("row", "fields", "words"),
    [
        ({"questoin": "?", "solution": "1"}, QUESTION, ["column 'question'", "'prompt'", "mean 'questoin'"]),
        ({"question": "?", "solution": "1"}, {}, ["mapped to 'prompt'", "columns: question, solution"]),
        ({"question": "?"}, {"prompt": "question"}, ["mapped to 'answer' or 'tests'", "columns: question"]),
        ({"q": "?", "t": "x"}, {"prompt": "q", "tests": "t"}, ["mapped to 'entry_point'", "columns: q, t"]),
        ({"q": "?", "a": "1"}, {"prompt": "q", "anser": "a"}, ["'anser' is no field", "answer"]),
        ({"q": 3, "a": "1"}, {"prompt": "q", "answer": "a"}, ["row 0", "'prompt' must be a string"]),
        ({"q": "?", "a": None}, {"prompt": "q", "answer": "a"}, ["row 0", "'answer' is missing"]),
        (
            {"q": "?", "a": "1", "level": "hard"},
            {"prompt": "q", "answer": "a", "difficulty": "level"},
            ["'level' is 'hard'", "problems.levels='{hard: 1"],
        ),
    ],
)  # fmt: skip
def test_errors_name_the_column_and_the_choices(row: dict[str, Any], fields: dict[str, str], words: list[str]):
    message = refused(row, fields)
    assert all(word in message for word in words), message


def test_no_row_beyond_the_limit_is_read():
    def rows() -> Iterator[dict[str, Any]]:
        yield {"question": "?", "solution": "1"}
        raise AssertionError("read on")

    assert len(list(mapped_problems(rows(), config(QUESTION, limit=1)))) == 1


# --- the library ------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as one clones it from the hub: Parquet files of two splits."""
    pytest.importorskip("datasets")
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "sums"
    folder.mkdir()
    for split, count in (("train", 5), ("test", 2)):
        rows = [{"question": f"{n}+{n}?", "solution": str(2 * n), "level": "easy"} for n in range(count)]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("streaming", [False, True])
def test_a_local_folder_with_its_splits(dataset: Path, streaming: bool):
    fields = {**QUESTION, "difficulty": "level"}
    test = config(fields, name=str(dataset), dataset_split="test", levels={"easy": 1}, streaming=streaming)
    problems = list(open_source(test).problems("all"))
    assert [problem.problem_id for problem in problems] == ["sums/0", "sums/1"]
    assert {problem.difficulty for problem in problems} == {1}
    limited = test.model_copy(update={"dataset_split": "train", "limit": 3})
    assert len(list(open_source(limited).problems("all"))) == 3
    with pytest.raises(ProblemError, match=r"no column 'q' for field 'prompt'.*\n.*level, question, solution"):
        open_source(test.model_copy(update={"fields": {"prompt": "q", "answer": "solution"}}))
    with pytest.raises(ProblemError, match=r"split 'dev'.*cannot be loaded.*"):
        open_source(test.model_copy(update={"dataset_split": "dev"}))


@pytest.mark.slow
def test_a_file_by_its_type(dataset: Path, tmp_path: Path):
    parquet = config(QUESTION, name="parquet", path=dataset / "test-00000-of-00001.parquet")
    assert [problem.prompt for problem in open_source(parquet).problems("all")] == ["0+0?", "1+1?"]
    (tmp_path / "d.jsonl").write_text(json.dumps({"question": "1+1?", "solution": "2"}) + "\n")
    [problem] = open_source(config(QUESTION, name="json", path=tmp_path / "d.jsonl")).problems("all")
    assert problem.problem_id == "d/0"


def test_a_name_is_needed():
    with pytest.raises(ProblemError, match=r"problems\.name is not set"):
        open_source(config(name=None))
