"""What one judgement may use. CPU time decides, so that a busy machine fails no answer.

The slowest canonical solution seen (MBPP 123) takes 3 to 8 s of CPU time. Wall time only ends programs
that sleep, and the tests' process, which mostly waits, gets the candidate's share on top of its own.
"""

from __future__ import annotations

from deepcoder.sandbox import Limits

CPU_S = 25.0
WALL_S = 90.0

CANDIDATE = Limits(cpu_s=CPU_S, wall_s=WALL_S, memory_mb=1024, output_bytes=1_000_000)
TESTS = Limits(cpu_s=CPU_S, wall_s=WALL_S * 2, memory_mb=1024, output_bytes=1_000_000)
