"""Programs that fail, the last line of their traceback, and the program mended; near neighbours told apart."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from deepcoder.pretrain.synthetic.exercises import Exercise, make_exercise
from deepcoder.pretrain.synthetic.grammar import operations
from deepcoder.pretrain.synthetic.programs import printed
from deepcoder.pretrain.synthetic.renderings import says
from deepcoder.pretrain.synthetic.stages import Stage, evaluate, make_stage
from deepcoder.pretrain.synthetic.wordings import plan, verb_phrase
from deepcoder.pretrain.synthetic.words import Words

NEIGHBOURS = (
    ("combinations", "permutations"),
    ("maximum", "range of values"),
    ("maximum", "minimum"),
    ("mean", "median"),
    ("median", "mode"),
    ("gcd", "lcm"),
    ("floor division", "remainder"),
    ("count vowels", "count consonants"),
    ("keep even", "keep odd"),
    ("sum", "product"),
    ("sum of squares", "squares"),
    ("sort", "sort down"),
    ("sort", "reverse list"),
    ("reverse words", "reverse each word"),
    ("first n letters", "last n letters"),
    ("drop first n", "drop last n"),
    ("drop first n", "first n letters"),
    ("rotate left", "rotate right"),
    ("distinct letters", "length"),
    ("second largest", "second smallest"),
    ("longest word", "shortest word"),
    ("count even", "sum even"),
    ("count greater", "keep greater"),
    ("running totals", "differences"),
    ("number of divisors", "sum of divisors"),
    ("digit sum", "digit product"),
    ("digit sum", "number of digits"),
    ("binary", "hexadecimal"),
    ("remove duplicates", "distinct"),
    ("remove vowels", "keep vowels"),
    ("upper", "capitalize"),
    ("factorial", "sum to"),
    ("lcm of list", "gcd of list"),
    ("count words", "word lengths"),
    ("next prime", "count primes"),
)


def _broken(exercise: Exercise, rng: Random) -> tuple[str, str] | None:
    """A damaged copy of the program and the error that it raises."""
    lines = exercise.program.splitlines()
    damages: list[Callable[[str], str]] = [
        lambda code: "\n".join(line for line in code.splitlines() if not line.startswith(("import ", "from "))),
        lambda code: code[:-1],
        lambda code: code.replace("len(", "length(", 1),
        lambda code: code.replace("print(", "prnt(", 1),
        lambda code: code.replace(".split()", ".splitt()", 1),
        lambda code: code.replace(".upper()", ".uppercase()", 1),
        lambda code: code.replace("sorted(", "sort(", 1),
        lambda code: code.replace("sum(", "total(", 1),
        lambda code: code.replace(" = ", " == ", 1),
        lambda code: "\n".join(lines[1:]) if len(lines) > 1 else code,
    ]
    damaged = rng.choice(damages)(exercise.program)
    if damaged == exercise.program:
        return None
    try:
        printed(damaged)
    except Exception as error:
        return damaged, f"{type(error).__name__}: {error}"
    return None


def repair(rng: Random, words: Words) -> str:
    """A program, its error, the program that works."""
    while True:
        exercise = make_exercise(rng, words)
        if found := _broken(exercise, rng):
            break
    damaged, error = found
    reason = rng.choice(
        ("The program failed, so I mend it:", "Corrected:", "That went wrong. Fixed version:", "Fix:", "Second try:")
    )
    return (
        f"{exercise.instruction}\n\n```python\n{damaged}\n```\n{error}\n\n{reason}\n```python\n{exercise.program}\n```\n"
        f"{exercise.output}\n{says(exercise.output, rng)}"
    )


def contrast(rng: Random, words: Words) -> str:
    """Two neighbouring operations on the same operands, each with its code and value."""
    table = {operation.name: operation for operation in operations()}
    while True:
        pair = list(rng.choice(NEIGHBOURS))
        rng.shuffle(pair)
        first, second = (table[name] for name in pair)
        stage = make_stage(first, rng, words)
        if stage is not None and second.slots <= set(stage.values) and first.takes[0] == second.takes[0]:
            break
    rows = []
    for operation in (first, second):
        expression = rng.choice(operation.code)
        try:
            value = evaluate(operation, expression, stage.values)
        except (ValueError, IndexError, ZeroDivisionError, StopIteration):
            continue
        shown = Stage(operation, stage.values, expression, value)
        rows.append(f"{verb_phrase(shown, rng)}: {operation.name} -> {expression} -> {value}")
    return "\n".join(rows)


def paraphrase(rng: Random, words: Words) -> str:
    """Several wordings of one task, one of which is another wording of its plan."""
    exercise = make_exercise(rng, words)
    lead = rng.choice(("In other words:", "The same:", "This asks to", "Meaning:", "=", "Put differently:"))
    again = plan(exercise.stages, rng, words)
    return f"{exercise.instruction}\n{lead} {again}\n{lead} {exercise.plan}\n{exercise.program}"
