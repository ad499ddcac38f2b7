from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from rich.console import Console

import deepcoder.evaluate.entrants as entrants
import deepcoder.models.local as local
from deepcoder.config import Config, load_config
from deepcoder.errors import ProviderError, StageError
from deepcoder.evaluate import outputs, run, run_on
from deepcoder.runs import RunFolder

COMPUTE = "Thought: compute\nAction: execute_python\nAction Input:\n```python\nprint({})\n```"
FINISH = "Thought: done\nAction: finish\nAction Input:\n{}"


class Talker(BaseChatModel):
    """`student` computes 7 * n and finishes with what it sees; `base` talks; `broken` cannot be reached."""

    kind: str

    @property
    def _llm_type(self) -> str:
        return "talker"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        if self.kind == "broken":
            raise ProviderError("no route")
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        message = AIMessage(self.say(messages), usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def say(self, messages: list[BaseMessage]) -> str:
        question, last = messages[0].text, messages[-1].text
        if self.kind == "base":
            return "I would rather talk."
        if not last.startswith("Observation: "):
            return COMPUTE.format(question.rsplit("What is ", 1)[1].split("?")[0])
        return FINISH.format(last.removeprefix("Observation: "))


class Models:
    opened: ClassVar[Counter[str]] = Counter()

    def __init__(self, name: str) -> None:
        self.name = name
        Models.opened[name] += 1

    def for_problem(self, problem_id: str) -> BaseChatModel:
        return Talker(kind=self.name)

    async def preflight(self) -> None: ...

    async def aclose(self) -> None: ...


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    Models.opened.clear()
    monkeypatch.setattr(local, "open_engine", lambda engine, path: Models("base" if path.name == "base" else "student"))
    monkeypatch.setattr(entrants, "open_teacher", lambda config, policy: Models(config.model.split(":")[0]))
    for name in ("base", "final"):
        (tmp_path / "run" / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "run" / "checkpoints" / name / "config.json").write_text("{}")
    rows = [{"problem_id": f"p{n}", "prompt": f"What is {n} * 7?", "answer": str(n * 7)} for n in range(5)]
    rows.append({"problem_id": "odd", "prompt": "What is 1 + 1?", "answer": "3", "family": "trick"})
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_config(
        None,
        [f"run.dir={tmp_path}/run", "problems.source=jsonl", f"problems.path={problems}", "teacher.model=student:x",
         "agent.max_steps=3", "evaluate.no_tools=true", "evaluate.bootstrap=200"],
    )  # fmt: skip


def go(config: Config) -> tuple[dict[str, Any], str]:
    text = io.StringIO()
    run(config, RunFolder(config), Console(file=text, width=120))
    return json.loads((config.run.dir / "evaluation" / "summary.json").read_text()), text.getvalue()


def test_three_models_and_the_control_on_the_same_problems(config: Config) -> None:
    summary, printed = go(config)
    assert {name: (summary[name]["success"], summary[name]["n"]) for name in ("base", "student", "teacher")} == {
        "base": (0.0, 6), "student": (pytest.approx(5 / 6), 6), "teacher": (pytest.approx(5 / 6), 6),
    }  # fmt: skip
    assert summary["student_no_tools"]["success"] == 0.0, "it cannot see the result of a program"
    student = summary["student"]
    assert student["by_family"]["jsonl"]["passed"] == 5
    assert student["by_family"]["trick"] == {
        "success": 0.0,
        "n": 1,
        "passed": 0,
        "ci95": pytest.approx([0.0, 0.7935], abs=1e-4),
    }
    assert student["by_split"]["all"]["n"] == 6
    assert student["tools"]["parse_rate"] == student["tools"]["executed_ok"] == 1.0
    assert (student["steps_mean"], student["output_tokens_mean"]) == (2.0, 10.0)
    assert summary["base"]["tools"]["errors"] == {"no_action": 18}
    assert summary["base"]["endings"] == {"max_steps": 6}
    assert summary["student_no_tools"]["tools"]["executed_ok"] == 0.0
    assert summary["student_vs_teacher"]["percent"] == 100.0
    assert summary["student_vs_teacher"]["ci95"] == [100.0, 100.0]
    assert "student solves 100 % of what teacher solves" in printed
    assert [path.exists() for path in outputs(RunFolder(config))] == [True, True]
    report = (config.run.dir / "evaluation" / "report.md").read_text()
    assert "| trick |" in report
    assert "**student**: passed" in report


def test_a_second_run_asks_nobody_and_says_the_same(config: Config) -> None:
    first, _ = go(config)
    opened = Models.opened.copy()
    rows = config.run.dir / "evaluation" / "student.jsonl"
    assert len(rows.read_text().splitlines()) == 6
    second, _ = go(config)
    assert second == first
    assert Models.opened == opened
    lines = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join(lines[:-1]) + lines[-1][:50])  # killed while writing
    third, _ = go(config)
    assert third["student"]["n"] == 6
    assert len(rows.read_text().splitlines()) == 6


def test_a_model_that_cannot_take_part_is_named_with_the_reason(config: Config, tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints" / "base" / "config.json").unlink()
    (tmp_path / "run" / "checkpoints" / "base").rmdir()
    expert = config.model_copy(update={"teacher": config.teacher.model_copy(update={"model": "expert"})})
    summary, printed = go(expert)
    assert "deepcoder train" in summary["base"]["reason"]
    assert "knows no solution of 6 of these 6 problems" in summary["teacher"]["reason"]
    assert summary["teacher"]["success"] is None
    assert summary["student"]["n"] == 6
    assert "teacher is absent" in printed
    assert "teacher is absent" in (config.run.dir / "evaluation" / "report.md").read_text()


def test_a_provider_that_fails_fails_the_stage_and_costs_nothing_that_is_done(config: Config) -> None:
    broken = config.model_copy(update={"teacher": config.teacher.model_copy(update={"model": "broken:x"})})
    with pytest.raises(StageError, match="6 runs of teacher failed"):
        go(broken)
    folder = config.run.dir / "evaluation"
    assert len((folder / "student.jsonl").read_text().splitlines()) == 6
    assert not (folder / "summary.json").exists()
    allowed = broken.model_copy(update={"evaluate": broken.evaluate.model_copy(update={"max_failed": 6})})
    summary, _ = go(allowed)
    assert summary["teacher"]["n"] == 0
    assert summary["teacher"]["failed_runs"] == {"provider": 6}


def test_other_problems_into_another_folder(config: Config, tmp_path: Path) -> None:
    out, console = tmp_path / "out", Console(file=io.StringIO())
    counts = run_on(config, RunFolder(config), out, console)
    assert counts["student"] == "83.3 %"
    assert json.loads((out / "summary.json").read_text())["student"]["n"] == 6
    assert not (config.run.dir / "evaluation").exists()
    run_on(config, RunFolder(config), out, console)
    other = config.model_copy(update={"agent": config.agent.model_copy(update={"max_steps": 2})})
    with pytest.raises(StageError, match="other settings"):
        run_on(other, RunFolder(other), out, console)
