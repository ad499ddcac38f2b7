"""How a lambda moves over training."""

from __future__ import annotations


def lambda_at(progress: float, start: float, end: float | None = None) -> float:
    """The weight at `progress` (0: first step, 1: last): `start + (end - start) * progress`.

    Constant where `end` is None. Progress outside 0..1 is held at the ends.
    """
    if end is None:
        return start
    return start + (end - start) * min(1.0, max(0.0, progress))
