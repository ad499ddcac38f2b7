"""Look-ups made where training runs: questions about documentation that nobody can know by heart.

A question in the training split's wordings, what is looked up, the entry (a package's or one with other names, other
defaults, another exception), how it is read, the answer. The few hundred symbols that the procedural problems ask about
would be memorised instead of read. What these problems ask of their held-out side is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from deepcoder.pretrain.synthetic.documentation import Entry
from deepcoder.pretrain.synthetic.sessions import Session, Turn
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool
from deepcoder.problems.procedural.families.documentation_questions import QUESTIONS
from deepcoder.problems.procedural.tables import frames, wordings
from deepcoder.problems.procedural.wording import choose, put

ORDINALS = ("first", "second", "third")
LONGEST = 240  # characters of an entry's text
_PARAMETER = re.compile(r"(?P<stars>\*{0,2})(?P<name>[A-Za-z_]\w*)(?:: ?(?P<type>[^=]+?))?(?: ?= ?(?P<default>\S.*))?")
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


@dataclass(frozen=True)
class Parameter:
    """One of a signature; `name` is empty for a lone star or slash, whose text is then in `stars`."""

    name: str
    default: str = ""
    stars: str = ""

    def __str__(self) -> str:
        return f"{self.stars}{self.name}" + (f"={self.default}" if self.default else "")


@dataclass(frozen=True)
class Documented:
    """An entry with its parameters read; `others` may be found beside it."""

    symbol: str
    parameters: tuple[Parameter, ...]
    text: str

    @property
    def module(self) -> str:
        """What stands before the last dot."""
        return self.symbol.rpartition(".")[0]

    @property
    def last(self) -> str:
        """What stands behind it."""
        return self.symbol.rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.symbol}({', '.join(map(str, self.parameters))})\n{self.text}"


def read(entry: Entry) -> Documented | None:
    """None where the signature is not a plain list of parameters. Types are dropped, as the index shows none."""
    parameters = []
    for part in _split(entry.signature[1:-1]):
        if part in ("*", "/"):
            parameters.append(Parameter("", stars=part))
            continue
        match = _PARAMETER.fullmatch(part)
        if match is None:
            return None
        if match["name"] not in ("self", "cls"):
            parameters.append(Parameter(match["name"], match["default"] or "", match["stars"]))
    parts = entry.symbol.split(".")  # packages lie deeper than what a program imports
    symbol = ".".join(parts if len(parts) < 4 else [parts[0], *parts[-2:]])
    return Documented(symbol, tuple(parameters), entry.text[:LONGEST])


def _split(signature: str) -> Iterator[str]:
    depth, start = 0, 0
    for place, letter in enumerate(signature):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            yield signature[start:place].strip()
            start = place + 1
    if signature[start:].strip():
        yield signature[start:].strip()


def held_out_symbols() -> set[str]:
    """Symbols that the procedural problems ask about on their held-out side."""
    asked = [(question.key, subject) for question in QUESTIONS for subject in question.subjects]
    return {re.split(r":", subject)[0] for key, subject in asked if in_held_out_pool((key, subject))}


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


def _module_of(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if not entry.module:
        return None
    seen = Turn(f"Look up {entry.last} for its module.", entry.last, str(entry), True)
    return {"s": entry.last}, (seen,), entry.module, f"{entry.last} is in {entry.module}."


def _defaults(entry: Documented) -> list[Parameter]:
    return [p for p in entry.parameters if _VALUE.fullmatch(p.default) and not p.stars]


def _default_of(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if not (choices := _defaults(entry)):
        return None
    p = draw.choice(choices)
    seen = Turn(f"Look up {entry.symbol} for the default of {p.name}.", entry.symbol, str(entry), True)
    return {"s": entry.symbol, "p": p.name}, (seen,), p.default, f"The default of {p.name} is {p.default}."


def _default_times(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if not (choices := [p for p in _defaults(entry) if p.default.isdigit()]):
        return None
    p, k = draw.choice(choices), draw.small(3, 29)
    thought = f"Look up {entry.symbol} for the default of {p.name}, then multiply by {k}."
    answer = str(int(p.default) * k)
    turns = (
        Turn(thought, entry.symbol, str(entry), True),
        Turn(f"The default of {p.name} is {p.default}: multiply by {k}.", f"print({p.default} * {k})", answer, False),
    )
    return {"s": entry.symbol, "p": p.name, "k": str(k)}, turns, answer, ""


def _parameter_name(entry: Documented, library: Library, draw: Draw) -> Made | None:
    names = []
    for p in entry.parameters:
        if p.stars and p.stars != "/":
            break
        names += [p.name] if p.name else []
    if not names:
        return None
    place = draw.small(0, min(len(names), 3) - 1)
    seen = Turn(f"Look up {entry.symbol} for its {ORDINALS[place]} parameter.", entry.symbol, str(entry), True)
    counted = ", ".join(f"{ORDINALS[i]} {name}" for i, name in enumerate(names[: place + 1]))
    return {"s": entry.symbol, "o": ORDINALS[place]}, (seen,), names[place], f"The parameters are: {counted}."


def _exception_of(entry: Documented, library: Library, draw: Draw) -> Made | None:
    if "Error" in entry.text:
        return None
    error = draw.choice(_ERRORS)
    raises = draw.choice(_RAISES).format(e=error, w=draw.choice(library.names or ["value"]))
    text = f"{entry.text.split('. ')[0].rstrip('.')}. {raises}"
    seen = Turn(
        f"Look up {entry.symbol} for the exception that it raises.", entry.symbol,
        str(Documented(entry.symbol, entry.parameters, text)), True,
    )  # fmt: skip
    return {"s": entry.symbol}, (seen,), error, f"It raises {error}."


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
    seen = Turn("Search the documentation.", query, "\n\n".join(map(str, (entry, *others))), True)
    return (
        {"t": query, "m": entry.symbol.partition(".")[0]},
        (seen,),
        entry.symbol,
        f"The first entry is {entry.symbol}.",
    )


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
        text = choose(draw.choice(wordings("train", "documentation", kind)), draw)
        for key, value in {**slots, "name": draw.name()}.items():
            text = text.replace(f"{{{key}}}", value)
        yield Session(put(draw.choice(frames("train", "outer")), text, draw), turns, answer, reading)
