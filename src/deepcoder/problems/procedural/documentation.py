"""Questions about Python's own documentation: facts read from the running interpreter, never typed in.

The index behind `retrieve_knowledge` is built from the same docstrings and signatures (deepcoder.knowledge),
so what is asked here is found there; a test holds the two together. A symbol that this Python lacks, or
documents otherwise, gives no problem.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
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
# What the expert thinks, by kind of question: before it looks something up, and as it reads the answer ({} here).
LOOK_UP = {
    "module_of": "Look up {s} for its module.",
    "default_of": "Look up {s} for the default of {p}.",
    "default_times": "Look up {s} for the default of {p}, then multiply by {k}.",
    "parameter_name": "Look up {s} for its {o} parameter.",
    "exception_of": "Look up {s} for the exception that it raises.",
    "described": "Search the documentation.",
}
READ = {
    "module_of": "{s} is in {{}}.",
    "default_of": "The default of {p} is {{}}.",
    "exception_of": "It raises {{}}.",
    "described": "The first entry is {{}}.",
}


@dataclass(frozen=True)
class Question:
    """One kind of question. `subjects` are the symbols it is asked of; `make` gives slots, answer, script."""

    key: str
    subjects: tuple[str, ...]
    make: Callable[[str, Draw], tuple[dict[str, str], str, Script]]


class DocumentationFamily:
    """Questions that need `retrieve_knowledge`; a symbol asked about in held-out splits is never asked in training.

    Half of the training questions are about other functions than the table's: what is learnt is to read the answer.
    """

    name = "documentation"
    splits = (TRAIN, PARAMETERS, WORDING)

    def __init__(self, questions: Sequence[Question], weight: int = 2) -> None:
        self.weight, self._questions = weight, tuple(questions)
        self.operations = tuple(question.key for question in questions)
        self._symbols = frozenset(subject.partition(":")[0] for question in questions for subject in question.subjects)

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Kinds in turn, the symbol drawn from this side's pool."""
        question = self._questions[index % len(self._questions)]
        subjects = [s for s in question.subjects if in_held_out_pool((question.key, s)) == draw.held_out]
        more = more_subjects(question.key, self._symbols) if draw.wording == "train" and not draw.held_out else ()
        subject = draw.choice(more if more and draw.chance(0.6) else subjects)
        slots, answer, script = question.make(subject, draw)
        prompt = ask(question.key, slots, draw)
        return Made(question.key, prompt, AnswerCheck(answer=answer), script, min(3, draw.level))


def ask(kind: str, slots: Mapping[str, str], draw: Draw) -> str:
    """The prompt of a question."""
    text = choose(draw.choice(wordings(draw.wording, "documentation", kind)), draw)
    for key, value in {**slots, "name": draw.name()}.items():
        text = text.replace(f"{{{key}}}", value)
    return put(draw.choice(frames(draw.wording, "outer")), text, draw)


def multiplied(name: str, value: str, k: int) -> tuple[str, str]:
    """The thought and the program once a default is read that is to be multiplied."""
    return f"The default of {name} is {value}: multiply by {k}.", f"print({value} * {k})"


def counted(names: Sequence[str], place: int) -> str:
    """The thought that finds a parameter by its place."""
    return f"The parameters are: {', '.join(f'{ORDINALS[i]} {name}' for i, name in enumerate(names[: place + 1]))}."


def module_of(symbol: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """Which module has it."""
    resolve(symbol)
    module, _, last = symbol.rpartition(".")

    def extract(seen: str) -> str | None:
        match = re.search(rf"^((?:\w+\.)*\w+)\.{last}\b", seen, re.MULTILINE)
        return match[1] if match else None

    slots = {"s": last}
    return slots, module, _read("module_of", slots, last, extract)


def default_of(subject: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The default of a parameter; the subject is `symbol:parameter`."""
    symbol, _, name = subject.partition(":")
    value, slots = _default(symbol, name), {"s": symbol, "p": name}
    return slots, repr(value), _read("default_of", slots, symbol, lambda seen: _find_default(seen, name))


def default_times(subject: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The default of a parameter, looked up and then computed with."""
    symbol, _, name = subject.partition(":")
    value, k = _default(symbol, name), draw.small(3, 29)
    slots = {"s": symbol, "p": name, "k": str(k)}

    def compute(seen: str) -> tuple[str, str] | None:
        found = _find_default(seen, name)
        return None if found is None else multiplied(name, found, k)

    script = Script((look_up(LOOK_UP["default_times"].format(**slots), symbol), run_with(compute), conclude))
    return slots, str(value * k), script


def parameter_name(symbol: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The name of its first, second or third parameter."""
    plain = [p for p in parameters(symbol) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not plain:
        raise LookupError(f"{symbol} has no named positional parameter")
    place = draw.small(0, min(len(plain), 3) - 1)
    last = symbol.rpartition(".")[2]

    def finish(seen: str) -> Step | None:
        match = re.search(rf"\b{last}\(((?:[^()]|\(\))*)", seen)  # a default may be ()
        names = [part.partition("=")[0].strip() for part in match[1].split(",")] if match else []
        if len(names) <= place:
            return None
        return Step(thought=counted(names, place), action=Action.FINISH, input=names[place])

    slots = {"s": symbol, "o": ORDINALS[place]}
    return slots, plain[place].name, Script((look_up(LOOK_UP["parameter_name"].format(**slots), symbol), finish))


def exception_of(symbol: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The exception that its documentation names."""
    answer = find_exception(inspect.getdoc(resolve(symbol)) or "")
    if answer is None:
        raise LookupError(f"the documentation of {symbol} names no exception")
    slots = {"s": symbol}
    return slots, answer, _read("exception_of", slots, symbol, find_exception)


def described(subject: str, draw: Draw) -> tuple[dict[str, str], str, Script]:
    """The function that a description means; the subject is `symbol: description`."""
    symbol, _, text = subject.partition(": ")
    resolve(symbol)

    def extract(seen: str) -> str | None:
        match = re.match(r"[\w.]+", seen.strip())
        return match[0] if match else None

    slots = {"t": text, "m": symbol.partition(".")[0]}
    return slots, symbol, _read("described", slots, text, extract)


def _read(kind: str, slots: Mapping[str, str], query: str, extract: Callable[[str], str | None]) -> Script:
    """Look something up, and finish with what `extract` finds."""
    thought, reading = LOOK_UP[kind].format(**slots), READ[kind].format(**slots)
    return Script((look_up(thought, query), conclude_by(extract, reading)))


def _default(symbol: str, name: str) -> Any:
    value = {p.name: p.default for p in parameters(symbol)}.get(name, inspect.Parameter.empty)
    if value is inspect.Parameter.empty:
        raise LookupError(f"{symbol} has no default for {name}")
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _find_default(seen: str, name: str) -> str | None:
    match = re.search(rf"\b{name}=([^,)]+)", seen)
    return match[1] if match else None
