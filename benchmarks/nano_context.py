"""How much context nano's base really supports, beside what its config allows.

Its mean loss by position, on long files of the running Python's standard library (most of which it was trained on: the
trend counts, not the height). What a student trained on short prompts keeps of it is not measured here.

    python benchmarks/nano_context.py [--base DIR] [--files 24]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deepcoder.pretrain.context import losses_by_position


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
