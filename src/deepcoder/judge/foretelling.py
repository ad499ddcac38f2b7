"""Which calls tests will make, read from their syntax tree: they can be on their way before they are asked for.

A call is foretold only where nothing that the answer does can change it or its place in the order: its
arguments are literals, and it is the only one in a statement that every passing run reaches in turn. So the
candidate may know a later input earlier than without this, and nothing else. The tests' process compares:
where the tests make another call after all, they run again with nothing foretold.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

Call = tuple[str, list[Any], dict[str, Any]]
_UNSURE = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def foretold_calls(tests: ast.Module, names: Collection[str], checked: str | None) -> list[Call]:
    """Name, arguments and keywords of the calls that come first; [] where none can be foretold."""
    body, known = tests.body, {name: name for name in names}
    if checked is not None:
        check = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "check")
        body, known = check.body, {check.args.args[0].arg: checked}
    found: list[Call] = []
    for statement in body:
        made = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id in known]
        if not made:
            continue
        call = _only_call(statement, known) if len(made) == 1 else None
        if call is None:
            break
        found.append(call)
    return found


def _only_call(statement: ast.stmt, known: dict[str, str]) -> Call | None:
    if not isinstance(statement, ast.Assert | ast.Expr):
        return None
    inside = list(ast.walk(statement.test if isinstance(statement, ast.Assert) else statement.value))
    if any(isinstance(node, _UNSURE) or (isinstance(node, ast.Compare) and len(node.ops) > 1) for node in inside):
        return None
    for node in inside:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            try:
                keywords = {str(each.arg): ast.literal_eval(each.value) for each in node.keywords if each.arg}
                if len(keywords) != len(node.keywords):
                    return None
                return known[node.func.id], [ast.literal_eval(each) for each in node.args], keywords
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return None
    return None
