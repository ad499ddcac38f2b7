"""How slow this machine is: the judge's CPU limits are scaled by it, so that they mean the same everywhere.

A fixed loop runs in the sandbox, where samples run. `REFERENCE_S` is its CPU time on the machine on which the
limits were chosen (deepcoder.judge.limits); limits grow in proportion on a slower one, and never shrink.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from deepcoder.errors import SandboxUnavailable
from deepcoder.evaluate.rows import write_json
from deepcoder.judge.limits import CPU_S, WALL_S
from deepcoder.sandbox import Limits, Sandbox

REFERENCE_S = 0.145  # the least of many runs, one x86-64 core of a virtual machine, CPython 3.11
ROUNDS = 3
TOLERANCE = 1.2  # noise of the measurement; below it a machine counts as the reference
_LOOP = """\
import time
def work(n):
    table, total = {}, 0
    for i in range(n):
        table[i % 997] = total
        total = (total * 31 + len(str(i))) % 1000003
    return sorted(table.values())[0]
started = time.process_time()
work(400_000)
print(time.process_time() - started)
"""


@dataclass(frozen=True)
class Calibration:
    """`loop_s`: CPU seconds of the loop here; `scale`: what the judge's limits are multiplied by."""

    loop_s: float
    scale: float

    def limits(self) -> dict[str, float]:
        """For a summary: the limits of one judgement, and where they come from."""
        return {
            "cpu_s": round(CPU_S * self.scale, 2), "wall_s": round(WALL_S * self.scale, 2),
            "scale": round(self.scale, 3), "loop_s": round(self.loop_s, 4), "reference_loop_s": REFERENCE_S,
        }  # fmt: skip


async def calibrate(box: Sandbox, cache: Path) -> Calibration:
    """Time the loop ROUNDS times; the fastest counts, and is kept in the folder `cache` (a machine's own).

    SandboxUnavailable where the loop does not run.
    """
    path = cache / "calibration.json"
    try:
        return _calibration(float(json.loads(path.read_text())["loop_s"]))
    except (OSError, ValueError, TypeError, KeyError):
        pass
    times = []
    for _ in range(ROUNDS):
        result = await box.run(_LOOP, Limits(cpu_s=60, wall_s=300))
        if not result.ok:
            raise SandboxUnavailable(f"the calibration loop ended with {result.status}: {result.stderr[-300:]}")
        times.append(float(result.stdout))
    write_json(path, {"loop_s": min(times)})
    return _calibration(min(times))


def _calibration(loop_s: float) -> Calibration:
    ratio = loop_s / REFERENCE_S
    return Calibration(loop_s, ratio if ratio > TOLERANCE else 1.0)
