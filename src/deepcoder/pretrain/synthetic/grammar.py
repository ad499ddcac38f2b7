"""The table of elementary operations and the wordings of each.

`operations/*.txt` holds one block an operation:

    @ name | kinds of the operands -> kind of the result
    = expressions in the operands' names, equivalent, separated by ;;
    i import lines that some of them need
    d a function that they need
    n noun phrases   (the number of vowels in {x})
    v verb phrases   (count the vowels in {x})
    q questions      (How many vowels does {x} have?)

`[a|b|]` is a choice. {x} and {y} are operands, {n} a number and {nth} its ordinal, {c} and {d} letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)(?::\?)?\}")


@dataclass(frozen=True)
class Operation:
    """One elementary operation; `slots` are the operand names that its wordings mention."""

    name: str
    takes: tuple[str, ...]
    gives: str
    code: tuple[str, ...]
    imports: str
    definition: str
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    asks: tuple[str, ...]
    slots: frozenset[str]


def expand(template: str, rng: Random) -> str:
    """Settle each [a|b] at random and tidy the blanks that an empty choice leaves."""
    settled = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), template)
    return re.sub(r" +([,?.])", r"\1", re.sub(r"  +", " ", settled)).strip()


def fill(template: str, slots: dict[str, str]) -> str:
    """Put the operands' wordings into an expanded template."""
    return _SLOT.sub(lambda match: slots[match.group(1)], template)


def _blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    head, lines = "", dict[str, str]()
    for line in text.splitlines():
        if line.startswith("@ "):
            if head:
                yield head, lines
            head, lines = line[2:], {}
        elif line and not line.startswith("#"):
            lines[line[0]] = line[2:]
    yield head, lines


def _parse(head: str, lines: dict[str, str]) -> Operation:
    name, signature = head.split(" | ")
    takes, gives = signature.split(" -> ")

    def part(key: str) -> tuple[str, ...]:
        return tuple(lines[key].split(" ;; ")) if key in lines else ()

    wordings = part("n") + part("v") + part("q")
    slots = {"n" if slot == "nth" else slot for text in wordings for slot in _SLOT.findall(text)}
    return Operation(
        name,
        tuple(takes.split()),
        gives,
        part("="),
        lines.get("i", "").replace("\\n", "\n"),
        lines.get("d", "").replace("\\n", "\n"),
        part("n"),
        part("v"),
        part("q"),
        frozenset(slots),
    )


@cache
def operations() -> tuple[Operation, ...]:
    """The whole table, in the files' order."""
    folder = resources.files(__package__) / "operations"
    return tuple(
        _parse(head, lines)
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(".txt")
        for head, lines in _blocks(file.read_text(encoding="utf-8"))
    )
