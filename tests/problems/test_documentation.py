"""Questions about the documentation: every one can be answered from the real index."""

from __future__ import annotations

import pytest
from tests.problems.trusted_run import Solve

from deepcoder.problems.procedural.documentation import Question, resolve
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.families.documentation_questions import QUESTIONS


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_the_index_answers_every_subject(question: Question, solve: Solve):
    asked = 0
    for subject in question.subjects:
        try:
            _, answer, script = question.make(subject, Draw(subject))
        except LookupError:  # this Python lacks it
            continue
        found, steps = solve(script)
        assert found == answer, (subject, steps)
        asked += 1
    assert asked >= 0.9 * len(question.subjects)


def test_the_place_of_a_parameter_is_counted_out():
    [question] = [q for q in QUESTIONS if q.key == "parameter_name"]
    scripts = [question.make("re.sub", Draw(str(seed))) for seed in range(20)]
    for slots, answer, script in scripts:
        first = script.next_step([])
        assert slots["o"] in first.thought
        last = script.next_step([first.model_copy(update={"observation": "re.sub(pattern, repl, string, count=0)"})])
        names = {
            "first": "first pattern.",
            "second": "first pattern, second repl.",
            "third": "first pattern, second repl, third string.",
        }
        assert last.thought.endswith(names[slots["o"]])
        assert last.input == answer


def test_symbols_resolve_with_and_without_a_module():
    assert resolve("os.path.basename").__name__ == "basename"
    assert resolve("list.index") is list.index
    with pytest.raises(LookupError):
        resolve("math.nothing")
    with pytest.raises(LookupError):
        resolve("no_such_module.x")


def test_a_search_that_finds_something_else_ends_without_a_guess():
    [question] = [q for q in QUESTIONS if q.key == "default_of"]
    _, answer, script = question.make("textwrap.wrap:width", Draw("1"))
    first = script.next_step([])
    last = script.next_step([first.model_copy(update={"observation": "math.gcd(*integers)"})])
    assert last.action == "finish"
    assert last.input != answer
