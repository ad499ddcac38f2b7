from __future__ import annotations

import pytest

from deepcoder.errors import ProblemError
from deepcoder.judge.plan import plan_of
from deepcoder.records import TestsCheck


def check(tests: str, entry_point: str | None = None, *, setup: str = "", preamble: str = "") -> TestsCheck:
    return TestsCheck(entry_point=entry_point, tests=tests, setup=setup, preamble=preamble)


def test_bare_asserts_name_the_functions_themselves() -> None:
    plan = plan_of(check("import math\nassert f(g(1)) == math.pi\nfor i in range(3):\n    assert h(i)"))
    assert plan.names == ("f", "g", "h")
    assert not plan.in_process


def test_humaneval_calls_check_with_the_entry_point() -> None:
    plan = plan_of(
        check("def check(candidate):\n    assert candidate(1) == helper(1)", "f", preamble="def helper(x): ...")
    )
    assert (plan.names, plan.checked) == (("f",), "f")


def test_tests_that_call_check_themselves_are_not_called_again() -> None:
    assert plan_of(check("def check(c):\n    assert c(1)\ncheck(f)", "f")).checked is None


def test_a_function_with_a_builtins_name_is_found() -> None:
    assert plan_of(check("assert sum(10, 15) == 6")).names == ("sum",)


def test_a_module_that_the_tests_forgot_to_import() -> None:
    plan = plan_of(check("assert size([1]) == sys.getsizeof([1])"))
    assert (plan.names, plan.modules) == (("size",), ("sys",))


def test_changed_arguments_come_back_only_where_the_value_is_dropped() -> None:
    assert plan_of(check("x = [2, 1]\nsort(x)\nassert x == [1, 2]")).mutable == {"sort"}
    assert plan_of(check("x = [2, 1]\nassert f(x) == sorted(x)")).mutable == frozenset()
    assert plan_of(check("def check(candidate):\n    x = [1]\n    candidate(x)\n    assert not x", "f")).mutable == {
        "f"
    }


@pytest.mark.parametrize(
    ("tests", "setup"),
    [
        ("assert chain([Pair(1, 2), Pair(3, 4)], 2) == 2", ""),
        ("assert depth(root) == 1", "root = Node(1)\nroot.left = None"),
        ("s = Stack()\ns.push(1)\nassert s.pop() == 1", ""),
        ("assert make().area == 3", ""),
        ("assert isinstance(f(), Shape)", ""),
        ("assert Colour.RED == 1", ""),
        ("assert f(x=1).shape[0] == 2", ""),
    ],
)
def test_objects_of_the_answers_classes_need_its_process(tests: str, setup: str) -> None:
    assert plan_of(check(tests, setup=setup)).in_process


@pytest.mark.parametrize(
    "tests",
    [
        "r = f(1)\nr.sort()\nassert r == [1]", "assert f('a').upper() == 'A'",
        "assert list(map(f, [1])) == [1]", "assert Extract([1]) == 1",
    ],
)  # fmt: skip
def test_plain_data_does_not(tests: str) -> None:
    assert not plan_of(check(tests)).in_process


def test_a_class_as_entry_point_needs_its_process() -> None:
    assert plan_of(check("def check(candidate):\n    s = candidate()\n    s.push(1)", "Stack")).in_process


@pytest.mark.parametrize("tests", ["assert f(1", "assert 1 == 1", "def check(candidate):\n    pass"])
def test_broken_tests_are_errors_of_the_problem(tests: str) -> None:
    with pytest.raises(ProblemError):
        plan_of(check(tests))
