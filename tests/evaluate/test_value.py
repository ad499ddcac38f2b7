from __future__ import annotations

import numpy as np
import pytest
from tests.trajectories.made import made

from deepcoder.config import Config, load_config
from deepcoder.evaluate.statistics import bootstrap_paired
from deepcoder.evaluate.value import cheaper, costs, faster, headline
from deepcoder.records import Step, Trajectory

Runs = dict[tuple[str, str], Trajectory]


def runs(number: int, seconds: float, *, tokens: int = 100, solved: int | None = None) -> Runs:
    step = Step(thought="", action="finish", input="2", input_tokens=tokens, output_tokens=tokens)
    return {
        ("all", f"p{n}"): made(
            f"p{n}", wall_s=seconds * (1 + n % 3), steps=(step,), passed=solved is None or n < solved
        )
        for n in range(number)
    }


def config(*overrides: str) -> Config:
    return load_config(None, ["evaluate.bootstrap=300", *overrides])


PRICED = ("teacher.model=groq:m", "teacher.input_price=10", "teacher.output_price=30", "engine.price_per_hour=3.6")


def test_the_line_has_an_interval_at_each_part() -> None:
    student, teacher, about = runs(30, 1.0), runs(30, 10.0), config(*PRICED)
    quick, cheap = faster(student, teacher, about), cheaper(student, teacher, about, 20.0)
    assert quick["ratio"] == pytest.approx(10.0)
    assert cheap["ratio"] == pytest.approx(30 * 100 * 40 / 1e6 / (20 * 3.6 / 3600))
    line = headline({"percent": 85.2, "ci95": [80.0, 90.1]}, quick, cheap)
    low, high = quick["ci95"]
    assert line.startswith(f"The student: 85 % of the teacher (95 %: 80 % to 90 %); 10.0x faster (95 %: {low:.1f}x to")
    assert high >= 10 >= low
    assert line.count("(95 %: ") == 3


def test_what_is_slower_is_called_slower() -> None:
    line = headline(None, {"ratio": 0.25, "ci95": [0.2, 0.5]}, {"ratio": None, "ci95": None, "reason": "no price"})
    assert "4.0x slower (95 %: 2.0x to 5.0x)" in line
    assert "how much cheaper not shown (no price)" in line
    assert "share of the teacher not shown" in line


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ((), "it has no price"),
        (("teacher.model=groq:m",), "teacher.input_price"),
        (("teacher.model=groq:m", "teacher.input_price=1"), "engine.price_per_hour"),
    ],
)
def test_without_prices_nothing_is_called_cheaper(overrides: tuple[str, ...], reason: str) -> None:
    found = cheaper(runs(5, 1.0), runs(5, 1.0), config(*overrides), 5.0)
    assert found["ratio"] is None
    assert reason in found["reason"]


def test_a_program_is_no_teacher_to_be_faster_than() -> None:
    assert "program" in faster(runs(5, 1.0), runs(5, 1.0), config())["reason"]


def test_a_student_that_solves_nothing_is_not_infinitely_dear() -> None:
    found = cheaper(runs(5, 1.0, solved=0), runs(5, 1.0), config(*PRICED), 5.0)
    assert (found["ratio"], found["reason"]) == (None, "one of them solves too little")


def test_machine_time_is_divided_by_wall_time_and_sums_to_the_price() -> None:
    found = costs("student", runs(6, 1.0), config(*PRICED), 100.0)
    assert found.each is not None
    assert sum(found.each.values()) == pytest.approx(100 * 3.6 / 3600)
    assert found.each["all", "p2"] == pytest.approx(3 * found.each["all", "p0"])
    unknown = costs("student", runs(6, 1.0), config(*PRICED), None)
    assert unknown.each is None
    assert "not all of its work was timed" in unknown.reason


def test_an_undefined_statistic_has_no_interval_and_memory_does_not_grow_with_n() -> None:
    rare = np.zeros(100)
    rare[0] = 1.0
    assert bootstrap_paired([rare], lambda x: 1 / x.sum(axis=1), 500) is None
    seen: list[int] = []
    bootstrap_paired([np.ones(3_000_000)], lambda x: (seen.append(x.size), x.mean(axis=1))[1], 2)
    assert max(seen) == 3_000_000, "one draw at a time"
    low, high = bootstrap_paired([np.arange(1000.0)], lambda x: x.mean(axis=1), 1000) or (0.0, 0.0)
    assert low < 499.5 < high < 520
