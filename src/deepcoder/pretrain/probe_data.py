"""Collect prepared examples (input_ids and span_ids in Parquet) into one npz that travels without pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepcoder.errors import DeepCoderError


def _flat(name: str, files: Sequence[Path]) -> dict[str, np.ndarray]:
    import pyarrow.parquet as parquet

    tables = [parquet.read_table(file, columns=["input_ids", "span_ids"]).to_pydict() for file in files]
    ids = [row for table in tables for row in table["input_ids"]]
    spans = [row for table in tables for row in table["span_ids"]]
    if not ids:
        raise DeepCoderError(f"no examples in {', '.join(map(str, files))}", hint="run the prepare stage first")
    return {
        f"{name}_ids": np.concatenate([np.array(row, np.uint16) for row in ids]),
        f"{name}_spans": np.concatenate([np.array(row, np.uint8) for row in spans]),
        f"{name}_ends": np.cumsum([len(row) for row in ids]),
    }


def collect(train: Sequence[Path], held_out: Sequence[Path], out: Path) -> None:
    """Write `out`: the split `train`, and one split for each held-out file, named by its stem."""
    arrays = _flat("train", train)
    for file in held_out:
        arrays |= _flat(file.stem, [file])
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
