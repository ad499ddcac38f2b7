"""The training log as PNGs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepcoder.train.log import Line


@dataclass(frozen=True)
class Plot:
    """One picture: the fields of the log in it, each with its label; more than one panel below each other."""

    name: str
    panels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    logarithmic: bool = False


PLOTS = (
    Plot(
        "loss",
        (
            (
                "loss a token (nats)",
                (
                    ("loss_reason", "REASON (thoughts)"), ("loss_act", "ACT (actions)"),
                    ("eval_loss_reason", "REASON, held out"), ("eval_loss_act", "ACT, held out"),
                ),
            ),
        ),
        logarithmic=True,
    ),
    Plot(
        "speed",
        (("tokens/s", (("tokens_per_s", "without padding"),)), ("MFU", (("mfu", "model FLOPs utilisation"),))),
    ),
    Plot(
        "memory",
        (
            (
                "GiB",
                (
                    ("memory_allocated_gib", "allocated, peak"), ("memory_reserved_gib", "reserved, peak"),
                    ("memory_resident_gib", "resident"),
                ),
            ),
        ),
    ),
    Plot(
        "optimizer",
        (
            ("gradient norm", (("grad_norm", "before clipping"),)),
            ("learning rate", (("learning_rate", "learning rate"),)),
            ("lambda", (("lambda_reason", "REASON"), ("lambda_act", "ACT"))),
        ),
    ),
    Plot(
        "tokens",
        (
            ("trained tokens a logging interval", (("tokens_reason", "REASON"), ("tokens_act", "ACT"))),
            ("padding", (("padding", "share of all positions"),)),
        ),
    ),
)  # fmt: skip


def write_plots(lines: list[Line], folder: Path) -> list[Path]:
    """A PNG of each of PLOTS in `folder`; panels of which the log has nothing are left out."""
    from matplotlib.figure import Figure  # not pyplot: no display, no global state

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plot in PLOTS:
        panels = [panel for panel in plot.panels if any(field in line for line in lines for field, _ in panel[1])]
        if not panels:
            continue
        figure = Figure(figsize=(8, 1.5 + 3 * len(panels)), dpi=120, layout="constrained")
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
        for axes, (label, fields) in zip(grid[:, 0], panels, strict=True):
            _draw(axes, lines, fields)
            axes.set_ylabel(label)
            positive = any(line.get(field, 0) > 0 for line in lines for field, _ in fields)  # a KL may be 0
            axes.set_yscale("log" if plot.logarithmic and positive else "linear")
        grid[-1, 0].set_xlabel("optimizer step")
        path = folder / f"{plot.name}.png"
        figure.savefig(path)
        written.append(path)
    return written


def _draw(axes: Any, lines: list[Line], fields: tuple[tuple[str, str], ...]) -> None:
    for field, label in fields:
        points = [(line["step"], line[field]) for line in lines if field in line]
        if points:
            style = "--" if field.startswith("eval_") else "-"
            axes.plot(*zip(*points, strict=True), style, label=label, marker="." if len(points) < 50 else None)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
