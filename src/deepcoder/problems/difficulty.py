"""How hard a problem with a reference solution is, as far as its length tells: the statements of that solution."""

from __future__ import annotations

import ast
import warnings


def statements(code: str, *, given: str = "") -> int:
    """Statements in a program, docstrings left out; `given` is the part of it that the problem itself shows.

    The number of lines would count layout. 0 where the code is not Python (or empty): nothing is known then.
    """
    whole = _count(code)
    return max(0, whole - _count(given)) if given else whole


def _count(code: str) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(isinstance(node, ast.stmt) and not _is_text(node) for node in ast.walk(tree))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
