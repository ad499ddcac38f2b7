"""On-policy generation: a scripted student, a scripted teacher over the provider's protocol, the real judge."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from rich.console import Console
from tests.fakes.provider import FakeProvider
from tests.fakes.student import FINISH, RUN, Students, stumbling
from tests.generate.conftest import write_problems
from tests.generate.multiplying import multiply

import deepcoder.models.local as local
from deepcoder.config import Config, EngineConfig, load_config
from deepcoder.errors import ConfigError, ContextFull, ModelUnavailable, StageError
from deepcoder.generate import outputs, run
from deepcoder.generate.rollout import rollout_seed
from deepcoder.prepare import run as prepare
from deepcoder.records import Effort, Origin, StepError, Trajectory
from deepcoder.runs import RunFolder
from deepcoder.trajectories import read_rejected, read_trajectories


def teach(messages: list[dict[str, Any]]) -> str:
    """Multiplies what the problem names, whatever a note below it says."""
    problem = messages[0]["content"].split("\n\n(For your next step")[0]
    return multiply([{"content": problem}, *messages[1:]])


@pytest.fixture
def students(monkeypatch: pytest.MonkeyPatch) -> Students:
    opened = Students()

    def open_engine(engine: EngineConfig, path: str) -> Students:
        opened.engines.append(engine)
        return opened

    monkeypatch.setattr(local, "open_engine", open_engine)
    return opened


Go = Callable[..., tuple[dict[str, int | float | str], Config]]


@pytest.fixture
def go(server: FakeProvider, students: Students, tmp_path: Path) -> Go:
    server.think = teach

    def go(*overrides: str, count: int = 3) -> tuple[dict[str, int | float | str], Config]:
        problems = write_problems(tmp_path / "problems.jsonl", count)
        config = load_config(
            None,
            [
                f"run.dir={tmp_path}/run", "problems.source=jsonl", f"problems.path={problems}", "sandbox.workers=1",
                "teacher.model=vllm:qwen/qwen3-32b", f"teacher.base_url={server.base_url}", "teacher.max_attempts=1",
                "agent.max_steps=4", "generate.rollout.student=final", "generate.rollout.round=2", *overrides,
            ],
        )  # fmt: skip
        return run(config, RunFolder(config), Console(file=io.StringIO(), width=200)), config

    return go


def stored(config: Config) -> dict[str, Trajectory]:
    folder = RunFolder(config).stage("generate")
    return {run.problem_id: run for run in (*read_trajectories(folder), *read_rejected(folder))}


def test_what_the_student_solves_is_its_own_and_the_teacher_corrects_the_rest(
    go: Go, server: FakeProvider, students: Students
) -> None:
    counts, config = go()
    runs = stored(config)
    assert all(run.verified for run in runs.values())
    assert {key: run.origin for key, run in runs.items()} == {
        "times/0": Origin(round=2, source="student"),
        "times/1": Origin(round=2, source="corrected"),
        "times/2": Origin(round=2, source="teacher"),
    }
    assert (counts["from student"], counts["from corrected"], counts["from teacher"]) == (1, 1, 1)

    # By hand. The failed program stays and what follows is the teacher's: run, finish.
    first = runs["times/1"]
    assert [(step.thought, step.input) for step in first.steps] == [
        ("multiply", "print(1 / 0)"), ("multiply", "print(1 * 7)"), ("that is it", "7"),
    ]  # fmt: skip
    assert first.steps[0].error is StepError.TOOL_FAILED
    assert first.effort == Effort(corrections=1, corrected_from=1)
    # Nothing failed: the last step before the wrong answer is replaced, here the first one, so that none is left.
    assert [step.input for step in runs["times/2"].steps] == ["print(2 * 7)", "14"]
    assert runs["times/2"].effort == Effort(corrections=1, corrected_from=0)
    # The teacher is asked for two steps of each, and for nothing of what the student can do.
    assert server.seen == 4
    assert not any("What is 0 " in str(body["messages"]) for body in server.requests)
    assert (runs["times/0"].model, first.model) == ("final", "vllm:qwen/qwen3-32b")

    # The student reads what it is trained on, the teacher its own instructions; each problem has its seed.
    assert {each["first"] for each in students.model.asked if "1 * 7" in each["first"]} == {"What is 1 * 7?"}
    assert len({each["seed"] for each in students.model.asked}) == 3
    assert students.engines[0].temperature == config.generate.rollout.temperature


def test_the_teacher_runs_a_problem_anew_where_its_continuation_fails(go: Go, server: FakeProvider) -> None:
    def think(messages: list[dict[str, Any]]) -> str:
        noted = "an earlier try" in messages[-1]["content"]
        return FINISH.format("no idea") if noted else teach(messages)

    server.think = think
    counts, config = go()
    assert (counts["from student"], counts["from teacher"]) == (1, 2)
    assert [step.input for step in stored(config)["times/1"].steps] == ["print(1 * 7)", "7"]


def test_without_a_run_of_its_own_the_students_failure_is_stored(go: Go, server: FakeProvider) -> None:
    server.think = lambda messages: FINISH.format("no idea")
    counts, config = go("generate.rollout.own_run=false")
    assert (counts["verified"], counts["rejected wrong"]) == (1, 2)
    assert server.seen == 2
    failed = stored(config)["times/2"]
    assert failed.origin == Origin(round=2, source="student")
    assert [step.input for step in failed.steps] == ["print(2 * 7)", "999"]
    assert not failed.trained


def test_scored_runs_are_training_data_passed_or_not_and_ask_no_teacher(
    go: Go, server: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLLM_API_KEY")
    counts, config = go("generate.rollout.teacher=score", "teacher.model=groq:none", "student.model=nano")
    assert (counts["verified"], counts["not passed, scored"], counts["rejected"]) == (1, 2, 0)
    assert counts["from scored"] == 3
    assert server.seen == 0
    runs = stored(config)
    assert [run.verified for _, run in sorted(runs.items())] == [True, False, False]
    assert all(run.trained for run in runs.values())
    folder = RunFolder(config)
    assert [path.name for path in outputs(folder)] == ["shard-00000.jsonl", "rejected.jsonl"]
    assert prepare(config, folder, Console(file=io.StringIO()))["examples"] == 3
    again, _ = go("generate.rollout.teacher=score", "teacher.model=groq:none", "student.model=nano")
    assert again == counts  # what an earlier session stored is counted alike


def test_what_breaks_a_rule_is_not_scored(go: Go, students: Students) -> None:
    students.model.think = lambda messages: RUN.format("again", "print(1)")
    with pytest.raises(StageError, match="repeated_action 2"):
        go("generate.rollout.teacher=score", count=2)


def test_nobody_is_asked_in_a_round_without_a_teacher(go: Go, server: FakeProvider) -> None:
    counts, _ = go("generate.rollout.teacher=none")
    assert (counts["verified"], counts["rejected"], server.seen) == (1, 2, 0)


def test_benchmark_problems_are_not_rolled_out(go: Go, students: Students, tmp_path: Path) -> None:
    own = tmp_path / "benchmark.jsonl"
    own.write_text('{"problem_id": "times/1", "prompt": "What is 1 * 7?", "answer": "7"}\n')
    counts, config = go(f"generate.decontaminate.benchmarks=[{own}]")
    assert counts["excluded"] == 1
    assert "times/1" not in stored(config)
    assert not any("1 * 7" in each["first"] for each in students.model.asked)


def test_a_full_context_is_the_students_failure(go: Go, students: Students) -> None:
    def full(messages: list[BaseMessage]) -> str:
        raise ContextFull("the conversation has 600 tokens, the student's context 512")

    students.model.think = full
    counts, config = go(count=1)
    assert counts["from teacher"] == 1
    assert stored(config)["times/0"].verified


def test_a_session_that_was_cut_short_ends_with_the_same_runs(go: Go, server: FakeProvider, students: Students) -> None:
    def cut(messages: list[BaseMessage]) -> str:
        if "What is 2 " in str(messages[0].text):
            raise KeyboardInterrupt
        return stumbling(messages)

    students.model.think = cut
    with pytest.raises(KeyboardInterrupt):
        go("generate.concurrency=1")
    first = [each["seed"] for each in students.model.asked]
    students.model.think = stumbling
    counts, _ = go("generate.concurrency=1")
    assert counts["verified"] == 3
    assert server.answered == 4  # as without the cut: what is stored is not asked for again
    assert first[-1] == students.model.asked[-1]["seed"] == rollout_seed(0, 2, "times/2")


def test_a_server_that_has_another_student_is_refused(go: Go, students: Students) -> None:
    students.served = False
    with pytest.raises(ModelUnavailable) as caught:
        go("engine.engine=openai", "engine.base_url=http://127.0.0.1:9/v1", "engine.model=older")
    assert students.engines[0].model is None
    assert "must be served under the name of its folder" in caught.value.hint


def test_ray_is_refused(go: Go) -> None:
    with pytest.raises(ConfigError, match="do not go together"):
        go("generate.workers_ray=2")


def test_seeds_are_of_the_seed_the_round_and_the_problem() -> None:
    seeds = {rollout_seed(*each) for each in ((0, 1, "a"), (1, 1, "a"), (0, 2, "a"), (0, 1, "b"))}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)
