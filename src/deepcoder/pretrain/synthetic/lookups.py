"""Look-ups made where training runs: questions about documentation that nobody can know by heart.

A question in the training split's wordings, what is looked up, the entry (a package's or one with other names, other
defaults, another exception), how it is read, the answer. The few hundred symbols that the procedural problems ask about
would be memorised instead of read. What these problems ask of their held-out side is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random

from deepcoder.pretrain.synthetic.entries import Documented, Entry, Parameter, read
from deepcoder.pretrain.synthetic.sessions import Session, Turn
from deepcoder.problems.procedural.documentation import LOOK_UP, ORDINALS, READ, ask, counted, multiplied
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool
from deepcoder.problems.procedural.families.documentation_questions import QUESTIONS

_VALUE = re.compile(r"'[^',)]*'|-?\d+(?:\.\d+)?(?:e-?\d+)?|None|True|False")
_ERRORS = (
    "ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "LookupError", "OverflowError", "OSError",
    "ZeroDivisionError", "RuntimeError", "ImportError", "NameError", "EOFError", "NotImplementedError",
)  # fmt: skip
_RAISES = (
    "Raises {e} if {w} is not present.",
    "Raise {e} when {w} is empty.",
    "Raises an {e} for a {w}.",
    "Raises a {e}.",
)


def held_out_symbols() -> set[str]:
    """Symbols that the procedural problems ask about on their held-out side."""
    asked = [(question.key, subject) for question in QUESTIONS for subject in question.subjects]
    return {subject.partition(":")[0] for key, subject in asked if in_held_out_pool((key, subject))}


class Library:
    """Entries to ask about, and the names and values of which others are made."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        left_out = held_out_symbols()
        found = (read(entry) for entry in entries if entry.symbol not in left_out)
        self.entries = [entry for entry in found if entry is not None]
        parameters = [p for entry in self.entries for p in entry.parameters]
        self.names = list(dict.fromkeys(p.name for p in parameters if p.name))
        self.defaults = [p.default for p in parameters if _VALUE.fullmatch(p.default)] or ["None"]
        self.modules = list(dict.fromkeys(entry.module for entry in self.entries if entry.module))
        self.functions = list(dict.fromkeys(entry.last for entry in self.entries))

    def entry(self, rng: Random) -> Documented:
        """One as it is, or one in which parts come from others, so that only reading tells the answer."""
        entry = rng.choice(self.entries)
        if rng.random() < 0.4:
            return entry
        if rng.random() < 0.5:
            names = rng.sample(self.names, min(len(self.names), rng.randint(1, 6)))
        else:
            names = [p.name for p in entry.parameters if p.name]
        cut = rng.randint(0, len(names))  # without default, then with one, then by keyword alone
        parameters = [Parameter(name) for name in names[:cut]]
        parameters += [Parameter(name, self.value(rng)) for name in names[cut:]]
        if parameters and rng.random() < 0.25:
            parameters.insert(rng.randint(max(0, len(parameters) - 2), len(parameters) - 1), Parameter("", stars="*"))
        module = rng.choice(self.modules or ["math"]).split(".")[0]
        return Documented(f"{module}.{rng.choice(self.functions)}", tuple(parameters), rng.choice(self.entries).text)

    def value(self, rng: Random) -> str:
        """A default."""
        return str(rng.randint(-1, 10 ** rng.randint(1, 4))) if rng.random() < 0.4 else rng.choice(self.defaults)


Made = tuple[dict[str, str], tuple[Turn, ...], str, str]  # slots, turns, answer, reading


def _look_up(kind: str, slots: dict[str, str], query: str, shown: object) -> Turn:
    return Turn(LOOK_UP[kind].format(**slots), query, str(shown), True)


def _read_off(kind: str, slots: dict[str, str], query: str, shown: object, answer: str) -> Made:
    """What is looked up says the answer."""
    return slots, (_look_up(kind, slots, query, shown),), answer, READ[kind].format(**slots).format(answer)


def _module_of(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if not entry.module:
        return None
    return _read_off("module_of", {"s": entry.last}, entry.last, entry, entry.module)


def _defaults(entry: Documented) -> list[Parameter]:
    return [p for p in entry.parameters if _VALUE.fullmatch(p.default)]


def _default_of(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if not (choices := _defaults(entry)):
        return None
    p = draw.choice(choices)
    return _read_off("default_of", {"s": entry.symbol, "p": p.name}, entry.symbol, entry, p.default)


def _default_times(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if not (choices := [p for p in _defaults(entry) if p.default.isdigit()]):
        return None
    p, k = draw.choice(choices), draw.small(3, 29)
    slots, answer = {"s": entry.symbol, "p": p.name, "k": str(k)}, str(int(p.default) * k)
    seen = _look_up("default_times", slots, entry.symbol, entry)
    return slots, (seen, Turn(*multiplied(p.name, p.default, k), answer, False)), answer, ""


def _parameter_name(entry: Documented, library: Library, draw: Draw) -> Made | None:
    names = []
    for p in entry.parameters:
        if p.stars and p.stars != "/":
            break
        names += [p.name] if p.name else []
    if not names:
        return None
    place = draw.small(0, min(len(names), 3) - 1)
    slots = {"s": entry.symbol, "o": ORDINALS[place]}
    return slots, (_look_up("parameter_name", slots, entry.symbol, entry),), names[place], counted(names, place)


def _exception_of(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if "Error" in entry.text:
        return None
    error = draw.choice(_ERRORS)
    raises = draw.choice(_RAISES).format(e=error, w=draw.choice(library.names or ["value"]))
    shown = replace(entry, text=f"{entry.text.split('. ')[0].rstrip('.')}. {raises}")
    return _read_off("exception_of", {"s": entry.symbol}, entry.symbol, shown, error)


def _described(entry: Documented, library: Library, draw: Draw) -> Made | None:
    words = entry.text.split(". ")[0].rstrip(".:").split()
    if words and words[0].rstrip("s") == "Return":
        words = words[2:] if len(words) > 2 and words[1] in ("the", "a", "an") else words[1:]
    words = words[draw.small(0, 2) if len(words) > 6 else 0 :][: draw.small(3, 12)]
    query = " ".join(words)
    if not 8 < len(query) < 90 or not query.isascii() or not re.fullmatch(r"[\w ,.'-]+", query):
        return None
    query = query[0].lower() + query[1:]
    others = [draw.choice(library.entries) for _ in range(draw.small(0, 2))]
    slots = {"t": query, "m": entry.symbol.partition(".")[0]}
    return _read_off("described", slots, query, "\n\n".join(map(str, (entry, *others))), entry.symbol)


_KINDS: dict[str, Callable[[Documented, Library, Draw], Made | None]] = {
    "module_of": _module_of, "default_of": _default_of, "default_times": _default_times,
    "parameter_name": _parameter_name, "exception_of": _exception_of, "described": _described,
}  # fmt: skip


def lookups(library: Library, seed: str) -> Iterator[Session]:
    """Sessions without end, the same for the same seed."""
    number = 0
    while True:
        draw = Draw(f"lookup/{seed}/{number}")
        number += 1
        kind = draw.choice(tuple(_KINDS))
        made = _KINDS[kind](library.entry(draw.random), library, draw)
        if made is None:
            continue
        slots, turns, answer, reading = made
        yield Session(ask(kind, slots, draw), turns, answer, reading)
