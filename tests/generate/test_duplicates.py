from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.generate.runs import a_run, act, finish

from deepcoder.config import DuplicatesConfig, ProblemsConfig
from deepcoder.generate.duplicates import RECALL, Duplicates, bands, compared
from deepcoder.problems import open_source
from deepcoder.records import Trajectory

LONG = (
    "Given a list of orders with a customer and an amount each, print the customers by the sum of what they paid, " * 2
)
CODE = "\n".join(
    f"total_{number} = sum(amount for customer, amount in orders if customer == {number})" for number in range(9)
)


def order(problem: str = LONG, code: str = CODE, problem_id: str = "a", **changes: object) -> Trajectory:
    return a_run(act(code), finish(), problem=problem, problem_id=problem_id, **changes)


def reason(known: Duplicates, trajectory: Trajectory) -> str | None:
    found = known.of(trajectory)
    return found.reason if found else None


@pytest.fixture
def known() -> Duplicates:
    known = Duplicates(DuplicatesConfig())
    known.add(order())
    return known


def test_an_exact_duplicate_differs_in_layout_at_most(known: Duplicates) -> None:
    again = order(problem=LONG.replace(" ", "\n  "), problem_id="b")
    assert reason(known, again) == "duplicate"
    found = known.of(again)
    assert found is not None
    assert found.detail == "of a"


def test_thoughts_and_observations_make_no_difference(known: Duplicates) -> None:
    run = order(problem_id="b")
    steps = tuple(step.model_copy(update={"thought": "Otherwise.", "observation": None}) for step in run.steps)
    assert reason(known, run.model_copy(update={"steps": steps})) == "duplicate"


def test_a_near_duplicate(known: Duplicates) -> None:
    found = known.of(order(problem=LONG.replace("print", "show", 1), problem_id="b"))
    assert found is not None
    assert found.reason == "near_duplicate"
    assert found.detail.startswith("of a, similarity 0.9")


def test_the_same_problem_solved_otherwise_is_none(known: Duplicates) -> None:
    assert reason(known, order(code="from collections import Counter\nprint(Counter(orders))", problem_id="a")) is None


def test_another_operator_is_another_solution() -> None:
    known = Duplicates(DuplicatesConfig())
    known.add(a_run(act("print(3 + 4)"), finish("7"), problem="3 + 4?"))
    assert reason(known, a_run(act("print(3 - 4)"), finish("-1"), problem="3 - 4?")) is None


@pytest.mark.parametrize(
    ("settings", "exact", "near"),
    [({"near": False}, "duplicate", None), ({"enabled": False}, None, None), ({"threshold": 0.99}, "duplicate", None)],
)
def test_switches(settings: dict[str, object], exact: str | None, near: str | None) -> None:
    known = Duplicates(DuplicatesConfig.model_validate(settings))
    known.add(order())
    assert reason(known, order(problem_id="b")) == exact
    assert reason(known, order(problem=LONG.replace("print", "show", 1))) == near


def test_empty_texts() -> None:
    known = Duplicates(DuplicatesConfig())
    empty = a_run(finish(" "), problem="")
    known.add(empty)
    assert reason(known, empty) == "duplicate"
    assert reason(known, order()) is None


@settings(max_examples=20)
@given(st.lists(st.text("ab \n", max_size=12), max_size=12))
def test_exactly_one_of_each_text_is_kept(texts: list[str]) -> None:
    known, kept = Duplicates(DuplicatesConfig(near=False)), set()
    for text in texts:
        run = a_run(finish("1"), problem=text)
        if known.of(run) is None:
            known.add(run)
            kept.add(" ".join(compared(run).split()))
    assert len(kept) == len({" ".join(f"{text}\n1".split()) for text in texts})


@given(st.floats(0.05, 0.99), st.integers(16, 256))
def test_bands_find_a_pair_at_the_threshold(threshold: float, permutations: int) -> None:
    number, rows = bands(threshold, permutations)
    assert number * rows <= permutations
    if (number, rows) != (permutations, 1):
        assert number >= 2
        assert 1 - (1 - threshold**rows) ** number >= RECALL


def test_the_procedural_problems_are_no_duplicates_of_each_other() -> None:
    source = open_source(ProblemsConfig(train=300))
    known, lost = Duplicates(DuplicatesConfig()), []
    for problem in source.problems("train"):
        policy = source.policy(problem.problem_id)
        assert policy is not None
        run = a_run(policy.next_step([]), finish("1"), problem=problem.prompt, problem_id=problem.problem_id)
        if known.of(run) is not None:
            lost.append(problem.problem_id)
        known.add(run)
    assert lost == []
