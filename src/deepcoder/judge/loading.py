"""Runs inside the sandbox: loading a program, and exceptions as plain data."""

from __future__ import annotations

import sys
import traceback
import types
from typing import Any

MAX_MESSAGE = 500  # characters kept of an exception's text


def load(program: dict[str, Any]) -> dict[str, Any]:
    """Run the prompt's own code, then the candidate's; the namespace that results.

    The prompt's stub of a tested function does not count as the candidate's.
    """
    module = types.ModuleType("solution")  # dataclasses look their module up in sys.modules
    sys.modules["solution"] = module
    names = module.__dict__
    exec(compile(program["preamble"], "<prompt>", "exec"), names)
    for name in program["names"]:
        names.pop(name, None)
    exec(compile(program["code"], "<solution>", "exec"), names)
    for name in program["names"]:
        if not callable(names.get(name)):
            raise NameError(f"the program defines no function {name}")
    return names


def raised(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: the names of its classes, and its text."""
    try:
        text = str(error)[:MAX_MESSAGE]
    except BaseException:
        text = "(its __str__ raises)"
    return {"types": [kind.__name__ for kind in type(error).__mro__[:-1]], "text": text}


def detail_of(error: BaseException, tests: str) -> str:
    """The failing line of the tests and the error, short."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<tests>"]
    described = raised(error)
    text = f"{described['types'][0]}: {described['text']}".rstrip(": ")
    source = tests.splitlines()
    if lines and lines[-1] is not None and lines[-1] <= len(source):
        text = f"{source[lines[-1] - 1].strip()[:200]}: {text}"
    return text[:MAX_MESSAGE]
