"""What the stage stores, rejects and leaves out, by rules that are none of the judge's; and its report."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.fakes.provider import FakeProvider, Reply
from tests.generate.multiplying import multiply

from deepcoder.config import Config
from deepcoder.errors import StageError
from deepcoder.generate import run
from deepcoder.runs import RunFolder
from deepcoder.trajectories import read_rejected, read_trajectories

# MBPP's task 11, as its authors wrote it (CC-BY-4.0): a problem that no training set may hold.
MBPP_11 = "Write a python function to remove first and last occurrence of a given character from the string."
Session = Callable[..., tuple[dict[str, int | float | str], str]]


def times(number: int, problem_id: str = "", prompt: str = "What is {} * 7?") -> dict[str, str]:
    return {
        "problem_id": problem_id or f"times/{number}", "prompt": prompt.format(number), "answer": str(number * 7),
    }  # fmt: skip


@pytest.fixture
def session(server: FakeProvider, tmp_path: Path) -> Session:
    """Runs the stage on problem rows, with keys of `generate`; returns its counts and what it printed."""

    def go(rows: list[dict[str, str]], **generate: Any) -> Any:
        path = tmp_path / "problems.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        config = Config.model_validate(
            {
                "run": {"dir": tmp_path / "run"},
                "problems": {"source": "jsonl", "path": path},
                "teacher": {"model": "vllm:qwen/qwen3-32b", "base_url": server.base_url, "max_attempts": 1},
                "agent": {"max_steps": 5},
                "generate": {"concurrency": 1} | generate,
            }
        )
        out = io.StringIO()
        return run(config, RunFolder(config), Console(file=out, width=300)), out.getvalue()

    return go


def test_a_benchmarks_problem_is_not_even_asked(session: Session, folder: Path, server: FakeProvider) -> None:
    rows = [times(1), {"problem_id": "mine", "prompt": f"{MBPP_11} How?", "answer": "1"}, times(2, "mbpp/11")]
    counts, printed = session(rows)
    assert (counts["problems"], counts["verified"], counts["excluded"], counts["rejected"]) == (3, 1, 2, 0)
    assert counts["decontaminated against"] == "humaneval (164), mbpp-test (500)"
    assert server.seen == 2
    assert "2 problems are left out" in printed
    assert "generate.decontaminate.enabled=false" in printed
    listed = json.loads((folder / "contamination.json").read_text())
    assert [(hit["problem_id"], hit["task"], hit["by"]) for hit in listed["hits"]] == [
        ("mine", "mbpp/11", "prompt"), ("mbpp/11", "mbpp/11", "id"),
    ]  # fmt: skip
    assert "| mine | mbpp/11 | prompt |" in (folder / "report.md").read_text()
    assert session(rows)[0] == counts


def test_the_switch(session: Session, folder: Path) -> None:
    counts, printed = session([times(1), times(2, "mbpp/11")], decontaminate={"enabled": False})
    assert (counts["verified"], "excluded" in counts) == (2, False)
    assert str(counts["decontaminated against"]).startswith("nothing")
    assert "NOT decontaminated" in printed
    assert json.loads((folder / "contamination.json").read_text())["hits"] == []


def test_nothing_but_a_benchmark(session: Session) -> None:
    with pytest.raises(StageError, match="1 problems are in a benchmark") as caught:
        session([times(2, "mbpp/11")])
    assert "decontaminate.enabled=false" in caught.value.hint


def test_a_benchmarks_solution_is_rejected(
    session: Session, folder: Path, server: FakeProvider, tmp_path: Path
) -> None:
    solution = "def seven(n):\n    total = 0\n    for _ in range(7):\n        total = total + n\n    return total\n"
    own = tmp_path / "own.jsonl"
    own.write_text(json.dumps({"task_id": "own/1", "prompt": "Times seven?", "solution": solution}) + "\n")

    def think(messages: list[dict[str, Any]]) -> str:
        if len(messages) > 1 or "3 *" in messages[0]["content"]:
            return multiply(messages)
        return f"Thought: add\nAction: execute_python\nAction Input:\n```python\n{solution}print(seven(4))\n```"

    server.think = think
    rows = [times(3), times(4)]
    counts, _ = session(rows, decontaminate={"benchmarks": [str(own)]})
    assert (counts["verified"], counts["rejected contaminated"]) == (1, 1)
    assert counts["decontaminated against"] == "own.jsonl (1)"
    before = (folder / "contamination.json").read_text()
    assert json.loads(before)["hits"][0]["task"] == "own/1"
    assert session(rows, decontaminate={"benchmarks": [str(own)]})[0] == counts
    assert (folder / "contamination.json").read_text() == before


def test_duplicates_are_known_to_the_next_session(session: Session, folder: Path) -> None:
    prompt = "A shop sells pens in boxes of seven, never one by one, and today someone buys boxes: what is {} * 7?"
    first, again, other = times(3, "a", prompt), times(3, "b", prompt.replace(" ", "  ")), times(5, "c", prompt)
    assert session([first, again])[0]["rejected duplicate"] == 1
    assert session([first, again, other, times(3, "d", prompt)])[0]["rejected duplicate"] == 2
    assert {each.problem_id for each in read_trajectories(folder)} == {"a", "c"}
    rejected = {each.problem_id: each.rejection for each in read_rejected(folder)}
    assert {problem_id: each.detail for problem_id, each in rejected.items() if each} == {"b": "of a", "d": "of a"}


def test_broken_rules_are_counted_by_reason_and_explained(session: Session, folder: Path, server: FakeProvider) -> None:
    def think(messages: list[dict[str, Any]]) -> str | Reply:
        first = messages[0]["content"]
        if "What is 1 *" in first and len(messages) == 1:
            return Reply("Thought: I will now beg", finish_reason="length")
        if "What is 2 *" in first and len(messages) < 7:
            return multiply(messages[:1])
        if "What is 3 *" in first and len(messages) == 1:
            return multiply(messages).replace("multiply", "I try it again and it is wrong. " * 30)
        return multiply(messages)

    server.think = think
    rows = [times(number) for number in range(5)]
    counts, _ = session(rows)
    assert (counts["verified"], counts["rejected"]) == (2, 3)
    assert [counts[f"rejected {why}"] for why in ("truncated", "repeated_action", "repetition")] == [1, 1, 1]
    for line in (folder / "rejected.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["verified"] is False
        assert row["verdict"]["outcome"] == "passed"
        assert row["rejection"]["reason"]
    report = (folder / "report.md").read_text()
    assert "### repeated_action\n\n`times/2`, 4 steps: execute_python with the same input 3 times" in report
    assert "I will now beg" not in report, "the last step is shown"
    asked = server.seen
    assert session(rows)[0] == counts
    assert server.seen == asked


def test_rules_can_be_switched_off(session: Session, server: FakeProvider) -> None:
    server.think = lambda messages: multiply(messages[:1] if len(messages) < 7 else messages)
    off = {"quality": {"enabled": False}, "duplicates": {"enabled": False}}
    assert session([times(1, "a"), times(1, "b")], **off)[0]["verified"] == 2
