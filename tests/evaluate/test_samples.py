from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deepcoder.config import Config
from deepcoder.errors import ConfigError, ProblemError
from deepcoder.evaluate import evaluate_samples
from deepcoder.evaluate.benchmarks import read_benchmark, task_key

HUMANEVAL = [
    {
        "task_id": f"HumanEval/{number}", "entry_point": "f", "canonical_solution": f"    return x + {number}\n",
        "prompt": "def f(x):\n    '''adds'''\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {number + 1}\n",
    }
    for number in range(3)
]  # fmt: skip
MBPP = [
    {
        "task_id": number, "text": "Write f.", "code": f"def f(x):\n    return x + {number}", "test_setup_code": "",
        "test_list": [f"assert f(1) == {number + 1}"], "challenge_test_list": [],
    }
    for number in (2, 3)
]  # fmt: skip
PLUS = [
    {
        "task_id": "HumanEval/0", "prompt": "def f(x):\n    '''halves'''\n", "canonical_solution": "    return x / 2\n",
        "entry_point": "f", "base_input": [[1], [2]], "plus_input": [[3], [10**6]], "atol": 0, "contract": "",
    }
]  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def go(tmp_path: Path) -> Any:
    """Judges samples; returns summary, rows and what was printed."""

    def judge(benchmark: str, problems: list[dict[str, Any]], samples: list[dict[str, Any]]) -> Any:
        out, text = tmp_path / "out", io.StringIO()
        summary = evaluate_samples(
            benchmark, write(tmp_path / "problems.jsonl", problems), write(tmp_path / "samples.jsonl", samples), out,
            Config(), Console(file=text, width=200),
        )  # fmt: skip
        rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
        assert json.loads((out / "summary.json").read_text()) == summary
        return summary, rows, text.getvalue()

    return judge


@pytest.mark.parametrize("form", ["HumanEval/7", "humaneval/7", "7", "Mbpp/7", "MBPP/7", "mbpp/07", " 7 "])
def test_spellings_of_a_task_id(form: str) -> None:
    assert task_key(form) == "7"


def test_completions_continue_the_prompt_and_solutions_are_whole(go: Any) -> None:
    samples = [
        {"task_id": "HumanEval/0", "completion": "    return x\n"},
        {"task_id": "HumanEval/1", "solution": "```python\ndef f(x):\n    return x + 1\n```"},
        {"task_id": "HumanEval/2", "completion": "    pass\n"},
    ]
    summary, rows, printed = go("humaneval", HUMANEVAL, samples)
    assert [(row["task_id"], row["passed"], row["outcome"]) for row in rows] == [
        ("HumanEval/0", True, "passed"), ("HumanEval/1", True, "passed"), ("HumanEval/2", False, "wrong"),
    ]  # fmt: skip
    assert rows[1]["raw"].startswith("```python")
    assert rows[1]["program"] == "def f(x):\n    return x + 1\n"
    assert (summary["n"], summary["pass@1"], summary["passed"]) == (3, pytest.approx(2 / 3), 2)
    low, high = summary["ci95"]["pass@1"]
    assert 0 <= low <= 2 / 3 <= high <= 1
    assert "2 of 3 samples pass" in printed


def test_a_completion_is_judged_as_it_stands(go: Any) -> None:
    fenced = "\n```python\ndef f(x):\n    return x\n```\n"
    _, rows, _ = go("humaneval", HUMANEVAL, [{"task_id": 0, "completion": fenced}, {"task_id": 0, "solution": fenced}])
    assert [row["outcome"] for row in rows] == ["error", "passed"]


def test_mbpp_ids_and_missing_tasks(go: Any) -> None:
    summary, rows, printed = go("mbpp", MBPP, [{"task_id": 2, "completion": "def f(x): return x + 2"}])
    assert rows[0]["passed"]
    assert (summary["n"], summary["missing_tasks"]) == (1, 1)
    assert "1 of 2 tasks have no sample" in printed


def test_pass_at_k_for_every_k_that_the_samples_allow(go: Any) -> None:
    samples = [{"task_id": 2, "solution": f"def f(x): return x + {number}"} for number in (1, 2)]
    samples += [{"task_id": 3, "solution": "def f(x): return x + 3"}] * 3
    summary, _, _ = go("mbpp", MBPP, samples)
    assert summary["pass@1"] == pytest.approx(0.75)
    assert summary["pass@2"] == pytest.approx(1.0)
    assert "pass@5" not in summary


def test_a_second_run_judges_nothing_again_and_other_samples_replace(go: Any, tmp_path: Path) -> None:
    samples = [{"task_id": number, "solution": f"def f(x): return x + {number}"} for number in (2, 3)]
    first, rows, _ = go("mbpp", MBPP, samples)
    results = tmp_path / "out" / "results.jsonl"
    results.write_text(json.dumps(rows[0]) + "\n" + '{"task_id": "half')
    second, again, printed = go("mbpp", MBPP, samples)
    assert (second, again) == (first, rows)
    assert "1 of 2 samples are already judged" in printed
    third, _, printed = go("mbpp", MBPP, samples[:1])
    assert third["samples"] == 1
    assert "replacing" in printed


def test_evalplus_base_and_plus_with_float_tolerance(go: Any) -> None:
    samples = [
        {
            "task_id": "HumanEval/0",
            "solution": "def f(x): return x * 0.5000001",
        },  # 1e-7: near enough for small inputs only
        {"task_id": "HumanEval/0", "completion": "    return x * 0.5\n"},
        {"task_id": "HumanEval/0", "completion": "    return x // 2\n"},
    ]
    summary, rows, _ = go("humaneval+", PLUS, samples)
    assert [(row["passed"], row["base"], row.get("plus")) for row in rows] == [
        (False, "passed", "wrong"), (True, "passed", "passed"), (False, "wrong", None),
    ]  # fmt: skip
    assert summary["passed_base"] == 2


def test_bad_input_names_file_and_line(go: Any, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"samples\.jsonl:1.*names no task"):
        go("mbpp", MBPP, [{"task_id": 99, "solution": ""}])
    with pytest.raises(ProblemError, match=r"samples\.jsonl:1.*completion"):
        go("mbpp", MBPP, [{"task_id": 2}])
    with pytest.raises(ProblemError, match="holds no samples"):
        go("mbpp", MBPP, [])
    with pytest.raises(ConfigError, match="no benchmark 'apps'"):
        read_benchmark("apps", tmp_path)
