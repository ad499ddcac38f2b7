"""What the notes of all ranks say: differences of losses, rates, speed-up, memory, and the figures of packed rows."""

from __future__ import annotations

import json
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COMPARED = ("loss", "loss_reason", "loss_act", "grad_norm")
PAIRS = (("one", "again"), ("one", "two"), ("fsdp-one", "fsdp-two"))
RUNS = ("one", "two", "again", "fsdp-one", "fsdp-two")
TIMED = ("one", "two")  # they ran alone
Lines = list[dict[str, Any]]


def read_notes(folder: Path, rank: int, what: str) -> Lines:
    lines = [json.loads(line) for path in folder.glob(f"notes.{rank}.*") for line in path.read_text().splitlines()]
    return [line for line in lines if line["what"] == what]


def rate(steps: Lines) -> dict[str, Any]:
    """Medians and extremes of the last half of the steps: the first ones compile."""
    pairs = list(pairwise(steps))[len(steps) // 2 - 1 :]
    seconds = [after["time"] - before["time"] for before, after in pairs]
    rates = [after["tokens"] / taken for (_, after), taken in zip(pairs, seconds, strict=True)]
    return {
        "tokens_per_s": statistics.median(rates),
        "seconds": [statistics.median(seconds), min(seconds), max(seconds)],
    }


def peak(steps: Lines) -> float:
    """GiB: the most that was allocated on the GPU, or resident on a CPU."""
    return max(float(step[key]) for step in steps for key in step if key.startswith("memory"))


def difference(one: Lines, other: Lines) -> dict[str, Any]:
    """The largest relative difference of each figure over the steps that both have; and at the first step."""
    both = list(zip(one, other, strict=False))
    gaps = {key: [abs(b[key] / a[key] - 1) for a, b in both] for key in COMPARED}
    return {
        "largest": {key: max(each) for key, each in gaps.items()},
        "first": {key: each[0] for key, each in gaps.items()},
        "steps": len(both),
        "same tokens": all(a["tokens"] == b["tokens"] for a, b in both),
    }


def summary(work: Path) -> dict[str, Any]:
    """All figures, as the JSON has them; a training of fewer than four steps is left out."""
    steps = {name: [read_notes(work / name, rank, "step") for rank in (0, 1)] for name in RUNS}
    steps = {name: ranks for name, ranks in steps.items() if len(ranks[0]) >= 4}
    runs = {
        name: {"losses": [line["loss"] for line in ranks[0]], "peak_gib": [peak(rank) for rank in ranks if rank]}
        | read_notes(work / name, 0, "begin")[-1] | (rate(ranks[0]) if name in TIMED else {})
        for name, ranks in steps.items()
    }  # fmt: skip
    speed_up = runs["two"]["tokens_per_s"] / runs["one"]["tokens_per_s"] if {*TIMED} <= {*runs} else None
    apart = {f"{a} / {b}": difference(steps[a][0], steps[b][0]) for a, b in PAIRS if {a, b} <= {*steps}}
    return {"runs": runs, "speed_up": speed_up, "apart": apart, "packed": read_notes(work / "packed", 0, "figures")}


def show(found: dict[str, Any], console: Console) -> None:
    """A table each of rates, differences and packed rows."""
    table = Table("run", "tokens/s", "speed-up", "s a step (least, most)", "peak GiB by rank", title="trainings")
    for name, run in found["runs"].items():
        cells = ["not timed", "", ""]
        if name in TIMED:
            speed_up = f"{found['speed_up']:.3f}" if name == "two" and found["speed_up"] else ""
            cells = [f"{run['tokens_per_s']:,.0f}", speed_up, "{:.3f} ({:.3f}, {:.3f})".format(*run["seconds"])]
        table.add_row(name, *cells, ", ".join(f"{gib:.2f}" for gib in run["peak_gib"]))
    console.print(table)
    table = Table("runs", "step", *COMPARED, "steps", "same tokens", title="relative difference of a step")
    for pair, gaps in found["apart"].items():
        for step in ("largest", "first"):
            cells = (f"{gap:.1e}" for gap in gaps[step].values())
            table.add_row(pair, step, *cells, str(gaps["steps"]), str(gaps["same tokens"]))
    console.print(table)
    table = Table("of", "figures", title="packed rows on one GPU")
    for line in found["packed"]:
        figures = [f"{name} {value:.4g}" for name, value in line["figures"].items()]
        table.add_row(line["of"], line.get("error") or "; ".join(figures))
    console.print(table)
