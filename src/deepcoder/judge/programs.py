"""The programs that the judge runs inside the sandbox.

The sandbox cannot import this package: a program is BOOTSTRAP, and the first frame that it receives has the
modules that it needs, which it puts where `import` finds them. They travel compiled, since compiling takes
longer than starting a box does; a box runs the interpreter that runs this (sandbox.worker.interpreter).
"""

from __future__ import annotations

import marshal
from functools import cache
from importlib import resources

BOOTSTRAP = """\
import marshal, sys, types
import deepcoder_channel
for name, code in marshal.loads(deepcoder_channel.receive()):
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
"""


@cache
def answering() -> bytes:
    """The candidate's side: deepcoder.judge.answering."""
    return _program("answering", "values", "loading")


@cache
def testing() -> bytes:
    """The tests' side: deepcoder.judge.testing."""
    return _program("testing", "values", "loading")


@cache
def together() -> bytes:
    """Both in one process, the weaker mode: deepcoder.judge.together."""
    return _program("together", "loading")


def _program(main: str, *needs: str) -> bytes:
    parts = [("deepcoder", ""), ("deepcoder.judge", "")]
    parts += [(f"deepcoder.judge.{name}", _source(name)) for name in (*needs, main)]
    return marshal.dumps([(name, compile(source, name, "exec", dont_inherit=True)) for name, source in parts])


def _source(name: str) -> str:
    return (resources.files("deepcoder.judge") / f"{name}.py").read_text(encoding="utf-8")
