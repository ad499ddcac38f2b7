"""How many tokens a reply may still have: what is left of a run's budget, known to the model that writes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_LEFT: ContextVar[int | None] = ContextVar("deepcoder_tokens_left", default=None)


@contextlib.contextmanager
def token_allowance(left: int) -> Iterator[None]:
    """Within it, a model that decodes in this process writes at most `left` tokens a reply."""
    token = _LEFT.set(left)
    try:
        yield
    finally:
        _LEFT.reset(token)


def allowed(limit: int) -> int:
    """The smaller of `limit` and what the caller has left; `limit` where nobody set an allowance."""
    left = _LEFT.get()
    return limit if left is None else min(limit, left)
