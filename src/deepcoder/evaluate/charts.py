"""Plots as inline SVG: no library, no script, colours by class so that they follow the light or dark scheme.

Series carry a number; `s0`, `s1`, ... are their colours in report.css. All text is escaped here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 34


class Bar(NamedTuple):
    """A share (0 to 1) with its interval, where it has one. None: nothing was counted."""

    series: int
    value: float | None
    interval: tuple[float, float] | None


def bar(each: Bar) -> str:
    """One horizontal bar with its interval, as wide as what holds it."""
    width = 100 * (each.value or 0)
    parts = [
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="10"/>'
        f'<rect class="s{each.series}" width="{width:.2f}" height="10"/>'
    ]
    if each.interval is not None and each.value is not None:
        low, high = (100 * bound for bound in each.interval)
        parts.append(f'<path class="whisker" d="M{low:.2f} 5H{high:.2f}M{low:.2f} 2V8M{high:.2f} 2V8"/>')
    return f"{''.join(parts)}</svg>"


def columns(groups: Sequence[str], series: Sequence[tuple[int, Sequence[float]]], x: str, y: str) -> str:
    """Columns beside each other, one of each series in each group. All values are 0 or more."""
    top = max((value for _, values in series for value in values), default=0) or 1
    room = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    thick = min(24.0, 0.8 * room / max(1, len(series)))
    parts = [_rule(_y(step / 4), f"{top * step / 4:.3g}") for step in range(5)]
    for place, group in enumerate(groups):
        middle = LEFT + (place + 0.5) * room
        for at, (number, values) in enumerate(series):
            if values[place]:
                left, upper = middle + (at - len(series) / 2) * thick, _y(values[place] / top)
                parts.append(
                    f'<rect class="s{number}" x="{left:.1f}" y="{upper:.1f}" width="{thick:.1f}" '
                    f'height="{HEIGHT - BOTTOM - upper:.1f}"><title>{_text(group)}: {values[place]:g}</title></rect>'
                )
        if place % math.ceil(len(groups) / 10) == 0:
            parts.append(_label(middle, HEIGHT - BOTTOM + 13, group))
    return _plot(parts, x, y)


def lines(series: Sequence[tuple[int, Sequence[tuple[float, float]]]], x: str, y: str, *, log: bool = False) -> str:
    """Lines through points; `log`: the y axis is logarithmic, points at or below 0 are left out."""
    kept = [(number, [p for p in points if p[1] > 0 or not log]) for number, points in series]
    every = [point for _, points in kept for point in points]
    if not every:
        return ""
    value = math.log10 if log else float
    left, right = min(p[0] for p in every), max(p[0] for p in every)
    low, high = min(value(p[1]) for p in every), max(value(p[1]) for p in every)
    if not log:
        low = min(low, 0.0)
    height = (high - low) or 1.0

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - left) / ((right - left) or 1)
        return LEFT + across * (WIDTH - LEFT - RIGHT), _y((value(point[1]) - low) / height)

    parts = []
    for step in range(5):
        level = low + height * step / 4
        parts.append(_rule(_y(step / 4), f"{10**level if log else level:.3g}"))
    for number, points in kept:
        drawn = [place(point) for point in points]
        parts.append(f'<polyline class="l{number}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in drawn)}"/>')
        if len(drawn) < 40:
            parts += [f'<circle class="s{number}" cx="{a:.1f}" cy="{b:.1f}" r="2"/>' for a, b in drawn]
    under = HEIGHT - BOTTOM + 13
    parts += [_label(LEFT, under, f"{left:g}"), _label(WIDTH - RIGHT - 8, under, f"{right:g}")]
    return _plot(parts, x, y)


def _rule(y: float, text: str) -> str:
    return (
        f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{_text(text)}</text>'
    )


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_text(text[:12])}</text>'


def _plot(parts: Sequence[str], x: str, y: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(y)} by {_text(x)}">'
        f"{''.join(parts)}"
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{_text(x)}</text></svg>'
    )


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _text(text: str) -> str:
    return html.escape(text)
