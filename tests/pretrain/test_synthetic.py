from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import partial
from importlib import resources
from itertools import islice
from random import Random

import pytest

from deepcoder.pretrain.cleaning import FORBIDDEN
from deepcoder.pretrain.synthetic.documentation import documentation
from deepcoder.pretrain.synthetic.entries import Entry, parameters
from deepcoder.pretrain.synthetic.exercises import make_exercise
from deepcoder.pretrain.synthetic.faults import NEIGHBOURS
from deepcoder.pretrain.synthetic.fresh import fresh_lookups, fresh_sessions
from deepcoder.pretrain.synthetic.grammar import expand, operations
from deepcoder.pretrain.synthetic.lookups import Library, held_out_symbols
from deepcoder.pretrain.synthetic.mix import MIXES, Material, document, documents, worked_sessions
from deepcoder.pretrain.synthetic.programs import printed, program, substitute
from deepcoder.pretrain.synthetic.sessions import Session, Turn, session
from deepcoder.pretrain.synthetic.stages import evaluate, make_stage
from deepcoder.pretrain.synthetic.wordings import instruction
from deepcoder.pretrain.synthetic.words import Words

WORDS = Words(["documentation", "value", "sequence"])
ENTRY = Entry("math.comb", "(n, k=2)", "Number of ways to choose k items. Second sentence.")
MATERIAL = Material(WORDS, [ENTRY], [Session("Double 3.", (Turn("Double it.", "print(6)", "6", False),), "6")])


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_every_operation_works_and_its_expressions_agree(operation):
    rng = Random(1)
    stages = [stage for _ in range(40) if (stage := make_stage(operation, rng, WORDS))]
    assert len(stages) >= 5
    for stage in stages[:8]:
        assert printed(program((stage,), rng)) == str(stage.result)
        text = instruction((stage,), rng, WORDS)
        assert not re.search(r"[{}|]", text.replace(str(stage.result), "")) or "dict" in operation.name
        for expression in operation.code:
            if ".find(" not in expression and ".rfind(" not in expression:
                try:
                    other = evaluate(operation, expression, stage.values)
                except ValueError:
                    continue  # index() raises where find() returns -1
                assert str(other) == str(stage.result)


def test_names_of_operations_are_unique_and_neighbours_exist():
    names = [operation.name for operation in operations()]
    assert len(set(names)) == len(names) >= 250
    assert {name for pair in NEIGHBOURS for name in pair} <= set(names)


def test_an_exercise_tells_what_its_program_prints():
    rng = Random(2)
    for _ in range(60):
        exercise = make_exercise(rng, WORDS)
        assert printed(exercise.program) == exercise.output == str(exercise.stages[-1].result)
        assert exercise.instruction
        assert "{" not in exercise.plan or "{" in str([stage.values for stage in exercise.stages])


@pytest.mark.parametrize("mix", MIXES)
def test_text_is_a_function_of_the_seed_and_never_in_the_agents_format(mix):
    first, second, other = (list(islice(documents(mix, Random(seed), MATERIAL), 60)) for seed in (5, 5, 6))
    assert first == second != other
    assert not [text for text in first + other if FORBIDDEN.search(text)]


@pytest.mark.parametrize("kind", sorted(MIXES["broad"]))
def test_each_kind_of_document_is_made(kind):
    assert all(document(kind, Random(seed), MATERIAL, iter(MATERIAL.worked * 9)).strip() for seed in range(15))


def test_new_problems_stand_in_for_the_carried_ones_that_look_nothing_up():
    looked_up = Session("Default of k?", (Turn("Look it up.", "math.comb", "math.comb(n, k=2)", True),), "2")
    material = replace(MATERIAL, worked=[*MATERIAL.worked, looked_up], fresh=partial(fresh_sessions, WORDS))
    first, again = (list(islice(worked_sessions(Random(3), material), 200)) for _ in range(2))
    assert first == again
    new = [item for item in first if item != looked_up]
    assert 60 < len(new) < 140
    assert len({item.instruction for item in new}) > 0.9 * len(new)
    assert MATERIAL.worked[0] not in new
    assert not any(turn.lookup for item in new for turn in item.turns)


def test_four_in_ten_of_the_words_of_new_problems_are_other_words():
    pool = set(resources.files("deepcoder.problems.procedural").joinpath("words.txt").read_text().split())
    lists = [found for item in islice(fresh_sessions(Words([]), "3"), 400)
             for found in re.findall(r"\['[a-z]+'(?:, '[a-z]+')+\]", item.turns[0].input)]  # fmt: skip
    words = [word for found in lists for word in ast.literal_eval(found)]
    assert len(words) > 50
    assert 0.3 < sum(word in pool for word in words) / len(words) < 0.7


ENTRIES = [
    ENTRY,
    Entry("json.dumps", "(obj, *, skipkeys: bool = False, indent=None)", "Serialize obj to a JSON formatted string."),
    Entry("a.b.c.d.cut", "(self, x, /, width=70, **rest)", "Cut the text after width letters at the end of a word."),
]


def test_look_ups_are_answered_by_what_is_shown():
    library = Library(ENTRIES)
    made = list(islice(fresh_lookups(library, "1"), 300))
    assert made == list(islice(fresh_lookups(library, "1"), 300))
    for item in made:
        seen = item.turns[0].output
        signature, text = re.fullmatch(r"([\w.]+\(.*?\))\n(.*)", seen, re.S).groups()
        symbol, parameters = signature.partition("(")[0], signature.partition("(")[2][:-1]
        thought, answer = item.turns[0].thought, item.answer
        if "its module" in thought:
            assert symbol == f"{answer}.{item.turns[0].input}"
        elif len(item.turns) == 2:
            name, times = re.fullmatch(r".* default of (\w+), then multiply by (\d+)\.", thought).groups()
            value = re.search(rf"\b{name}=(\d+)", parameters)[1]
            assert answer == item.turns[1].output == str(int(value) * int(times))
        elif "the default of" in thought:
            name = re.search(r"the default of (\w+)", thought)[1]
            assert f"{name}={answer}" in parameters.split(", ")
        elif "parameter" in thought:
            place = ("first", "second", "third").index(re.search(r"its (\w+) parameter", thought)[1])
            assert [part.split("=")[0] for part in parameters.split(", ") if part != "/"][place] == answer
        elif "exception" in thought:
            assert answer in text
        else:
            assert answer == symbol
            assert item.turns[0].input in item.instruction


def test_look_ups_ask_nothing_of_the_held_out_side():
    held_out = held_out_symbols()
    assert {"bisect.bisect_right", "list.pop"} & held_out
    library = Library([Entry(symbol, "(a=1)", "Some text of it.") for symbol in (*held_out, "mine.only")])
    assert [entry.symbol for entry in library.entries] == ["mine.only"]


def test_kinds_without_material_are_left_out():
    made = list(islice(documents("rich", Random(0), Material(WORDS, [], [])), 30))
    assert not any("math.comb" in text or "Double 3." in text for text in made)


def test_substitution_leaves_quoted_and_dotted_names_alone():
    assert substitute("x.count('x') + n", {"x": "word", "n": "3"}) == "word.count('x') + 3"
    assert substitute("x.bit_count()", {"x": "13"}) == "(13).bit_count()"


def test_choices_are_settled_and_blanks_tidied():
    assert expand("a [b|b] [, c|, c] [|]", Random(0)) == "a b, c"


def test_parameters_of_a_signature():
    def shown(signature):
        return ", ".join(map(str, parameters(signature)))

    assert [p.name for p in parameters("(self, a, b=(1, 2), *, key=None, **rest)")] == ["a", "b", "", "key", "rest"]
    assert shown("(cls, a: dict[str, int], /, b: str = ', ', *c: int, d=-1)") == "a, /, b=', ', *c, d=-1"
    assert shown("(key=lambda a, b: {a: b}, *, x: Callable[[int, str], None])") == "key=lambda a, b: {a: b}, *, x"
    assert parameters("()") == ()
    assert parameters("(a, b=..., c=No...)") is parameters("(typecode [, initializer])") is None
    assert "comb" in documentation(Random(0), [ENTRY])


def test_nothing_is_asked_of_the_parameters_of_a_signature_that_is_cut_short():
    entries = [Entry("a.b", "(first, second=2, third=No...)", "Some text of it.")]
    texts = [documentation(Random(seed), entries) for seed in range(99)]
    assert not [text for text in texts if "parameter" in text or "default" in text]


def test_a_session_shows_every_step_and_the_answer():
    turns = (
        Turn("Look up pow.", "pow", "pow(base, exp)", True),
        Turn("Run it.", "print(2 ** 5)", "32", False),
    )
    assert "Read: 32." in session(Session("What is it?", turns, "32", "Read: 32."), Random(0))
    for seed in range(40):
        text = session(Session("What is it?", turns, "32"), Random(seed))
        assert all(part in text for part in ("What is it?", "Look up pow.", "pow(base, exp)", "print(2 ** 5)", "32"))
        assert not FORBIDDEN.search(text)
