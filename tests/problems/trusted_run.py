"""Run code from our own tables in this process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

from deepcoder.problems.contracts import Policy
from deepcoder.records import Step

Solve = Callable[[Policy], tuple[str, list[Step]]]


def run_trusted(code: str) -> str:
    """What a program of ours prints; its exception as the last line."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(code, {"__name__": "__main__"})  # code from our own tables
    except Exception as error:
        return f"{out.getvalue()}{type(error).__name__}: {error}".strip()
    return out.getvalue().strip()
