"""Makes `references.npz`, the shipped n-grams of HumanEval and of MBPP's test split, from their own files:

python -m deepcoder.generate.ship_references HumanEval.jsonl.gz mbpp.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from deepcoder.generate.references import SHIPPED, SHIPPED_NGRAM, read_reference

# The split as MBPP's authors give it, by task id.
MBPP_TEST = range(11, 511)


def write_shipped(humaneval: Path, mbpp: Path, out: Path = SHIPPED) -> None:
    """Write the shipped file; the same inputs give the same bytes."""
    import numpy as np

    made = [
        read_reference(humaneval, SHIPPED_NGRAM, name="humaneval"),
        read_reference(mbpp, SHIPPED_NGRAM, name="mbpp-test", keep={f"mbpp/{number}" for number in MBPP_TEST}),
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
    write_shipped(Path(sys.argv[1]), Path(sys.argv[2]))
