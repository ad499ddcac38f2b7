from __future__ import annotations

import io

from rich.console import Console

from deepcoder.generate.progress import Progress
from deepcoder.generate.tally import Tally
from deepcoder.models.ledger import Spent
from deepcoder.models.meter import Pace


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


PACE = Pace(5, 3, 8, 28, 31_200, 30, 30_000, "the provider's Retry-After: 43 s")


def test_the_pace_at_the_provider_is_shown() -> None:
    out, now = io.StringIO(), [0.0]
    tally = Tally(verified=3, output_tokens=500, spent=Spent(requests=9, cost=1.0, cached_tokens=70))
    console = Console(file=out, width=100, force_terminal=True)
    with Progress(console, tally, 10, pace=lambda: PACE, clock=lambda: now[0]) as progress:
        now[0] += 120
        tally.verified += 2
        tally.spent.cost += 0.5
    shown = out.getvalue()
    for text in (
        "5 in flight of 8, 3 waiting", "28 of 30", "31,200 of 30,000", "Retry-After: 43 s", "70 cached",
        "1.50, 0.250/min, about 3.00 in all",
    ):  # fmt: skip
        assert text in shown
    line = progress.line()
    for text in ("31,200 of 30,000 tokens/min", "cost 1.50 (0.250/min)", "5 min left", "held by the provider's"):
        assert text in line


def test_long_pauses_are_told_at_once() -> None:
    out = io.StringIO()
    Progress(Console(file=out, width=200), Tally(), 10).say("waiting 65 s, as it asks")
    assert out.getvalue().endswith("waiting 65 s, as it asks\n")
