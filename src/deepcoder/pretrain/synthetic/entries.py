"""Documentation entries of the corpus, and how their signatures are read."""

from __future__ import annotations

import ast
from dataclasses import dataclass

LONGEST = 240  # characters of an entry's text


@dataclass(frozen=True)
class Entry:
    """One documented function: dotted name, signature, first paragraph."""

    symbol: str
    signature: str
    text: str


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
    """An entry with its parameters read."""

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


def parameters(signature: str) -> tuple[Parameter, ...] | None:
    """Those of a signature in brackets, without self, cls and types; None where it is cut short or no Python."""
    try:
        [function] = ast.parse(f"def f{signature}: ...").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    args = function.args
    plain = [*args.posonlyargs, *args.args]
    defaults = [*[None] * (len(plain) - len(args.defaults)), *args.defaults]
    found = [_parameter(arg, default) for arg, default in zip(plain, defaults, strict=True)]
    if args.posonlyargs:
        found.insert(len(args.posonlyargs), Parameter("", stars="/"))
    if args.vararg or args.kwonlyargs:
        found.append(Parameter(args.vararg.arg if args.vararg else "", stars="*"))
    found += [_parameter(arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg:
        found.append(Parameter(args.kwarg.arg, stars="**"))
    return tuple(parameter for parameter in found if parameter.name not in ("self", "cls"))


def _parameter(arg: ast.arg, default: ast.expr | None) -> Parameter:
    return Parameter(arg.arg, ast.unparse(default) if default else "")


def read(entry: Entry) -> Documented | None:
    """None where the signature cannot be read. Types are dropped, as the index shows none."""
    found = parameters(entry.signature)
    if found is None:
        return None
    parts = entry.symbol.split(".")  # packages lie deeper than what a program imports
    symbol = ".".join(parts if len(parts) < 4 else [parts[0], *parts[-2:]])
    return Documented(symbol, found, entry.text[:LONGEST])
