from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from tests.trajectories.made import made
from typer.testing import CliRunner

from deepcoder.cli import app
from deepcoder.errors import StageError
from deepcoder.evaluate.comparison import compare
from deepcoder.trajectories import trajectory_row


def evaluation(folder: Path, passed: str, *, text: str = "{}", seconds: float = 1.0) -> Path:
    """A run whose student passed (1) or failed (0) p0, p1, ..."""
    (folder / "evaluation").mkdir(parents=True)
    rows = [
        trajectory_row(made(f"p{n}", passed=mark == "1", text=text.format(n), family="ab"[n % 2], wall_s=seconds))
        for n, mark in enumerate(passed)
    ]
    (folder / "evaluation" / "student.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_differences_with_intervals_and_what_flipped(tmp_path: Path) -> None:
    first, second = evaluation(tmp_path / "a", "0001111100"), evaluation(tmp_path / "b", "1111111000", seconds=3.0)
    text = io.StringIO()
    found = {
        each.name: each for each in compare(first, second, "student", Console(file=text, width=100), tmp_path / "c.md")
    }
    success = found["success"]
    assert (success.first, success.second, success.change) == (0.5, 0.7, pytest.approx(0.2))
    assert success.interval is not None
    assert success.interval[0] < 0.2 < success.interval[1]
    assert found["seconds"].interval == (2.0, 2.0)
    assert found["steps"].change == 0.0
    assert "newly solved (3): p0, p1, p2" in text.getvalue()
    assert "lost (1): p7" in text.getvalue()
    report = (tmp_path / "c.md").read_text()
    assert "| success | 50.0% | 70.0% | +20.0% |" in report
    assert "## Newly solved (3)\n\np0, p1, p2" in report
    assert "| a (5) |" in report


def test_the_command(tmp_path: Path) -> None:
    first, second = evaluation(tmp_path / "a", "01"), evaluation(tmp_path / "b", "11")
    done = CliRunner().invoke(app, ["compare", str(first), str(second), "--out", str(tmp_path / "c.md")])
    assert done.exit_code == 0
    assert "newly solved (1): p0" in done.output
    assert (tmp_path / "c.md").exists()


def test_only_the_same_problems_count(tmp_path: Path) -> None:
    first, second = evaluation(tmp_path / "a", "111"), evaluation(tmp_path / "b", "11111")
    text = io.StringIO()
    compare(first, second, "student", Console(file=text, width=100))
    assert "3 problems in both, 2 runs on others are left out" in text.getvalue()
    other = evaluation(tmp_path / "c", "111", text="Another {}")
    with pytest.raises(StageError, match="no problem in common"):
        compare(first, other, "student", Console(file=text))
    with pytest.raises(StageError, match="has no evaluation of base"):
        compare(first, second, "base", Console(file=text))


def test_judged_samples_are_compared_by_their_share(tmp_path: Path) -> None:
    for name, marks in (("a", [1, 0, 0, 0]), ("b", [1, 1, 0, 1])):
        (tmp_path / name).mkdir()
        rows = [{"task_id": f"HumanEval/{n // 2}", "passed": bool(mark)} for n, mark in enumerate(marks)]
        (tmp_path / name / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (success,) = compare(tmp_path / "a", tmp_path / "b", "student", Console(file=io.StringIO()))
    assert (success.first, success.second) == (0.25, 0.75)
