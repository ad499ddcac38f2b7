"""What a check needs of the candidate, read from the tests' syntax tree before any answer is seen.

    names       the candidate's functions that the tests call
    checked     the function that `check(candidate)` gets, where the tests define `check` (HumanEval)
    modules     standard library modules that the tests use without importing them (MBPP 596: sys)
    mutable     functions whose effect on their arguments is what is tested: somewhere a call's value is
                dropped; only for these do changed arguments travel back
    calls       calls that are known beforehand (deepcoder.judge.foretelling)
    in_process  why the tests must share the candidate's process, empty where they need not: they make
                objects of the candidate's classes, or use attributes that plain data does not have

The mode follows from the tests alone: an answer cannot choose the weaker one.
"""

from __future__ import annotations

import ast
import builtins
import datetime
import symtable
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from deepcoder.errors import ProblemError
from deepcoder.judge.foretelling import Call, foretold_calls
from deepcoder.records import TestsCheck

_PLAIN_TYPES: tuple[type, ...] = (
    type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, range,
    Counter, OrderedDict, defaultdict, deque, Decimal, Fraction,
    datetime.datetime, datetime.date, datetime.time, datetime.timedelta, Iterator,
)  # fmt: skip
_PLAIN_ATTRIBUTES = frozenset(name for kind in _PLAIN_TYPES for name in dir(kind))


@dataclass(frozen=True)
class Plan:
    """How a check is run; see the module's text."""

    names: tuple[str, ...]
    checked: str | None
    modules: tuple[str, ...]
    mutable: frozenset[str]
    in_process: str
    calls: tuple[Call, ...] = ()


@lru_cache(maxsize=4096)
def plan_of(check: TestsCheck) -> Plan:
    """The plan of a check. Raises ProblemError where the tests are not Python or call nothing."""
    tests, setup = _parse(check.tests, "tests"), _parse(check.setup, "setup")
    _parse(check.preamble, "preamble")
    free = _free_names(check)
    checked = check.entry_point if _defines_check(tests) and not _calls_check(tests) else None
    if checked is None and _defines_check(tests) and check.entry_point is None:
        raise ProblemError("tests that define check(candidate) need an entry_point")
    used = _Uses(free | ({check.entry_point} if check.entry_point else set()), _check_parameter(tests), checked)
    for tree in (setup, tests):
        used.visit(tree)
    modules = sorted(name for name in free - set(used.called) if name in sys.stdlib_module_names)
    candidates = free - set(modules)
    if check.entry_point is None and not candidates:
        candidates = _shadowing_call(tests)
    names = sorted(candidates | ({check.entry_point} if check.entry_point else set()))
    if not names:
        raise ProblemError("the tests use nothing of the answer", hint="give an entry_point")
    calls = foretold_calls(tests, names, checked) if not check.setup.strip() else []
    return Plan(
        tuple(names), checked, tuple(modules), frozenset(used.dropped), used.needs_objects(setup, tests, names),
        tuple(calls),
    )  # fmt: skip


def _parse(source: str, part: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ProblemError(f"the check's {part} is not Python: {error}") from None


def _free_names(check: TestsCheck) -> set[str]:
    """Global names that the tests read and that neither they nor Python define."""
    source = "\n".join((check.preamble, check.setup, check.tests))
    top = symtable.symtable(source, "<tests>", "exec")
    defined = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    read: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                read.add(symbol.get_name())
    return {name for name in read - defined if not hasattr(builtins, name) and not name.startswith("__")}


def _defines_check(tests: ast.Module) -> ast.FunctionDef | None:
    for node in tests.body:
        if isinstance(node, ast.FunctionDef) and node.name == "check" and node.args.args:
            return node
    return None


def _check_parameter(tests: ast.Module) -> str | None:
    check = _defines_check(tests)
    return check.args.args[0].arg if check else None


def _calls_check(tests: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
        for statement in tests.body
        if not isinstance(statement, ast.FunctionDef)
        for node in ast.walk(statement)
    )


def _shadowing_call(tests: ast.Module) -> set[str]:
    """The outermost call of the first assert, where a function has a builtin's name (MBPP 126: sum)."""
    for statement in tests.body:
        if isinstance(statement, ast.Assert):
            test = statement.test.left if isinstance(statement.test, ast.Compare) else statement.test
            if isinstance(test, ast.Call) and isinstance(test.func, ast.Name):
                return {test.func.id}
    return set()


class _Uses(ast.NodeVisitor):
    """How the tests use the candidate's names: called, dropped, held in variables, looked into."""

    def __init__(self, names: set[str], parameter: str | None, checked: str | None) -> None:
        self.names = names
        self.alias = {parameter: checked} if parameter is not None and checked is not None else {}
        self.called: set[str] = set()
        self.dropped: set[str] = set()

    def callee(self, node: ast.AST) -> str | None:
        """The candidate's name that a call goes to."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = self.alias.get(node.func.id, node.func.id)
            return name if name in self.names else None
        return None

    def visit_Call(self, node: ast.Call) -> None:
        if (name := self.callee(node)) is not None:
            self.called.add(name)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if (name := self.callee(node.value)) is not None:
            self.dropped.add(name)
        self.generic_visit(node)

    def needs_objects(self, setup: ast.Module, tests: ast.Module, names: list[str]) -> str:
        """Why the tests need the candidate's own objects; empty where plain data will do."""
        held = self._held(setup, tests)
        others = {name for name in self.called if name in names}
        for node in (node for tree in (setup, tests) for node in ast.walk(tree)):
            if isinstance(node, ast.Attribute):
                inner = self._origin(node.value, held)
                stored = isinstance(node.ctx, ast.Store | ast.Del)
                if inner is not None and (stored or node.attr not in _PLAIN_ATTRIBUTES):
                    return f"the tests use .{node.attr} of what {inner} gives"
                if isinstance(node.value, ast.Name) and node.value.id in names and node.attr != "__name__":
                    return f"the tests use {node.value.id}.{node.attr}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in ("isinstance", "issubclass") and any(
                    isinstance(part, ast.Name) and part.id in names for part in ast.walk(node.args[-1])
                ):
                    return "the tests ask for a class of the answer"
                name = self.callee(node)
                if name is not None and name[:1].isupper() and len(others) > 1 and name not in self.alias.values():
                    return f"the tests make objects of the answer's class {name}"
        return ""

    def _held(self, *trees: ast.Module) -> dict[str, str]:
        """Variables whose value comes from a call of the candidate's, by the name that was called."""
        held: dict[str, str] = {}
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign) and (origin := self._origin(node.value, held)) is not None:
                    for target in node.targets:
                        held.update({part.id: origin for part in ast.walk(target) if isinstance(part, ast.Name)})
        return held

    def _origin(self, node: ast.AST, held: dict[str, str]) -> str | None:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if isinstance(node, ast.Name):
            return held.get(node.id)
        return self.callee(node)
