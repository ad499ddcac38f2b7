"""Python files as documents: one entry a function or class, found by its dotted name like one of the library's.

The file is parsed, never imported. One that is not Python (a template, Python 2) is plain text.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Definition:
    """A module, class or function: `shop.orders.Order.total`, its header, its docstring and code."""

    symbol: str
    signature: str
    text: str


def definitions_of(name: str, text: str) -> list[Definition] | None:
    """The module itself, then its public and private definitions in order; None where the text is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    module = module_name(name)
    lines = text.split("\n")
    out = [Definition(module, name, documentation)] if (documentation := ast.get_docstring(tree)) else []
    out += _below(tree.body, module, lines)
    rest = _loose(tree.body, lines)
    if rest.strip():
        out.append(Definition(f"{module}.__main__", f"{name} (code of the module)", rest))
    return out


def module_name(name: str) -> str:
    """`folder/shop/orders.py` -> shop.orders: the named folder is where imports start."""
    parts = PurePosixPath(name).with_suffix("").parts
    parts = parts[1:] if len(parts) > 1 else parts
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    return ".".join(parts)


def _below(body: list[ast.stmt], above: str, lines: list[str]) -> Iterator[Definition]:
    for node in body:
        if not isinstance(node, _Definition):
            continue
        symbol = f"{above}.{node.name}"
        if isinstance(node, ast.ClassDef):
            inner = [each for each in node.body if isinstance(each, _Definition)]
            yield Definition(symbol, _header(symbol, node), _dedented(_without(node, inner, lines)))
            yield from _below(node.body, symbol, lines)
        else:
            yield Definition(symbol, _header(symbol, node), _dedented(lines[_start(node) - 1 : node.end_lineno]))


def _header(symbol: str, node: _Definition) -> str:
    """`shop.total(items, tax=0.2)`, or the bare symbol of a class without bases."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(each) for each in node.bases)
        return f"{symbol}({bases})" if bases else symbol
    line = f"{symbol}({ast.unparse(node.args)})"
    return f"{line} -> {ast.unparse(node.returns)}" if node.returns else line


def _start(node: _Definition) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _without(node: ast.ClassDef, inner: list[_Definition], lines: list[str]) -> list[str]:
    """The class's lines but those of the definitions inside it, which are entries of their own."""
    covered = {number for each in inner for number in range(_start(each), (each.end_lineno or each.lineno) + 1)}
    whole = range(_start(node), (node.end_lineno or node.lineno) + 1)
    return [lines[number - 1] for number in whole if number not in covered]


def _loose(body: list[ast.stmt], lines: list[str]) -> str:
    """The module's own statements: constants and scripts, without imports, docstring and definitions."""
    out = []
    for number, node in enumerate(body):
        documentation = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if documentation or isinstance(node, _Definition | ast.Import | ast.ImportFrom):
            continue
        out += lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(out)


def _dedented(lines: list[str]) -> str:
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return "\n".join(line[indent:] if not line[:indent].strip() else line for line in lines).rstrip()
