"""Questions about the documentation: every one can be answered from the real index."""

from __future__ import annotations

import contextlib
import importlib

import pytest
from tests.problems.trusted_run import Solve

from deepcoder.problems.procedural.documentation import DocumentationFamily, Question
from deepcoder.problems.procedural.documented import _modules, more_subjects, resolve
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.families.documentation_questions import QUESTIONS
from deepcoder.problems.procedural.family import WORDING


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


def test_a_module_that_a_python_was_built_without_is_left_out(monkeypatch):
    def without_math(name, import_module=importlib.import_module):
        if name == "math":
            raise ImportError(name)
        return import_module(name)

    here = _modules()
    monkeypatch.setattr(importlib, "import_module", without_math)
    assert "math" in here
    assert _modules.__wrapped__() == tuple(name for name in here if name != "math")
    with pytest.raises(LookupError):
        resolve.__wrapped__("math.gcd")


def test_a_search_that_finds_something_else_ends_without_a_guess():
    [question] = [q for q in QUESTIONS if q.key == "default_of"]
    _, answer, script = question.make("textwrap.wrap:width", Draw("1"))
    first = script.next_step([])
    last = script.next_step([first.model_copy(update={"observation": "math.gcd(*integers)"})])
    assert last.action == "finish"
    assert last.input != answer


@pytest.mark.parametrize("key", ["module_of", "default_of", "default_times", "parameter_name", "exception_of"])
def test_training_asks_about_more_than_the_table_and_the_index_answers(key: str, solve: Solve):
    question = next(question for question in QUESTIONS if question.key == key)
    listed = frozenset(subject.partition(":")[0] for each in QUESTIONS for subject in each.subjects)
    more = more_subjects(key, listed)
    assert len(more) >= (10 if key == "exception_of" else 100)
    assert not listed & {subject.partition(":")[0] for subject in more}
    asked = wrong = 0
    for subject in more[:: max(1, len(more) // 60)]:
        with contextlib.suppress(LookupError):
            _, answer, script = question.make(subject, Draw(subject))
            asked += 1
            wrong += solve(script)[0] != answer
    assert wrong <= asked / 50


def test_held_out_questions_are_about_the_table_alone():
    listed = {subject.partition(":")[0] for question in QUESTIONS for subject in question.subjects}
    family = DocumentationFamily(QUESTIONS)
    for index in range(300):
        for wording, held_out in (("train", True), ("held_out", True)):
            with contextlib.suppress(LookupError):
                made = family.make(Draw(f"{index}", held_out=held_out, wording=wording), WORDING, index)
                query = made.script.next_step([]).input
                assert query in listed or any(symbol.endswith(f".{query}") for symbol in listed) or " " in query


def test_a_parameter_called_type_counts_and_a_default_may_be_brackets(solve: Solve):
    [question] = [q for q in QUESTIONS if q.key == "parameter_name"]
    for symbol, name in (("socket.fromfd", "type"), ("types.prepare_class", "kwds")):
        answers = {}
        for seed in range(20):
            slots, answer, script = question.make(symbol, Draw(str(seed)))
            assert solve(script)[0] == answer
            answers[slots["o"]] = answer
        assert answers["third"] == name
