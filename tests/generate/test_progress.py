from __future__ import annotations

import io

from rich.console import Console

from deepcoder.generate.progress import Progress
from deepcoder.generate.tally import Tally


def test_a_plain_line_now_and_then() -> None:
    out, now = io.StringIO(), [0.0]
    tally = Tally(verified=10)
    with Progress(Console(file=out, width=200), tally, 100, clock=lambda: now[0]) as progress:
        for _ in range(30):
            now[0] += 1
            tally.verified += 1
            progress.changed()
        tally.rejected["wrong"] += 3
        tally.failed["provider"] += 1
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["20/100", "verified", "20", "1.0/s", "80", "s", "left"]
    assert "wrong 3" in progress.line()
    assert "failed 1" in progress.line()


def test_a_panel_on_a_terminal() -> None:
    out = io.StringIO()
    tally = Tally(verified=3, output_tokens=500)
    tally.rejected["max_steps/no_action"] += 2
    tally.failed["provider"] += 1
    with Progress(Console(file=out, width=100, force_terminal=True), tally, 10) as progress:
        progress.changed()
    shown = out.getvalue()
    for text in ("generate 5/10", "verified", "rejected: max_steps/no_action", "failed: provider", "tokens"):
        assert text in shown


def test_no_speed_before_the_first_run_ends() -> None:
    progress = Progress(Console(file=io.StringIO()), Tally(), 10, clock=lambda: 0.0)
    assert progress.seconds_left() is None
