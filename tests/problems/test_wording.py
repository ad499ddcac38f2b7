"""Templates, frames and display: well formed, disjoint, and they never change a value."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.problems.procedural.display import literal, show
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.families import all_operations
from deepcoder.problems.procedural.families.error_recovery import TRAPS
from deepcoder.problems.procedural.operation import Operation, Template, fill, program, templates
from deepcoder.problems.procedural.tables import SIDES, sections
from deepcoder.problems.procedural.wording import put, tidy

ALL = [*all_operations(), *(trap.operation for trap in TRAPS)]


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.key)
def test_templates_use_known_parameters_and_keep_sides_apart(operation: Operation):
    keys = {*operation.draw(Draw("x")), "name"}
    sides = [{text for template in operation.templates(side) for text in template.expanded()} for side in SIDES]
    assert len(operation.templates("train")) >= 3
    assert all(len(operation.templates(side)) >= 2 for side in SIDES)
    assert sum(map(len, sides)) == len(set().union(*sides))
    for text in set().union(*sides):
        assert {match[1] for match in re.finditer(r"\{(\w+)(?:!r)?\}", text)} <= keys
        assert "  " not in text
        assert not text.endswith(" ")


def test_there_are_hundreds_of_wordings():
    train = sum(len(template.expanded()) for operation in ALL for template in operation.templates("train"))
    assert train >= 2000


def test_frames_of_the_sides_are_disjoint():
    for file in ("frames", "functions", "documentation"):
        train, *others = (sections(side, file) for side in SIDES)
        for key in train:
            if not key.startswith("it"):
                for other in others:
                    assert other[key]
                    assert not set(train[key]) & set(other[key]) - {"{X}", "{x}"}


def test_a_choice_expands_to_each_of_its_options():
    template = Template("n", "the <sum|total> of {xs}<| please>")
    assert sorted(template.expanded()) == [
        "the sum of {xs}", "the sum of {xs} please", "the total of {xs}", "the total of {xs} please",
    ]  # fmt: skip
    assert template.pick(Draw("1")) in template.expanded()


def test_a_line_that_is_no_template_is_refused():
    with pytest.raises(ValueError, match="not a template"):
        templates(["x: what?"])


def test_a_leading_value_keeps_its_case():
    assert put("{X}.", "hello reversed", Draw("1"), fixed=True) == "hello reversed."
    assert put("{X}.", "reverse hello", Draw("1")) == "Reverse hello."
    assert put("{X} Thanks!", "what is it?", Draw("1")) == "What is it? Thanks!"
    assert put("Please {x}.", "say it.", Draw("1")) == "Please say it."


def test_only_known_names_are_filled_in_code():
    assert fill("{k: v for k, v in {d}.items()}", {"d": "D"}) == "{k: v for k, v in D.items()}"
    assert program(["x = 1\nimport math", "import math\nprint(x)"]) == "import math\nx = 1\nprint(x)"


def test_dates_are_shown_in_a_form_that_says_which_day():
    day = datetime.date(2024, 3, 5)
    forms = {show(day, Draw(str(seed))) for seed in range(60)}
    assert forms == {"2024-03-05", "5 March 2024", "March 5, 2024"}
    assert literal(day) == "date(2024, 3, 5)"


@given(st.lists(st.integers(0, 999), min_size=1, max_size=9), st.integers(0, 10**6))
def test_a_shown_list_has_its_numbers_in_order(values: list[int], seed: int):
    assert [int(number) for number in re.findall(r"\d+", show(values, Draw(str(seed)), main=True))] == values


@given(st.from_regex(r"[A-Za-z][a-z ]{0,20}[a-z]", fullmatch=True), st.integers(0, 10**6))
def test_a_shown_text_is_there_verbatim(value: str, seed: int):
    assert value in show(value, Draw(str(seed)), main=True)


@pytest.mark.parametrize(
    ("text", "template", "expected"),
    [
        ("the 2th power", "the {b}th power", "the 2nd power"),
        ("the 11th and the 23th", "", "the 11th and the 23rd"),
        ("what do the list [1, 2] make?", "what do {xs} make?", "what do the numbers [1, 2] make?"),
        ("how do the list ['a'] rank?", "how do {ws} rank?", "how do the words ['a'] rank?"),
        ("what is the numbers 1, 2 sorted?", "what is {xs} sorted?", "what is the list 1, 2 sorted?"),
        ("the words of the words a, b", "the words of {ws}", "the words of a, b"),
        ("the largest of the list [1]", "the largest of {xs}", "the largest of the list [1]"),
    ],
)
def test_grammar_that_depends_on_values(text: str, template: str, expected: str):
    assert tidy(text, template) == expected
