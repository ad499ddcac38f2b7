"""The procedural source: reproducible, disjoint by construction, solvable, without leaks."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.problems.trusted_run import Solve, run_trusted

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ProblemError
from deepcoder.problems import open_source, worked_problems
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool, pool
from deepcoder.problems.procedural.families import all_families, all_operations
from deepcoder.problems.procedural.families.text_statistics import clear_letter, clear_mode
from deepcoder.problems.procedural.family import (
    COMPOSITIONS,
    PARAMETERS,
    SPLITS,
    TRAIN,
    WORDING,
    Made,
    OperationFamily,
    draw_values,
)
from deepcoder.problems.procedural.operation import Operation, Values
from deepcoder.problems.procedural.source import ProceduralSource
from deepcoder.records import AnswerCheck, Problem, Step, StepError, TestsCheck

OPERATIONS = {operation.key: operation for operation in all_operations()}


def source(**more: object) -> ProceduralSource:
    return ProceduralSource(ProblemsConfig(**{"train": 400, "held_out": 150, **more}))


@pytest.fixture(scope="module")
def everything() -> dict[str, list[Problem]]:
    made = source(train=1500, held_out=250)
    return {split: list(made.problems(split)) for split in SPLITS}


def sides(operation: Operation, held_out: bool) -> Iterator[Values]:
    """Parameters of a side; some operations have none at some levels."""
    for number in range(40):
        with contextlib.suppress(LookupError):
            yield draw_values(operation, Draw(f"side/{operation.key}/{number}", held_out=held_out))


def agrees(found: str, expected: str) -> bool:
    """The same text, or the same number."""
    try:
        return found == expected or float(found) == pytest.approx(float(expected))
    except ValueError:
        return False


def test_size_of_the_families():
    families = all_families()
    assert len(families) >= 16
    assert len(OPERATIONS) == len(all_operations()) >= 100  # keys are unique, too
    assert {family.name for family in families if COMPOSITIONS in family.splits} == {"chains"}


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    first, again, other = source(train=150), source(train=150), source(train=150, seed=1)
    assert list(first.problems(TRAIN)) == list(again.problems(TRAIN))
    same = {p.prompt for p in first.problems(TRAIN)} & {p.prompt for p in other.problems(TRAIN)}
    assert len(same) < 10


def test_an_id_alone_gives_the_problem_again():
    made = source()
    for problem in itertools.islice(made.problems(WORDING), 50):
        _, split, family, index = problem.problem_id.split("/")
        assert source().made(split, family, int(index)).prompt == problem.prompt


def test_more_problems_begin_with_the_same_ones():
    few = [p.problem_id for p in source(train=60).problems(TRAIN)]
    assert few == [p.problem_id for p in itertools.islice(source().problems(TRAIN), 60)]
    assert len(list(source(limit=7).problems(TRAIN))) == 7


def test_no_prompt_twice_within_or_across_splits(everything: dict[str, list[Problem]]):
    prompts = [problem.prompt for problems in everything.values() for problem in problems]
    assert len(prompts) == 1500 + 3 * 250
    assert len(set(prompts)) == len(prompts)
    ids = [problem.problem_id for problems in everything.values() for problem in problems]
    assert len(set(ids)) == len(ids)


def test_word_pools_are_disjoint_and_harmless():
    for file in ("words.txt", "names.txt"):
        assert not set(pool(file, False)) & set(pool(file, True))
        assert min(len(pool(file, False)), len(pool(file, True))) >= 12
    words = {*pool("words.txt", False), *pool("words.txt", True)}
    assert not words & {"os", "eval", "exec", "import", "sys", "open", "subprocess"}


@pytest.mark.parametrize("held_out", [False, True])
def test_parameters_of_an_operation_are_on_one_side_only(held_out: bool):
    for operation in OPERATIONS.values():
        values = next(sides(operation, held_out))
        assert in_held_out_pool((operation.key, sorted(values.items()))) == held_out


def test_compositions_are_cells_that_training_never_chains(everything: dict[str, list[Problem]]):
    def cells(split: str) -> set[str]:
        return {p.source.partition(":")[2] for p in everything[split] if p.family == "chains"}

    assert len(cells(COMPOSITIONS)) >= 30
    elsewhere = cells(TRAIN) | cells(PARAMETERS) | cells(WORDING)
    assert not cells(COMPOSITIONS) & elsewhere
    [chains] = [family for family in all_families() if family.name == "chains"]
    train, held_out = chains.cells
    firsts, seconds = {cell.first.key for cell in train}, {cell.second.key for cell in train}
    assert all(cell.first.key in firsts and cell.second.key in seconds for cell in held_out)


@pytest.mark.parametrize("split", SPLITS)
def test_the_expert_solves_what_it_is_asked(split: str, everything: dict[str, list[Problem]], solve: Solve):
    made = source()
    for problem in everything[split][:250]:
        answer, steps = solve(made.policy(problem.problem_id))
        assert steps, problem.prompt
        if isinstance(problem.check, TestsCheck):
            code = answer.removeprefix("```python\n").removesuffix("\n```")
            assert run_trusted(f"{code}\n{problem.check.tests}\nprint('fine')") == "fine", problem.prompt
        else:
            assert agrees(answer, problem.check.answer), (problem.prompt, answer, problem.check.answer)


def test_every_operation_agrees_with_its_independent_answer(solve: Solve):
    for operation in OPERATIONS.values():
        family = OperationFamily("one", [operation])
        for number in range(4):
            try:
                made = family.make(Draw(f"agree/{operation.key}/{number}"), TRAIN, 0)
            except LookupError:
                continue
            assert isinstance(made.check, AnswerCheck)
            answer, _ = solve(made.script)
            assert agrees(answer, made.check.answer), (operation.key, made.code, answer, made.check.answer)


def test_answers_vary():
    for operation in OPERATIONS.values():
        answers = {str(operation.answer(**values)) for values in sides(operation, held_out=False)}
        assert len(answers) >= (2 if operation.out == "bool" or operation.key == "get_bit" else 3), operation.key


def test_a_prompt_does_not_depend_on_the_answer():
    secret = 918273645
    for operation in OPERATIONS.values():
        blind = replace(operation, answer=lambda **values: secret)
        seed = f"leak/{operation.key}"
        try:
            seen = OperationFamily("one", [operation]).make(Draw(seed), TRAIN, 0).prompt
            unseen = OperationFamily("one", [blind]).make(Draw(seed), TRAIN, 0).prompt
        except LookupError:
            continue
        assert seen == unseen
        assert str(secret) not in unseen


def test_hidden_tests_and_solutions_are_in_no_prompt(everything: dict[str, list[Problem]]):
    made = source()
    for problem in everything[TRAIN] + everything[WORDING]:
        if isinstance(problem.check, TestsCheck):
            assert not any(line in problem.prompt for line in problem.check.tests.splitlines())
            body = made.policy(problem.problem_id).next_step([]).input.splitlines()[1].strip()
            assert body not in problem.prompt


def test_recoveries_meet_a_real_exception_first(solve: Solve):
    made = source(families=["error_recovery"], train=60)
    for problem in made.problems(TRAIN):
        _, steps = solve(made.policy(problem.problem_id))
        assert len(steps) == 2
        assert "Error" in (steps[0].observation or "")
        assert (steps[0].observation or "").partition(":")[0] in steps[1].thought


def test_several_steps_use_the_first_result_in_the_second_action(solve: Solve):
    made = source(families=["several_steps"], train=60)
    for problem in made.problems(TRAIN):
        _, steps = solve(made.policy(problem.problem_id))
        assert len(steps) == 2
        assert (steps[0].observation or "") in steps[1].input
        assert steps[0].thought.startswith("Run 1: ")


def test_a_branch_is_chosen_by_the_program_not_by_the_thought(solve: Solve):
    made = source(families=["several_steps"], train=60)
    rules = [p for p in made.problems(TRAIN) if ":branch_" in p.source]
    assert rules
    for problem in rules:
        _, steps = solve(made.policy(problem.problem_id))
        assert steps[1].thought.startswith("If it is ")
        assert ", else: " in steps[1].thought
        assert " if r " in steps[1].input


def test_the_expert_gives_up_where_the_observation_is_not_what_it_expected():
    made = source()
    problem = next(p for p in made.problems(TRAIN) if p.family == "lists")
    policy = made.policy(problem.problem_id)
    first = policy.next_step([])
    failed = first.model_copy(update={"observation": "MemoryError: out (line 1)", "error": StepError.TOOL_FAILED})
    last = policy.next_step([failed])
    assert last.action == "finish"
    assert isinstance(problem.check, AnswerCheck)
    assert last.input != problem.check.answer
    assert "cannot" in last.thought


def test_the_answer_is_read_from_the_observation_not_from_the_check():
    made = source()
    problem = next(p for p in made.problems(TRAIN) if p.family == "lists")
    policy = made.policy(problem.problem_id)
    first = policy.next_step([])
    assert policy.next_step([first.model_copy(update={"observation": "12345"})]).input == "12345"


def test_shares_change_the_mix_of_the_training_split_alone():
    plain, more = source(train=120), source(train=120, shares={"documentation": 20})
    asked = [problem.family for problem in more.problems(TRAIN)]
    assert (
        asked.count("documentation") > 30 > [problem.family for problem in plain.problems(TRAIN)].count("documentation")
    )
    assert list(more.problems(WORDING)) == list(plain.problems(WORDING))


def test_foreign_ids_have_no_policy():
    made = source()
    for problem_id in ("", "mbpp/1", "procedural/train/lists", "procedural/x/lists/1", "procedural/train/none/1"):
        assert made.policy(problem_id) is None


def test_unknown_family_and_missing_split_are_clear_errors():
    with pytest.raises(ProblemError, match="unknown family 'poetry'"):
        open_source(ProblemsConfig(families=["poetry"]))
    with pytest.raises(ProblemError, match=r"problems\.shares: unknown family 'poetry'"):
        open_source(ProblemsConfig(shares={"poetry": 2}))
    with pytest.raises(ProblemError, match="held_out_compositions"):
        list(source(families=["lists"]).problems(COMPOSITIONS))
    with pytest.raises(ProblemError, match="no split 'test'"):
        list(source().problems("test"))


def test_too_few_problems_is_an_error_not_an_endless_loop():
    class Poor(OperationFamily):
        def make(self, draw: Draw, split: str, index: int) -> Made:
            return super().make(Draw("always the same"), split, 0)

    made = source(families=["lists"], train=40)
    made._families = {"lists": Poor("lists", [OPERATIONS["sum"]])}
    with pytest.raises(ProblemError, match="fewer than 40"):
        list(made.problems(TRAIN))


def test_difficulty_has_levels(everything: dict[str, list[Problem]]):
    assert {problem.difficulty for problem in everything[TRAIN]} == {1, 2, 3}


def test_worked_problems_come_from_training_alone(everything: dict[str, list[Problem]]):
    def look_up(query: str) -> str:
        return f"{query}(text)\nNothing more."

    worked = list(worked_problems(5, 400, look_up))
    assert len(worked) == 400
    assert worked == list(worked_problems(5, 400, look_up))
    assert {"chains", "several_steps", "error_recovery"} <= {item.family for item in worked}
    for item in worked[:150]:
        for step in item.steps:
            assert step.lookup or agrees(run_trusted(step.input), step.output) or "Error" in step.output, item
    held_out = {p.prompt for split in (PARAMETERS, WORDING, COMPOSITIONS) for p in everything[split]}
    assert not held_out & {item.instruction for item in worked}
    cells = {p.source.partition(":")[2] for p in everything[COMPOSITIONS]}
    assert not cells & {item.operation for item in worked}
    assert {bool(item.reading) for item in worked if item.steps[-1].lookup} == {True}
    assert not any(item.reading for item in worked if not item.steps[-1].lookup)


def test_a_family_can_have_another_share_among_worked_problems():
    more = [item.family for item in worked_problems(5, 200, str, {"chains": 60})]
    assert more.count("chains") > 100
    assert len(set(more)) > 10


def test_steps_are_short(everything: dict[str, list[Problem]]):
    made = source()
    lengths = [len(made.policy(p.problem_id).next_step([]).input) for p in everything[TRAIN][:500]]
    assert sum(lengths) / len(lengths) < 120
    assert all(isinstance(made.policy(p.problem_id).next_step([]), Step) for p in everything[TRAIN][:5])


@pytest.mark.parametrize("drawn", [clear_mode, clear_letter])
def test_what_is_most_frequent_is_so_alone(drawn: Callable[[Draw], Values]):
    for seed in range(500):
        text = str(drawn(Draw(f"{seed}"))["s"])
        counts = Counter(text.split() if " " in text else text).most_common(2)
        assert len(counts) == 1 or counts[0][1] > counts[1][1], text
