"""The programs that the judge runs inside the sandbox, as one source text each.

The sandbox cannot import this package, so a program carries the modules that it needs and puts them
where `import` finds them.
"""

from __future__ import annotations

import base64
import marshal
import zlib
from functools import cache
from importlib import resources
from importlib.util import MAGIC_NUMBER

# Compiling takes several times as long as starting a box, so the code travels compiled; the source beside
# it is for a sandbox whose interpreter is another one.
_BOOTSTRAP = """\
import base64, marshal, sys, types, zlib
from importlib._bootstrap_external import MAGIC_NUMBER
for name, code, source in {modules!r}:
    if MAGIC_NUMBER == {magic!r}:
        code = marshal.loads(base64.b85decode(code))
    else:
        code = compile(zlib.decompress(base64.b85decode(source)), name, "exec", dont_inherit=True)
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
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
    parts = [("deepcoder", ""), ("deepcoder.judge", "")]
    parts += [(f"deepcoder.judge.{name}", _source(name)) for name in (*needs, main)]
    modules = [
        (
            name,
            base64.b85encode(marshal.dumps(compile(source, name, "exec", dont_inherit=True))).decode(),
            base64.b85encode(zlib.compress(source.encode())).decode(),
        )
        for name, source in parts
    ]
    return _BOOTSTRAP.format(modules=modules, magic=MAGIC_NUMBER)


def _source(name: str) -> str:
    return (resources.files("deepcoder.judge") / f"{name}.py").read_text(encoding="utf-8")
