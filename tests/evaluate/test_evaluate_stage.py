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
from tests.fakes.provider import KEY, FakeProvider

import deepcoder.evaluate.entrants as entrants
import deepcoder.models.local as local
from deepcoder.config import Config, load_config
from deepcoder.errors import ProviderError, StageError
from deepcoder.evaluate import outputs, rewrite, run, run_on
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
        if "What is " not in question and not last.startswith("Observation: "):
            return FINISH.format("unknown")
        if not last.startswith("Observation: "):
            return COMPUTE.format(question.rsplit("What is ", 1)[-1].split("?")[0])
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
         "agent.max_steps=3", "evaluate.no_tools=true", "evaluate.bootstrap=200", "evaluate.tool_calls=0"],
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
    assert [path.exists() for path in outputs(RunFolder(config))] == [True, True, True]
    report = (config.run.dir / "evaluation" / "report.md").read_text()
    assert "| trick |" in report
    assert summary["headline"] in report
    assert summary["headline"].startswith("The student: 100 % of the teacher (95 %: 100 % to 100 %); ")
    assert "much cheaper not shown (teacher.input_price and teacher.output_price are not set)" in summary["headline"]


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


def test_costs_of_tokens_and_of_machine_hours_make_the_whole_line(config: Config) -> None:
    priced = config.model_copy(
        update={
            "teacher": config.teacher.model_copy(update={"input_price": 1e6, "output_price": 2e6}),
            "engine": config.engine.model_copy(update={"price_per_hour": 3600.0}),
        }
    )
    summary, printed = go(priced)
    assert summary["teacher"]["cost"] == 6 * 2 * (10 * 1 + 5 * 2), "six runs of two requests, 10 tokens in and 5 out"
    assert summary["teacher"]["cost_per_solved"] == pytest.approx(240 / 5)
    student = summary["student"]
    assert student["cost"] == pytest.approx(student["machine_s"]), "one a second"
    assert summary["cheaper"]["ratio"] == pytest.approx(240 / student["cost"])
    low, high = summary["cheaper"]["ci95"]
    assert low <= summary["cheaper"]["ratio"] <= high
    assert "not shown" not in summary["headline"]
    assert summary["headline"] in printed.replace("\n", "")


def test_a_session_whose_time_is_unknown_leaves_no_guess_of_costs(config: Config) -> None:
    go(config)
    folder = config.run.dir / "evaluation"
    rows = (folder / "sessions.jsonl").read_text().splitlines(keepends=True)
    (folder / "sessions.jsonl").write_text("".join(row for row in rows if '"student"' not in row))
    priced = config.model_copy(update={"engine": config.engine.model_copy(update={"price_per_hour": 1.0})})
    rewrite(priced, RunFolder(priced), None, Console(file=io.StringIO()))
    student = json.loads((folder / "summary.json").read_text())["student"]
    assert student["cost_per_solved"] is None
    assert "not all of its work was timed" in student["cost_reason"]


def test_the_report_is_made_anew_without_asking_anybody(config: Config) -> None:
    first, _ = go(config)
    opened = Models.opened.copy()
    folder = config.run.dir / "evaluation"
    (folder / "report.html").unlink()
    rewrite(config, RunFolder(config), None, Console(file=io.StringIO()))
    assert json.loads((folder / "summary.json").read_text()) == first
    assert (folder / "report.html").stat().st_size > 20_000
    assert Models.opened == opened
    lines = (folder / "student.jsonl").read_text().splitlines(keepends=True)
    (folder / "student.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(StageError, match="evaluation of student is not complete"):
        rewrite(config, RunFolder(config), None, Console(file=io.StringIO()))


def test_single_calls_are_asked_once_and_scored(config: Config) -> None:
    asked = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"tool_calls": 8})})
    summary, _ = go(asked)
    student = summary["student"]["tool_calls"]
    assert student["n"] == 8
    assert set(student["by_kind"]) == {"execute", "retrieve", "observed", "stated"}
    assert student["by_kind"]["observed"] == {
        "n": 2, "tool": 1.0, "argument": 1.0, "exact": 1.0, "ci95": pytest.approx([0.342, 1.0], abs=1e-3),
    }, "it finishes with what it sees"  # fmt: skip
    assert student["by_kind"]["retrieve"]["tool"] == 0.0
    assert summary["base"]["tool_calls"]["tool"] == 0.0
    assert "tool_calls" not in summary["student_no_tools"]
    opened = Models.opened.copy()
    assert go(asked)[0] == summary
    assert Models.opened == opened


def test_a_judge_is_asked_in_both_orders_and_only_once(config: Config) -> None:
    asked: list[str] = []

    def think(messages: list[dict[str, Any]]) -> str:
        asked.append(messages[0]["content"])
        return "Both are fine.\nVerdict: A"

    with FakeProvider(think) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROQ_API_KEY", KEY)
        judge = config.evaluate.judge.model_copy(
            update={"model": "groq:openai/gpt-oss-120b", "base_url": server.base_url, "problems": 3}
        )
        judged = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"judge": judge})})
        summary, _ = go(judged)
        again, _ = go(judged)
    assert len(asked) == 6
    assert summary["judge"] == again["judge"]
    assert summary["judge"]["by_order"] == summary["judge"]["pairs"] == 3, "who always says A has no preference"
    assert summary["judge"]["preferred"] is None


def test_base_in_its_own_mode_is_absent_where_the_tokenizer_has_none(config: Config) -> None:
    native = config.evaluate.base_native.model_copy(update={"enabled": True})
    summary, printed = go(
        config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"base_native": native})})
    )
    assert "nano's tokenizer has neither tool calls nor thinking" in summary["base_native"]["reason"]
    assert "base_native is absent" in printed


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
