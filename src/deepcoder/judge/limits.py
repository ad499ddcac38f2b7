"""What one judgement may use. CPU time decides, so that a busy machine fails no answer.

The slowest canonical solution seen (MBPP 123) takes 3 to 8 s of CPU time. Wall time only ends programs
that sleep: waiting for a core is not counted (sandbox.session), nor is the time in which a candidate is asked
nothing. A run of the tests mostly waits for the candidate and ends with it; its own wall limit is there for
what nobody foresees.
On a slower machine the times are scaled (`evaluate.calibration`), never below these.
"""

from __future__ import annotations

import math
from typing import Any

from deepcoder.sandbox import Limits
from deepcoder.sandbox.session import MOST_WAITING

CPU_S = 25.0
WALL_S = 90.0
TESTS_WALL_S = 2 * (1 + MOST_WAITING) * WALL_S
MEMORY_MB = 1024
OUTPUT_BYTES = 1_000_000
# The process that tests are forked from lives for many answers: its runs have limits of their own (`of_tests`).
TESTS = Limits(cpu_s=1e9, wall_s=1e9, memory_mb=MEMORY_MB, output_bytes=OUTPUT_BYTES)


def of_candidate(scale: float = 1.0) -> Limits:
    """The candidate's process, from load to the last call."""
    return Limits(cpu_s=CPU_S * scale, wall_s=WALL_S * scale, memory_mb=MEMORY_MB, output_bytes=OUTPUT_BYTES)


def of_tests(scale: float = 1.0) -> dict[str, Any]:
    """One run of the tests, in whole seconds."""
    return {"cpu_s": math.ceil(CPU_S * scale), "wall_s": math.ceil(TESTS_WALL_S * scale)}
