"""Questions about Python's own documentation: facts read from the running interpreter, never typed in.

The index behind `retrieve_knowledge` is built from the same docstrings and signatures (deepcoder.knowledge),
so what is asked here is found there; a test holds the two together. A symbol that this Python lacks, or
documents otherwise, gives no problem.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deepcoder.problems.contracts import Script
from deepcoder.problems.procedural.documented import find_exception, more_subjects, parameters, resolve
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool
from deepcoder.problems.procedural.expert import conclude, conclude_by, look_up, run_with
from deepcoder.problems.procedural.family import PARAMETERS, TRAIN, WORDING, Made
from deepcoder.problems.procedural.tables import frames, wordings
from deepcoder.problems.procedural.wording import choose, put
from deepcoder.records import Action, AnswerCheck, Step

ORDINALS = ("first", "second", "third")


@dataclass(frozen=True)
class Question:
    """One kind of question. `subjects` are the symbols it is asked of; `make` gives slots, answer, script."""

    key: str
    subjects: tuple[str, ...]
    make: Callable[[str, Draw], tuple[dict[str, str], str, Script]]


class DocumentationFamily:
    """Questions that need `retrieve_knowledge`; a symbol asked about in held-out splits is never asked in training.

    Most training questions are about other functions than the table's, so that what is learnt is to read the answer.
    """

    name = "documentation"
    splits = (TRAIN, PARAMETERS, WORDING)

    def __init__(self, questions: Sequence[Question], weight: int = 2) -> None:
        self.weight, self._questions = weight, tuple(questions)
        self.operations = tuple(question.key for question in questions)
        self._symbols = frozenset(re.split(":", subject)[0] for question in questions for subject in question.subjects)

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Kinds in turn, the symbol drawn from this side's pool."""
        question = self._questions[index % len(self._questions)]
        subjects = [s for s in question.subjects if in_held_out_pool((question.key, s)) == draw.held_out]
        more = more_subjects(question.key, self._symbols) if draw.wording == "train" and not draw.held_out else ()
        subject = draw.choice(more if more and draw.chance(0.6) else subjects)
        slots, answer, script = question.make(subject, draw)
        text = choose(draw.choice(wordings(draw.wording, self.name, question.key)), draw)
        for key, value in {**slots, "name": draw.name()}.items():
            text = text.replace(f"{{{key}}}", value)
        prompt = put(draw.choice(frames(draw.wording, "outer")), text, draw)
        return Made(question.key, prompt, AnswerCheck(answer=answer), script, min(3, draw.level))


def module_of(symbol: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """Which module has it."""
    resolve(symbol)
    module, _, last = symbol.rpartition(".")

    def extract(seen: str) -> str | None:
        match = re.search(rf"^((?:\w+\.)*\w+)\.{last}\b", seen, re.MULTILINE)
        return match[1] if match else None

    script = Script((look_up(f"Look up {last} for its module.", last), conclude_by(extract, f"{last} is in {{}}.")))
    return {"s": last}, module, script


def default_of(subject: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The default of a parameter; the subject is `symbol:parameter`."""
    symbol, _, name = subject.partition(":")
    value = _default(symbol, name)
    finish = conclude_by(lambda seen: _find_default(seen, name), f"The default of {name} is {{}}.")
    script = Script((look_up(f"Look up {symbol} for the default of {name}.", symbol), finish))
    return {"s": symbol, "p": name}, repr(value), script


def default_times(subject: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The default of a parameter, looked up and then computed with."""
    symbol, _, name = subject.partition(":")
    value, k = _default(symbol, name), draw.small(3, 29)

    def compute(seen: str) -> tuple[str, str] | None:
        found = _find_default(seen, name)
        return (
            None if found is None else (f"The default of {name} is {found}: multiply by {k}.", f"print({found} * {k})")
        )

    thought = f"Look up {symbol} for the default of {name}, then multiply by {k}."
    script = Script((look_up(thought, symbol), run_with(compute), conclude))
    return {"s": symbol, "p": name, "k": str(k)}, str(value * k), script


def parameter_name(symbol: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The name of its first, second or third parameter."""
    plain = [p for p in parameters(symbol) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not plain:
        raise LookupError(f"{symbol} has no named positional parameter")
    place = draw.small(0, min(len(plain), 3) - 1)
    last = symbol.rpartition(".")[2]

    def finish(seen: str) -> Step | None:
        match = re.search(rf"\b{last}\(([^)]*)", seen)
        names = [part.partition("=")[0].strip() for part in match[1].split(",")] if match else []
        if len(names) <= place:
            return None
        counted = ", ".join(f"{ORDINALS[i]} {name}" for i, name in enumerate(names[: place + 1]))
        return Step(thought=f"The parameters are: {counted}.", action=Action.FINISH, input=names[place])

    script = Script((look_up(f"Look up {symbol} for its {ORDINALS[place]} parameter.", symbol), finish))
    return {"s": symbol, "o": ORDINALS[place]}, plain[place].name, script


def exception_of(symbol: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The exception that its documentation names."""
    answer = find_exception(inspect.getdoc(resolve(symbol)) or "")
    if answer is None:
        raise LookupError(f"the documentation of {symbol} names no exception")
    thought = f"Look up {symbol} for the exception that it raises."
    return {"s": symbol}, answer, Script((look_up(thought, symbol), conclude_by(find_exception, "It raises {}.")))


def described(subject: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The function that a description means; the subject is `symbol: description`."""
    symbol, _, text = subject.partition(": ")
    resolve(symbol)

    def extract(seen: str) -> str | None:
        match = re.match(r"[\w.]+", seen.strip())
        return match[0] if match else None

    script = Script((look_up("Search the documentation.", text), conclude_by(extract, "The first entry is {}.")))
    return {"t": text, "m": symbol.partition(".")[0]}, symbol, script


def _default(symbol: str, name: str) -> Any:
    value = {p.name: p.default for p in parameters(symbol)}.get(name, inspect.Parameter.empty)
    if value is inspect.Parameter.empty:
        raise LookupError(f"{symbol} has no default for {name}")
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _find_default(seen: str, name: str) -> str | None:
    match = re.search(rf"\b{name}=([^,)]+)", seen)
    return match[1] if match else None
