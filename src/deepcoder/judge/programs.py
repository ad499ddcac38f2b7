"""The programs that the judge runs inside the sandbox, as one source text each.

The sandbox cannot import this package, so a program carries the modules that it needs and puts them
where `import` finds them.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

_BOOTSTRAP = """\
import sys, types
for name, source in {modules!r}:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
exec(compile({main!r}, "<judge>", "exec"), {{"__name__": "judge"}})
"""


@cache
def answering() -> str:
    """The candidate's side: deepcoder.judge.answering."""
    return _program("answering", "values", "loading")


@cache
def testing() -> str:
    """The tests' side: deepcoder.judge.testing."""
    return _program("testing", "values", "loading")


@cache
def together() -> str:
    """Both in one process, the weaker mode: deepcoder.judge.together."""
    return _program("together", "loading")


def _program(main: str, *needs: str) -> str:
    modules = [("deepcoder", ""), ("deepcoder.judge", "")]
    modules += [(f"deepcoder.judge.{name}", _source(name)) for name in needs]
    return _BOOTSTRAP.format(modules=modules, main=_source(main))


def _source(name: str) -> str:
    return (resources.files("deepcoder.judge") / f"{name}.py").read_text(encoding="utf-8")
