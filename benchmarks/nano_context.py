"""How much context nano's base really supports, beside what its config allows.

Its mean loss by position, on long files of the running Python's standard library (most of which it was trained on: the
trend counts, not the height). What a student trained on short prompts keeps of it is not measured here.

    python benchmarks/nano_context.py [--base DIR] [--files 24]
"""

from __future__ import annotations

import argparse
import itertools
import sysconfig
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

EDGES = (0, 256, 512, 1024, 1536, 2048, 2560, 3072, 4096)


@torch.inference_mode()
def losses_by_position(base: Path, files: int) -> list[tuple[int, int, float]]:
    """(first position, last position + 1, mean loss in nats) for rows of EDGES[-1] tokens."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).train(False)
    total, rows = torch.zeros(EDGES[-1]), 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"), key=lambda path: -path.stat().st_size):
        ids = tokenizer(path.read_text(errors="replace")[:60_000], return_tensors="pt").input_ids[:, : EDGES[-1] + 1]
        if ids.shape[1] <= EDGES[-1]:
            continue
        logits = model(ids[:, :-1]).logits[0].float()
        total += F.cross_entropy(logits, ids[0, 1:], reduction="none")
        rows += 1
        if rows == files:
            break
    if not rows:
        raise SystemExit(f"no file of the standard library has more than {EDGES[-1]:,} tokens")
    mean = total / rows
    return [(a, b, float(mean[a:b].mean())) for a, b in itertools.pairwise(EDGES)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("src/deepcoder/models/nano/checkpoint"))
    parser.add_argument("--files", type=int, default=24)
    args = parser.parse_args()
    table = Table("positions", "loss, nats", title="the base, long source files", title_justify="left")
    for first, last, loss in losses_by_position(args.base, args.files):
        table.add_row(f"{first:,} to {last:,}", f"{loss:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
