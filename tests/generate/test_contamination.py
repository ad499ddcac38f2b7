from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.generate.runs import a_run, act, finish

from deepcoder.config import DecontaminateConfig, ProblemsConfig
from deepcoder.errors import ProblemError, StageError
from deepcoder.generate.contamination import MIN_CODE_RUNS, Contamination, Hit
from deepcoder.generate.ngrams import code_tokens
from deepcoder.generate.references import SHIPPED, Reference, Task, reference, shipped_reference
from deepcoder.generate.ship_references import write_shipped
from deepcoder.problems import open_source
from deepcoder.records import AnswerCheck, Problem, TestsCheck

ASKED = "Tell whether any two of the given floating numbers lie closer to each other than a threshold that is given."
CODE = """\
def close(numbers, threshold):
    # compare each with the others
    for i, left in enumerate(numbers):
        for j, right in enumerate(numbers):
            if i != j and abs(left - right) < threshold:
                return True
    return False
"""
TASKS = [
    {"task_id": "Own/0", "prompt": ASKED, "canonical_solution": CODE},
    {
        "task_id": "Own/1",
        "prompt": 'def add(a, b):\n    """Add two numbers quickly.\n    >>> add(1, 2)\n    3\n    """',
    },
    {"task_id": "Own/2", "prompt": "Sort it.", "canonical_solution": "def s(x):\n    return sorted(x)\n"},
]


@pytest.fixture
def own(tmp_path: Path) -> Contamination:
    return Contamination(DecontaminateConfig(benchmarks=[write(tmp_path / "own.jsonl", TASKS)]))


def write(path: Path, rows: list[dict[str, str]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def problem(prompt: str, problem_id: str = "p") -> Problem:
    return Problem(problem_id=problem_id, prompt=prompt, check=AnswerCheck(answer="1"))


def found(contamination: Contamination, prompt: str, problem_id: str = "p") -> tuple[str, str] | None:
    hit = contamination.in_problem(problem(prompt, problem_id))
    return (hit.task, hit.by) if hit else None


def test_a_run_of_words_in_common(own: Contamination) -> None:
    other_words = ASKED.upper().replace("Tell", "Say").replace(" ", "  ")
    assert found(own, f"Write a function. {other_words}") == ("Own/0", "prompt")
    assert found(own, " ".join(ASKED.split()[:13])) == ("Own/0", "prompt")
    assert found(own, " ".join(ASKED.split()[:12])) is None


def test_a_short_prompt_word_for_word(own: Contamination) -> None:
    assert found(own, "add two numbers, quickly") == ("Own/1", "whole")
    assert found(own, "Solve this:\n  Add two numbers quickly.\nName it `add`.") == ("Own/1", "whole")
    assert found(own, "Add two numbers quickly and print them.") is None
    assert found(own, "Sort it.") is None, "two words are nobody's own"


def test_an_id_of_the_benchmark(own: Contamination) -> None:
    assert found(own, "Anything else.", "Own/1") == ("Own/1", "id")


def test_a_prompt_with_the_solution(own: Contamination) -> None:
    assert found(own, f"What does this do?\n{CODE}") == ("Own/0", "code")


def test_a_solution_in_programs_and_answer(own: Contamination) -> None:
    hit = own.in_run(a_run(act(f"{CODE}\nprint(close([1, 2], 3))"), finish("True"), problem_id="q"))
    assert hit is not None
    assert (hit.problem_id, hit.benchmark, hit.task, hit.by) == ("q", "own.jsonl", "Own/0", "code")
    assert hit.rejection().reason == "contaminated"
    assert "Own/0" in hit.rejection().detail
    assert own.in_run(a_run(finish(CODE.replace("    # compare each with the others\n", "\n")))) is not None
    assert own.in_run(a_run(finish("\n".join(CODE.splitlines()[:3])))) is None
    assert own.in_run(a_run(finish("def s(x):\n    return sorted(x)\n"))) is None, "everybody writes it"


def test_how_much_of_a_solution_is_too_much(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", TASKS)
    most = a_run(finish(CODE.replace("threshold", "limit")))
    assert Contamination(DecontaminateConfig(benchmarks=[path], code_overlap=0.95)).in_run(most) is None
    assert Contamination(DecontaminateConfig(benchmarks=[path], code_overlap=0.1)).in_run(most) is not None


def test_numbers_are_nobodys_own(tmp_path: Path) -> None:
    numbers = " ".join(str(number) for number in range(40))
    own = Contamination(
        DecontaminateConfig(benchmarks=[write(tmp_path / "n.jsonl", [{"prompt": f"Sum up {numbers}"}])])
    )
    assert found(own, f"What is the largest of {numbers}?") is None


@given(st.lists(st.sampled_from([f"w{n}" for n in range(30)]), min_size=4, max_size=30, unique=True), st.data())
def test_hits_are_exactly_the_prompts_with_a_run_in_common(task: list[str], data: st.DataObject) -> None:
    own = Contamination(DecontaminateConfig(benchmarks=[], ngram=5))
    own.references = [reference("own", [Task("t", " ".join(task), "")], 5)]
    own._code_sizes = [[0]]
    start = data.draw(st.integers(0, len(task) - 1))
    taken = task[start : data.draw(st.integers(start, len(task)))]
    hit = found(own, " ".join(["before", *taken, "after"]))
    assert (hit is not None) == (len(taken) >= 5)


def test_switched_off() -> None:
    off = Contamination(DecontaminateConfig(enabled=False, benchmarks=["/nowhere"]))
    assert found(off, ASKED, "mbpp/11") is None
    assert off.in_run(a_run(finish(CODE))) is None
    assert "enabled=false" in off.against()


def test_nothing_that_was_asked_for_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="'human-eval' is neither shipped nor a file") as caught:
        Contamination(DecontaminateConfig(benchmarks=["human-eval"]))
    assert "humaneval, mbpp-test" in caught.value.hint
    with pytest.raises(StageError, match="ngram is 8, and mbpp-test is shipped as runs of 13"):
        Contamination(DecontaminateConfig(benchmarks=["mbpp-test"], ngram=8))
    (tmp_path / "bad.jsonl").write_text('{"question": "?"}\n')
    with pytest.raises(ProblemError, match=r"bad.jsonl:1: field 'prompt' is missing"):
        Contamination(DecontaminateConfig(benchmarks=[str(tmp_path / "bad.jsonl")]))


def test_what_is_shipped() -> None:
    default = Contamination(DecontaminateConfig())
    assert default.against() == "humaneval (164), mbpp-test (500)"
    assert {found(default, "?", f"mbpp/{number}") is not None for number in range(11, 511)} == {True}
    assert [found(default, "?", f"mbpp/{number}") for number in (1, 10, 511, 974)] == [None] * 4
    assert SHIPPED.stat().st_size < 400_000


def test_the_procedural_problems_are_not_contaminated() -> None:
    default = Contamination(DecontaminateConfig())
    source = open_source(ProblemsConfig(train=200))
    for each in source.problems("train"):
        policy = source.policy(each.problem_id)
        assert policy is not None
        assert default.in_problem(each) is None
        assert default.in_run(a_run(policy.next_step([]), problem_id=each.problem_id)) is None


def test_the_shipped_file_is_made_of_the_benchmarks_own(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "made.npz"
    files = ("humaneval/HumanEval.jsonl.gz", "mbpp/mbpp.jsonl", "mbpp/sanitized-mbpp.json")
    humaneval, mbpp, sanitized = (shared / "data" / file for file in files)
    write_shipped(humaneval, mbpp, sanitized, out)
    with np.load(out) as made, np.load(SHIPPED) as shipped:
        assert made.files == shipped.files
        assert all(np.array_equal(made[name], shipped[name]) for name in made.files)


def test_every_task_of_the_test_splits_is_found_by_its_words_alone(shared: Path) -> None:
    default = Contamination(DecontaminateConfig())
    files = [("humaneval", "humaneval/HumanEval.jsonl.gz")]
    files += [("mbpp", "mbpp/mbpp.jsonl"), ("mbpp", "mbpp/sanitized-mbpp.json")]
    for name, file in files:
        source = open_source(ProblemsConfig(source=name, path=shared / "data" / file))  # type: ignore[arg-type]
        ids = {task for each in default.references for task in each.tasks}
        for each in source.problems("all"):
            if each.problem_id in ids:
                assert isinstance(each.check, TestsCheck)
                assert found(default, each.prompt, "another") is not None, each.problem_id


def test_reference_solutions_are_found_where_they_are_long_enough(shared: Path) -> None:
    default, mbpp = Contamination(DecontaminateConfig()), shipped_reference("mbpp-test")
    long_enough = {task for task, size in zip(mbpp.tasks, mbpp.code_sizes(), strict=True) if size >= MIN_CODE_RUNS}
    for line in (shared / "data/mbpp/mbpp.jsonl").read_text().splitlines():
        row = json.loads(line)
        if f"mbpp/{row['task_id']}" in mbpp.tasks:
            hit = default.in_run(a_run(finish(row["code"])))
            assert hit is not None or len(code_tokens(row["code"])) < 13 + MIN_CODE_RUNS
            assert hit is None or hit.task in long_enough


def test_the_record_of_a_hit() -> None:
    assert Hit("p", "b", "t", "id").row() == {
        "problem_id": "p",
        "benchmark": "b",
        "task": "t",
        "by": "id",
        "detail": "",
    }


def test_the_tables_of_a_reference() -> None:
    made: Reference = shipped_reference("humaneval")
    assert len(made.tasks) == 164
    assert made.tasks[0] == "HumanEval/0"
    assert all(0 <= number < 164 for numbers in made.prompts.values() for number in numbers)
