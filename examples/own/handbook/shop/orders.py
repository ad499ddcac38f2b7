"""Orders of the lamp shop."""

from __future__ import annotations


def charge(cents: int) -> int:
    """The delivery charge in cents for goods worth `cents`: 490, from 6000 on none."""
    return 0 if cents >= 6000 else 490
