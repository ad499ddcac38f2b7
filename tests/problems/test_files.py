"""MBPP, HumanEval and JSONL: what is read, what is hidden, what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.problems.trusted_run import Solve, run_trusted

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ProblemError
from deepcoder.problems import open_source
from deepcoder.problems.difficulty import statements
from deepcoder.records import AnswerCheck, TestsCheck

Write = Callable[[str, str], Path]
MBPP_ROW = {
    "task_id": 3,
    "text": "Write a function to add.",
    "code": "def helper(x):\r\n    return x\r\ndef add(a, b=1):\r\n    return helper(a) + b",
    "test_setup_code": "",
    "test_list": ["assert (add(1, 2)) == 3", "assert add(4) == 5"],
}
HUMANEVAL_ROW = {
    "task_id": "HumanEval/0",
    "prompt": 'def inc(x: int) -> int:\n    """ Add one. """\n',
    "entry_point": "inc",
    "canonical_solution": "    return x + 1\n",
    "test": "def check(candidate):\n    assert candidate(1) == 2\n",
}


def open_file(source: str, path: Path, **more: object):
    return open_source(ProblemsConfig(source=source, path=path, **more))


def test_mbpp_names_the_function_and_hides_code_and_tests(write: Write, solve: Solve):
    source = open_file("mbpp", write("m.jsonl", json.dumps(MBPP_ROW)))
    [problem] = source.problems("all")
    assert problem.problem_id == "mbpp/3"
    assert "`add(a, b=1)`" in problem.prompt
    assert "assert" not in problem.prompt
    assert "return" not in problem.prompt
    assert isinstance(problem.check, TestsCheck)
    assert problem.check.entry_point == "add"
    answer, steps = solve(source.policy("mbpp/3"))
    assert len(steps) == 1
    assert answer.startswith("```python\ndef helper")
    program = answer.removeprefix("```python\n").removesuffix("\n```")
    assert run_trusted(f"{program}\n{problem.check.tests}\nprint('fine')") == "fine"


def test_mbpp_sanitized_array_and_gzip_read_alike(tmp_path: Path):
    row = {**MBPP_ROW, "prompt": MBPP_ROW["text"], "test_imports": ["import math"]}
    del row["text"], row["test_setup_code"]
    path = tmp_path / "s.json.gz"
    path.write_bytes(gzip.compress(json.dumps([row]).encode()))
    [problem] = open_file("mbpp", path).problems("all")
    assert problem.check.setup == "import math"


def test_humaneval_prompt_is_the_preamble(write: Write, solve: Solve):
    source = open_file("humaneval", write("h.jsonl", json.dumps(HUMANEVAL_ROW)))
    [problem] = source.problems("all")
    assert problem.check.preamble == HUMANEVAL_ROW["prompt"]
    assert "x + 1" not in problem.prompt
    assert "candidate" not in problem.prompt
    answer, _ = solve(source.policy("HumanEval/0"))
    assert "return x + 1" in answer


def test_jsonl_takes_both_forms(write: Write):
    rows = [
        {"problem_id": "a", "prompt": "2+2?", "answer": 4},
        {"problem_id": "b", "prompt": "Write f.", "tests": "assert f()", "entry_point": "f"},
    ]
    source = open_file("jsonl", write("p.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"))
    first, second = source.problems("all")
    assert first.check == AnswerCheck(answer="4")
    assert second.check == TestsCheck(entry_point="f", tests="assert f()")
    assert source.policy("a") is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('{"problem_id": "a", "prompt": "x"}', [":1", "'answer'", "missing"]),
        ('{"problem_id": "a", "prompt": "x", "answer": "1", "tests": "t"}', ["'answer'", "both"]),
        ('{"problem_id": "a", "prompt": "x", "tests": "t"}', ["'entry_point'", "missing"]),
        ('{"problem_id": "a", "prompt": 3, "answer": "1"}', ["'prompt'", "string"]),
        ('{"problem_id": "a", "prompt": "x", "anser": "1"}', ["'anser'", "unknown"]),
        ("{", [":1", "JSON"]),
        ("[1]", [":1", "object"]),
    ],
)
def test_bad_rows_name_file_line_and_field(write: Write, row: str, words: list[str]):
    with pytest.raises(ProblemError) as caught:
        open_file("jsonl", write("bad.jsonl", row))
    assert "bad.jsonl" in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_duplicate_ids_and_missing_files_are_refused(write: Write, tmp_path: Path):
    row = '{"problem_id": "a", "prompt": "x", "answer": "1"}\n'
    with pytest.raises(ProblemError, match="'a' occurs twice"):
        open_file("jsonl", write("twice.jsonl", row * 2))
    with pytest.raises(ProblemError, match="does not exist"):
        open_file("mbpp", tmp_path / "none.jsonl")
    with pytest.raises(ProblemError, match="no problem"):
        open_file("jsonl", write("empty.jsonl", ""))
    with pytest.raises(ProblemError, match=r"problems\.path"):
        open_source(ProblemsConfig(source="humaneval"))


def test_limit_and_unknown_split(write: Write):
    rows = "".join(json.dumps({"problem_id": str(i), "prompt": "x", "answer": "1"}) + "\n" for i in range(5))
    source = open_file("jsonl", write("p.jsonl", rows), limit=2)
    assert [problem.problem_id for problem in source.problems("all")] == ["0", "1"]
    with pytest.raises(ProblemError, match="no split 'train'"):
        list(source.problems("train"))


def test_the_real_benchmark_files(shared: Path):
    mbpp = open_file("mbpp", shared / "data/mbpp/mbpp.jsonl")
    problems = list(mbpp.problems("all"))
    assert len(problems) == 974
    assert not any("assert" in problem.prompt for problem in problems)
    assert all(mbpp.policy(problem.problem_id) is not None for problem in problems)
    assert len(list(open_file("mbpp", shared / "data/mbpp/sanitized-mbpp.json").problems("all"))) == 427
    assert len(list(open_file("humaneval", shared / "data/humaneval/HumanEval.jsonl.gz").problems("all"))) == 164


def test_difficulty_is_the_length_of_the_reference_solution(write: Write):
    [mbpp] = open_file("mbpp", write("m.jsonl", json.dumps(MBPP_ROW))).problems("all")
    [humaneval] = open_file("humaneval", write("h.jsonl", json.dumps(HUMANEVAL_ROW))).problems("all")
    row = {key: value for key, value in HUMANEVAL_ROW.items() if key != "canonical_solution"}
    [unknown] = open_file("humaneval", write("u.jsonl", json.dumps(row))).problems("all")
    assert (mbpp.difficulty, humaneval.difficulty, unknown.difficulty) == (4, 1, 0)


@pytest.mark.parametrize(
    ("code", "given", "count"),
    [
        ("x = 1; y = 2\n\n# note\nz = 3", "", 3),
        ('def f():\n    """Doc."""\n    return 1', 'def f():\n    """Doc."""', 1),
        ("(", "", 0),
    ],
)
def test_statements(code: str, given: str, count: int):
    assert statements(code, given=given) == count
