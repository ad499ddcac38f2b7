"""What the host asks of a worker: one line of numbers a run, beside the run's descriptors.

Plain numbers and no JSON: every page of the worker's memory that reading them touches is copied for
each run.
"""

from __future__ import annotations

from typing import NamedTuple

HANDLES = ("report", "stdout", "stderr", "code", "channel")  # the order of the descriptors; channel may be absent
MB = 1 << 20


class Request(NamedTuple):
    """Limits of one run; `wall_s` is inf where the host keeps the wall clock."""

    cpu_s: float
    wall_s: float
    memory_mb: int
    processes: int
    disk_mb: int
    inodes: int

    def encode(self) -> bytes:
        """The line that `decode` reads."""
        return " ".join(map(str, self)).encode()

    @classmethod
    def decode(cls, line: bytes) -> Request:
        """ValueError where the line is not one of `encode`'s."""
        cpu_s, wall_s, *rest = line.split()
        return cls(float(cpu_s), float(wall_s), *map(int, rest))
