from __future__ import annotations

import pytest
from tests.trajectories.made import made

from deepcoder.evaluate.referee import ORDERS, chosen, figures, read_verdict, text_of
from deepcoder.records import Step


@pytest.mark.parametrize(
    ("reply", "sides"),
    [
        ("Because.\nVerdict: A", ("student", "teacher")),
        ("Verdict: A\nOn second thought:\n**Verdict: B**", ("teacher", "student")),
        ("verdict: TIE", ("tie", "tie")),
        ("A is better.", ("unread", "unread")),
        ("Verdict: Agent", ("unread", "unread")),
    ],
)
def test_the_last_verdict_counts_and_belongs_to_the_order(reply: str, sides: tuple[str, str]) -> None:
    assert tuple(read_verdict(reply, order) for order in ORDERS) == sides


def test_only_what_both_orders_say_counts_for_a_side() -> None:
    keys = [("all", str(n)) for n in range(6)]
    pairs = [("student", "student"), ("teacher", "teacher"), ("student", "student"), ("student", "teacher"),
             ("tie", "tie"), ("student", "unread")]  # fmt: skip
    said = {(key, order): pair[order] for key, pair in zip(keys, pairs, strict=True) for order in (0, 1)}
    found = figures(keys, said)
    assert {name: found[name] for name in ("student", "teacher", "tie", "by_order", "unread", "pairs")} == {
        "student": 2, "teacher": 1, "tie": 1, "by_order": 1, "unread": 1, "pairs": 6,
    }  # fmt: skip
    assert found["preferred"] == pytest.approx(2 / 3)


def test_pairs_are_spread_over_the_problems() -> None:
    keys = [("all", str(n)) for n in range(100)]
    assert [int(number) for _, number in chosen(keys, 4)] == [0, 25, 50, 75]
    assert chosen(keys[:3], 4) == keys[:3]


def test_a_long_run_loses_its_middle() -> None:
    steps = tuple(Step(thought=f"{n} " * 500, action="finish", input="x") for n in range(20))
    text = text_of(made("p", steps=steps))
    assert len(text) < 6100
    assert "[... left out ...]" in text
