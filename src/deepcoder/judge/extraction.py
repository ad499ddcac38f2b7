"""From an answer to the Python that is judged.

An answer that is Python as it stands is taken whole. Otherwise its fenced blocks are looked at (a fence
that is never closed ends with the answer): the last one that defines a wanted function, else the last
one. Without a fence the answer is taken whole, and fails as what it is.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.M | re.S)


def extract_code(answer: str, wanted: Collection[str] = ()) -> str:
    """The program in an answer; `wanted` are the names that it should define."""
    text = answer.replace("\r\n", "\n").replace("\r", "\n")
    if defined_names(text) is not None:
        return text
    blocks = [match.group(3) for match in _FENCE.finditer(text)]
    for block in reversed(blocks):
        names = defined_names(block)
        if names is not None and (not wanted or names.intersection(wanted)):
            return block
    return blocks[-1] if blocks else text


def defined_names(code: str) -> set[str] | None:
    """Names that a program binds at its top level; None where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in a candidate's strings
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names
