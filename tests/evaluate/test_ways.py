"""A benchmark by the agent and by direct completions, in one run; the models are in process and scripted."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from rich.console import Console
from tests.fakes.provider import KEY, FakeProvider, Refusal, Reply

import deepcoder.models.local as local
from deepcoder.config import Config, load_config
from deepcoder.errors import AuthenticationError, ContextFull, ProblemError, ProviderError, StageError
from deepcoder.evaluate import Subset, evaluate_samples, rewrite, run_benchmark
from deepcoder.evaluate.benchmarks import Task, read_benchmark
from deepcoder.evaluate.direct import program_of
from deepcoder.evaluate.ways import beside
from deepcoder.models.asynchronous import AsyncChatModel
from deepcoder.models.server import open_server
from deepcoder.records import fence_python
from deepcoder.runs import RunFolder

TASKS = 4
HUMANEVAL = [
    {
        "task_id": f"HumanEval/{n}", "entry_point": "f", "canonical_solution": f"    return x + {n}\n",
        "prompt": f"def f(x):\n    '''adds {n}'''\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n",
    }
    for n in range(TASKS)
]  # fmt: skip
MBPP = [{"task_id": 2, "text": "Write f.", "code": "def f(x):\n    return x + 2", "test_setup_code": "",
         "test_list": ["assert f(1) == 3"], "challenge_test_list": ["assert f(7) == 9"]}]  # fmt: skip
PLUS = [{"task_id": "HumanEval/0", "prompt": "def f(x):\n    '''adds 0'''\n", "canonical_solution": "    return x\n",
         "entry_point": "f", "base_input": [[1]], "plus_input": [[3]], "atol": 0, "contract": ""}]  # fmt: skip

FINISH = "Thought: done\nAction: finish\nAction Input:\n{}"


class Scripted(AsyncChatModel):
    """base solves nothing; student all tasks as an agent, the even ones directly; `Models.faults` come first."""

    kind: str

    @property
    def _llm_type(self) -> str:
        return "scripted"

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        text = messages[0].text
        number = int(text.rsplit("adds ", 1)[1].split("'")[0])
        direct = "Action" not in text
        if direct:
            Models.asked[self.kind, number] += 1
            Models.options.append({key: kwargs[key] for key in ("temperature", "seed") if key in kwargs})
            if faults := Models.faults.get((self.kind, number)):
                fault = faults.pop(0)
                if fault is not None:
                    raise fault
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        reply = self.say(number, direct)
        message = AIMessage(reply, usage_metadata=usage, response_metadata={"finish_reason": "stop"})
        return ChatResult(generations=[ChatGeneration(message=message)])

    def say(self, number: int, direct: bool) -> str:
        right = fence_python(f"def f(x):\n    return x + {number}")
        if self.kind == "base":
            return "I would rather talk."
        if not direct:
            return FINISH.format(right)
        return f"<think>add</think>\nSure:\n{right}" if number % 2 == 0 else fence_python("def f(x):\n    return -1")


class Models:
    asked: ClassVar[Counter[tuple[str, int]]] = Counter()
    options: ClassVar[list[dict[str, Any]]] = []
    faults: ClassVar[dict[tuple[str, int], list[BaseException | None]]] = {}

    def __init__(self, name: str) -> None:
        self.name = name

    def for_problem(self, problem_id: str) -> BaseChatModel:
        return Scripted(kind=self.name)

    async def preflight(self) -> None: ...

    async def aclose(self) -> None: ...


class Bench:
    """The command in a folder: run.dir, --out and the problem file."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]], benchmark: str) -> None:
        self.folder, self.benchmark, self.out = folder, benchmark, folder / "out"
        self.problems = write(folder / "problems.jsonl", rows)
        self.config = load_config(
            None,
            [
                f"run.dir={folder}/run",
                "evaluate.bootstrap=200",
                "agent.max_steps=2",
                "evaluate.concurrency=2",
                "student.instructions=full",
            ],
        )

    def set(self, **changes: Any) -> Config:
        return self.config.model_copy(update={"evaluate": self.config.evaluate.model_copy(update=changes)})

    def go(self, config: Config | None = None, subset: Subset | None = None, *, report: bool = False) -> dict[str, Any]:
        config, subset, self.text = config or self.config, subset or Subset(), io.StringIO()
        console = Console(file=self.text, width=200)
        if report:
            rewrite(config, RunFolder(config), self.out, console, (self.benchmark, self.problems, subset))
        else:
            run_benchmark(config, RunFolder(config), self.benchmark, self.problems, self.out, console, subset)
        summary: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return summary

    def drawn(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "direct" / f"{name}.jsonl").read_text().splitlines()]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for kept in (Models.asked, Models.options, Models.faults):
        kept.clear()
    monkeypatch.setattr(local, "open_engine", lambda engine, path: Models("base" if path.name == "base" else "student"))
    for name in ("base", "final"):
        (tmp_path / "run" / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "run" / "checkpoints" / name / "config.json").write_text("{}")
    return Bench(tmp_path, HUMANEVAL, "humaneval")


def test_both_ways_on_the_same_tasks_in_one_run(bench: Bench) -> None:
    summary = bench.go()
    student, base = summary["student"]["direct"], summary["base"]["direct"]
    assert summary["student"]["success"] == 1.0
    assert (student["pass@1"], student["n"], student["samples_per_task"]) == (0.5, TASKS, 1)
    assert student["agent"]["difference"] == 0.5
    low, high = student["agent"]["difference_ci95"]
    assert 0 <= low <= 0.5 <= high <= 1
    assert (base["pass@1"], base["agent"]["success"]) == (0.0, 0.0)
    assert "completes no prompt" in summary["teacher"]["direct"]["reason"]
    assert "teacher has no direct completions: the expert" in bench.text.getvalue()
    assert student["agent"]["ci95"] == summary["student"]["ci95"], "one figure, one interval"
    assert summary["teacher"]["success"] == 1.0, "the expert replays the benchmark's own solutions"
    assert summary["benchmark"]["temperature"] == 0.0
    assert all(options == {"temperature": 0.0} for options in Models.options)
    line = "student: the agent solves 100.0%, a direct completion 50.0% (pass@1) of the same 4 tasks"
    assert line in bench.text.getvalue()
    for name in ("report.md", "report.html"):
        report = (bench.out / name).read_text()
        assert line in report
        assert "Agent with tools and direct completion" in report
        assert "Direct completions" in report


def test_raw_and_extracted_are_kept_in_a_file_that_can_be_judged_again(bench: Bench) -> None:
    summary = bench.go(bench.set(models=["student"]))
    rows = bench.drawn("student")
    assert [row["task_id"] for row in rows] == [f"HumanEval/{n}" for n in range(TASKS)]
    assert rows[0]["raw"].startswith("<think>add</think>\nSure:\n```python")
    assert rows[0]["solution"] == "def f(x):\n    return x + 0\n"
    assert rows[0]["completion"] == "\n" + rows[0]["solution"]
    assert rows[0]["reasoning"] == "add"
    again = evaluate_samples(
        "humaneval", bench.problems, bench.out / "direct" / "student.jsonl", bench.folder / "again", bench.config,
        Console(file=io.StringIO()),
    )  # fmt: skip
    assert again["pass@1"] == summary["student"]["direct"]["pass@1"]


def test_several_samples_have_a_temperature_seeds_and_pass_at_k(bench: Bench) -> None:
    summary = bench.go(bench.set(samples=3, models=["student"]))
    student = summary["student"]["direct"]
    assert (student["samples"], student["samples_per_task"], student["pass@2"]) == (3 * TASKS, 3, 0.5)
    assert set(student["ci95"]) == {"method", "pass@1", "pass@2"}
    assert sorted(options["seed"] for options in Models.options) == sorted([0, 1, 2] * TASKS)
    assert {options["temperature"] for options in Models.options} == {0.8}
    assert "pass@k of direct completions" in (bench.out / "report.html").read_text()


def test_a_session_that_was_killed_goes_on_where_it_was(bench: Bench) -> None:
    config = bench.set(samples=2, models=["student"])
    Models.faults["student", 2] = [None, KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        bench.go(config)
    path = bench.out / "direct" / "student.jsonl"
    done = len(bench.drawn("student"))
    assert 0 < done < 2 * TASKS
    with path.open("a") as file:
        file.write('{"task_id": "HumanEval/3", "half')  # killed while writing
    before = Models.asked.total()
    first = bench.go(config)
    assert Models.asked.total() - before == 2 * TASKS - done
    assert len(bench.drawn("student")) == 2 * TASKS
    before = Models.asked.total()
    assert bench.go(config) == first
    assert Models.asked.total() == before


def test_an_engine_that_fails_has_failed_itself_and_a_full_context_too(bench: Bench) -> None:
    Models.faults["student", 0] = [ContextFull("too long")]
    Models.faults["student", 2] = [ProviderError("out of memory")]
    student = bench.go(bench.set(models=["student"]))["student"]["direct"]
    assert student["errors"] == {"context_full": 1, "model_error": 1}
    assert student["outcomes"] == {"no_answer": 2, "wrong": 2}
    assert student["pass@1"] == 0.0


def test_a_task_whose_own_solution_fails_is_put_to_nobody(bench: Bench) -> None:
    broken = [HUMANEVAL[0] | {"canonical_solution": "    return None\n"}, *HUMANEVAL[1:]]
    write(bench.problems, broken)
    summary = bench.go(bench.set(models=["student"]))
    assert list(summary["benchmark"]["unsound_tasks"]) == ["0"]
    assert summary["student"]["n"] == summary["student"]["direct"]["n"] == TASKS - 1
    assert Models.asked["student", 0] == 0
    write(bench.problems, broken[:1])
    bench.out = bench.folder / "other"
    with pytest.raises(ProblemError, match="its own solutions fail"):
        bench.go()


def test_one_way_alone_and_a_subset(bench: Bench) -> None:
    subset = Subset(limit=2)
    summary = bench.go(bench.set(models=["student"], ways=["direct"]), subset)
    assert (summary["student"]["n"], summary["student"]["direct"]["n"]) == (0, 2)
    assert summary["student"]["direct"]["agent"] is None
    again = bench.go(bench.set(models=["student"]), subset)
    assert (again["student"]["n"], again["student"]["direct"]["agent"]["n"]) == (2, 2), "the other way may come later"
    with pytest.raises(StageError, match="other settings"):
        bench.go(bench.set(models=["student"], samples=2), subset)
    bench.out = bench.config.run.dir / "benchmarks" / "humaneval"
    summary = bench.go(bench.set(models=["student"], ways=["agent"]), subset)
    assert "direct" not in summary["student"]
    assert summary["student"]["n"] == 2


def test_reports_anew_ask_nobody_and_want_the_same_benchmark(bench: Bench) -> None:
    first = bench.go(bench.set(models=["student"], samples=2))
    before = Models.asked.total()
    (bench.out / "report.html").unlink()
    assert bench.go(bench.config, report=True) == first
    assert (bench.out / "report.html").exists()
    assert Models.asked.total() == before
    with pytest.raises(StageError, match="is of humaneval, other tasks"):
        bench.go(report=True, subset=Subset(limit=1))


def test_the_plus_inputs_count_for_both_ways(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    only_base = fence_python("def f(x):\n    return 1")
    monkeypatch.setattr(Scripted, "say", lambda self, n, direct: only_base if direct else FINISH.format(only_base))
    bench.benchmark = "humaneval+"
    write(bench.problems, PLUS)
    student = bench.go(bench.set(models=["student"]))["student"]
    assert (student["success"], student["direct"]["pass@1"], student["direct"]["passed_base"]) == (0.0, 0.0, 1)


# --- a teacher at a provider ----------------------------------------------------------------------


def teacher(bench: Bench, server: FakeProvider, monkeypatch: pytest.MonkeyPatch, **evaluate: Any) -> Config:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    config = bench.set(models=["teacher"], ways=["direct"], **evaluate)
    told = {"model": "groq:openai/gpt-oss-120b", "base_url": server.base_url, "max_attempts": 1, "seed": 5}
    return config.model_copy(update={"teacher": config.teacher.model_copy(update=told)})


def thinks(messages: list[dict[str, Any]]) -> Reply:
    number = messages[0]["content"].rsplit("adds ", 1)[1].split("'")[0]
    return Reply(fence_python(f"def f(x):\n    return x + {number}"), reasoning="easy")


def test_a_provider_that_fails_gives_no_wrong_answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    down = True

    def fault(body: dict[str, Any], number: int) -> Refusal | None:
        return Refusal(400, "no") if down and "adds 1" in body["messages"][0]["content"] else None

    with FakeProvider(thinks, fault=fault) as server:
        config = teacher(bench, server, monkeypatch)
        with pytest.raises(StageError, match="1 direct completions of teacher failed, twice each"):
            bench.go(config)
        assert len(bench.drawn("teacher")) == TASKS - 1
        assert not (bench.out / "summary.json").exists()
        down = False
        summary = bench.go(config)
    found = summary["teacher"]["direct"]
    assert (found["pass@1"], found["n"], found["failed_draws"]) == (1.0, TASKS, 0)
    assert server.answered == TASKS, "what was answered is not asked again"
    assert bench.drawn("teacher")[1]["reasoning"] == "easy"
    assert {request["temperature"] for request in server.requests} == {0.0}


def test_failures_that_are_allowed_are_counted_apart(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(body: dict[str, Any], number: int) -> Refusal | None:
        return Refusal(400, "no") if "adds 1" in body["messages"][0]["content"] else None

    with FakeProvider(thinks, fault=fault) as server:
        found = bench.go(teacher(bench, server, monkeypatch, max_failed=1, samples=1))["teacher"]["direct"]
    assert (found["pass@1"], found["n"], found["missing_tasks"], found["failed_draws"]) == (1.0, TASKS - 1, 1, 1)


def test_a_refused_key_ends_the_run_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(thinks, fault=lambda body, number: Refusal(401, "bad key")) as server:
        with pytest.raises(AuthenticationError):
            bench.go(teacher(bench, server, monkeypatch))


def test_each_draw_of_a_teacher_has_a_seed_of_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(thinks) as server:
        bench.go(teacher(bench, server, monkeypatch, samples=2), Subset(limit=1))
    asked = [(request["seed"], request["temperature"]) for request in server.requests]
    assert sorted(asked) == [(5, 0.8), (6, 0.8)]


def test_a_student_behind_a_server_is_asked_with_temperature_and_seed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "open_engine", lambda engine, path: open_server(engine, str(path)))
    with FakeProvider(thinks, models=("final",), key=None) as server:
        told = {"engine": "openai", "base_url": server.base_url, "model": "final"}
        config = bench.set(models=["student"], ways=["direct"], samples=2)
        config = config.model_copy(update={"engine": config.engine.model_copy(update=told)})
        found = bench.go(config, Subset(limit=1))["student"]["direct"]
    assert sorted((each["seed"], each["temperature"]) for each in server.requests) == [(0, 0.8), (1, 0.8)]
    assert (found["pass@1"], found["samples"]) == (1.0, 2)


# --- prompts and programs -------------------------------------------------------------------------


def task(tmp_path: Path, benchmark: str = "humaneval", rows: list[dict[str, Any]] = HUMANEVAL) -> Task:
    return next(iter(read_benchmark(benchmark, write(tmp_path / "tasks.jsonl", rows)).values()))


def test_the_usual_prompts(tmp_path: Path) -> None:
    assert task(tmp_path).direct == task(tmp_path).problem.prompt
    assert "def f(x):" in task(tmp_path).direct
    mbpp = task(tmp_path, "mbpp", MBPP)
    assert "assert f(1) == 3" in mbpp.direct
    assert "assert f(7) == 9" not in mbpp.direct, "challenge tests are not shown"
    assert "assert" not in mbpp.problem.prompt
    assert task(tmp_path, "humaneval+", PLUS).direct == task(tmp_path).direct


WHOLE = "def f(x):\n    return x + 1\n"
CONTINUED = "def f(x):\n    '''adds 0'''\n    return x + 1\n"


@pytest.mark.parametrize(
    ("reply", "program"),
    [
        (f"```python\n{WHOLE}```", WHOLE),
        (f"Here:\n```\n{WHOLE}```\nand its use:\n```python\nprint(f(1))\n```", WHOLE),
        (WHOLE, WHOLE),
        (f"<think>hm\n```python\ndef f(x): return 0\n```</think>\n```python\n{WHOLE}```", WHOLE),
        ("    return x + 1\n", CONTINUED),
        ("return x + 1\n", CONTINUED),
        ("```python\n    return x + 1\n```", CONTINUED),
        ("<think>easy</think>\n    return x + 1\n", CONTINUED),
        ("I cannot.", "I cannot."),
        ("```python\nprint(1)\n```", "print(1)\n"),
        ("", ""),
        ("```python\ndef f(x: return\n```", "def f(x: return\n"),
    ],
)
def test_the_program_of_a_reply(tmp_path: Path, reply: str, program: str) -> None:
    assert program_of(reply, task(tmp_path)) == program


def test_a_benchmark_without_a_beginning_has_nothing_to_continue(tmp_path: Path) -> None:
    assert program_of("    return x + 2", task(tmp_path, "mbpp", MBPP)) == "    return x + 2"


@given(
    body=st.text(alphabet="x+1 \n'\"#`:=()", max_size=40),
    before=st.text(alphabet="ab .\n", max_size=20),
    thought=st.none() | st.text(alphabet="ab`\n", max_size=20),
)
def test_whatever_function_is_fenced_comes_out_again(
    tmp_path_factory: pytest.TempPathFactory, body: str, before: str, thought: str | None
) -> None:
    program = f"def f(x):\n    return x\n{body}"
    try:
        compile(program, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    one = task(tmp_path_factory.getbasetemp())
    reply = f"{before}\n{fence_python(program)}"
    assert program_of(reply if thought is None else f"<think>{thought}</think>{reply}", one).rstrip("\n") == (
        program.rstrip("\n")
    )


# --- the comparison, by hand ----------------------------------------------------------------------


def test_the_two_ways_are_compared_on_common_tasks_alone(bench: Bench) -> None:
    from tests.trajectories.made import made

    rows = [{"task_id": "HumanEval/0", "passed": p} for p in (True, False)]
    rows += [{"task_id": "HumanEval/1", "passed": False}] * 2 + [{"task_id": "HumanEval/9", "passed": True}]
    agent = {("all", f"HumanEval/{n}"): made(f"HumanEval/{n}", passed=n == 0) for n in (0, 1, 5)}
    found = beside(rows, agent, bench.config)
    assert found is not None
    assert (found["n"], found["success"], found["direct"], found["difference"]) == (2, 0.5, 0.25, 0.25)
    assert found["difference_ci95"] == [0.0, 0.5]
    assert beside(rows, {}, bench.config) is None
