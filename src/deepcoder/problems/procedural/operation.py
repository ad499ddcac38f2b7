"""An operation: a piece of Python, how people ask for it, and an independent way to the same answer.

The wordings (deepcoder.problems.procedural.tables) are lines `KIND: TEMPLATE`:

    n: the sum of {xs}              a noun phrase, singular: "What is ...?", "Find ...", "the median of ..."
    p: the squares of {xs}          a noun phrase, plural: "What are ...?"
    v: <add|sum> up {xs}            an order: "Please ...", "Can you ...?"
    q: what do {xs} add up to?      a whole sentence, used as it stands

`<a|b|c>` is a choice, `{x}` a parameter as people write it, `{x!r}` as Python source, `{name}` a first name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from deepcoder.problems.procedural.display import literal
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.tables import Side, wordings

Kind = Literal["n", "p", "v", "q"]
Values = dict[str, Any]
_CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")


@dataclass(frozen=True)
class Template:
    """One line of a wording table."""

    kind: Kind
    text: str

    def pick(self, draw: Draw) -> str:
        """The text with each choice made."""
        return _CHOICE.sub(lambda match: draw.choice(match[1].split("|")), self.text)

    def expanded(self) -> list[str]:
        """Every text that `pick` can give."""
        parts = _CHOICE.split(self.text)
        options = [part.split("|") if number % 2 else [part] for number, part in enumerate(parts)]
        return ["".join(combination) for combination in itertools.product(*options)]


def templates(lines: Sequence[str]) -> tuple[Template, ...]:
    """The templates of some lines; ValueError names a line that is none."""
    found = []
    for line in lines:
        kind, sign, text = line.partition(": ")
        if kind not in ("n", "p", "v", "q") or not sign:
            raise ValueError(f"not a template: {line!r}")
        found.append(Template(kind, text))  # type: ignore[arg-type]
    return tuple(found)


@dataclass(frozen=True)
class Operation:
    """One thing to compute.

    `expr` is a Python expression over `{parameters}`; `before` the lines that it needs first (imports last
    of all matter little: they are moved to the top). `answer(**parameters)` computes the same another way.
    `main` is the parameter that an earlier result may replace in a chain; `takes` and `gives` are the types
    that must agree there ("" where the operation takes no part in chains). `out` says how the answer must be
    asked for: bool (yes/no), list, float2 (rounded), or plain. Two operations of one `group` make no sensible
    chain; neither do one that only `reorders` and one that `ignores_order`. `family` names the file of its wordings.
    """

    key: str
    expr: str
    answer: Callable[..., Any]
    draw: Callable[[Draw], Values]
    thought: str
    before: str = ""
    main: str = ""
    takes: str = ""
    gives: str = ""
    out: Literal["plain", "bool", "list", "float2"] = "plain"
    group: str = field(default="", kw_only=True)
    reorders: bool = field(default=False, kw_only=True)
    ignores_order: bool = field(default=False, kw_only=True)
    family: str = field(default="", kw_only=True)

    def templates(self, side: Side) -> tuple[Template, ...]:
        """The wordings of a side."""
        return _templates(side, self.family, self.key)

    def code(self, values: Values) -> str:
        """A program that prints the answer."""
        shown = {key: literal(value) for key, value in values.items()}
        return program([fill(self.before, shown), f"print({fill(self.expr, shown)})"])


def of_family(name: str, table: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations of a table, worded by the files called `name`."""
    return tuple(replace(operation, family=name) for operation in table)


@cache
def _templates(side: Side, family: str, key: str) -> tuple[Template, ...]:
    return templates(wordings(side, family, key))


def fill(template: str, shown: dict[str, str]) -> str:
    """Replace `{key}` for the keys in `shown`; every other brace is Python's own."""
    return re.sub(r"\{(\w+)\}", lambda match: shown.get(match[1], match[0]), template)


def program(parts: list[str]) -> str:
    """Join pieces of code: imports first, each once."""
    lines = [line for part in parts for line in part.splitlines() if line.strip()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    return "\n".join([*dict.fromkeys(imports), *(line for line in lines if line not in imports)])
