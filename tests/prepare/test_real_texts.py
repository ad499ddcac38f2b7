"""Every MBPP and HumanEval reference solution as a trajectory, under the real tokenizer and both templates."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.prepare.prepare_chats import trajectory

from deepcoder.prepare.align import Aligner
from deepcoder.prepare.build import Tally, prepare
from deepcoder.records import Step, Trajectory

pytestmark = pytest.mark.slow


def run_of(problem_id: str, problem: str, solution: str, check: str) -> Trajectory:
    return trajectory(
        Step(thought="I try it.", action="execute_python", input=f"{solution}\n{check}", observation="ok\n"),
        Step(thought=f"It works:\n{check}", action="finish", input=solution),
        problem=problem, problem_id=problem_id,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(shared: Path) -> list[Trajectory]:
    found = []
    with (shared / "data/mbpp/mbpp.jsonl").open() as file:
        for row in map(json.loads, file):
            found.append(run_of(f"mbpp/{row['task_id']}", row["text"], row["code"], "\n".join(row["test_list"])))
    with gzip.open(shared / "data/humaneval/HumanEval.jsonl.gz", "rt") as file:
        for row in map(json.loads, file):
            found.append(run_of(row["task_id"], row["prompt"], row["canonical_solution"], row["test"]))
    return found


def test_no_mismatch_on_any_reference_solution(aligner: Aligner, runs: list[Trajectory]) -> None:
    tally = Tally()
    for example in prepare(runs, aligner, first_message=lambda text: text, max_length=100_000, tally=tally):
        spans, steps = example.tokens.span_ids, example.tokens.step_ids
        assert set(steps[(spans == 1) | (spans == 2)].tolist()) == {0, 1}
    assert tally.examples == len(runs) == 974 + 164
    assert tally.mismatches == 0
    assert not tally.refused
