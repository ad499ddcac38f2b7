"""Makes `references.npz`, the shipped n-grams of HumanEval and of MBPP's test split, from their own files:

python -m deepcoder.generate.ship_references HumanEval.jsonl.gz mbpp.jsonl sanitized-mbpp.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from deepcoder.generate.references import SHIPPED, SHIPPED_NGRAM, read_tasks, reference

# The split as MBPP's authors give it, by task id.
MBPP_TEST = range(11, 511)


def write_shipped(humaneval: Path, mbpp: Path, sanitized: Path, out: Path = SHIPPED) -> None:
    """Write the shipped file; the same inputs give the same arrays."""
    import numpy as np

    test = {f"mbpp/{number}" for number in MBPP_TEST}
    # The sanitized file rewords half of its tasks and often solves them otherwise; what is the same counts once.
    either = dict.fromkeys(task for task in (*read_tasks(mbpp), *read_tasks(sanitized)) if task.task_id in test)
    made = [
        reference("humaneval", read_tasks(humaneval), SHIPPED_NGRAM),
        reference("mbpp-test", list(either), SHIPPED_NGRAM),
    ]
    arrays: dict[str, Any] = {}
    for each in made:
        arrays[f"{each.name}/tasks"] = np.array(each.tasks)
        for kind in ("prompts", "whole", "code"):
            pairs = sorted((value, number) for value, numbers in getattr(each, kind).items() for number in numbers)
            arrays[f"{each.name}/{kind}/hashes"] = np.array([value for value, _ in pairs], dtype=np.uint64)
            arrays[f"{each.name}/{kind}/tasks"] = np.array([number for _, number in pairs], dtype=np.uint16)
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    write_shipped(*map(Path, sys.argv[1:4]))
