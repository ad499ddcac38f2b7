from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.trajectories.made import made

from deepcoder.errors import StageError
from deepcoder.records import Effort, Rejection
from deepcoder.trajectories import ShardWriter
from deepcoder.view import item_of, page
from deepcoder.view.command import view_page
from deepcoder.view.page import BLOCK
from deepcoder.view.selection import Selection

EVIL = "</script><script>document.title='taken'</script><!-- %%DATA%% \u2028 \ud800"


def unpacked(text: str) -> tuple[dict[str, Any], list[Any]]:
    found = re.findall(r'<script type="text/plain" (id|class)="(?:index|block)">([^<]*)</script>', text)
    index, *blocks = [json.loads(gzip.decompress(base64.b64decode(data))) for _, data in found]
    return index, [body for block in blocks for body in block]


def test_every_trajectory_is_there_with_its_spans() -> None:
    runs = [made(f"p{number}", text=EVIL) for number in range(BLOCK + 3)]
    index, bodies = unpacked(page(map(item_of, runs), title="All"))
    assert index["rows"]["problem_id"] == [run.problem_id for run in runs]
    assert len(bodies) == len(runs)
    assert bodies[-1]["runs"][0] == [-1, "prompt", EVIL]
    assert [part for _, part, _ in bodies[0]["runs"]] == ["prompt", "reason", "act", "observation", "reason", "act"]


def test_no_text_can_leave_its_place() -> None:
    text = page([item_of(made("a", text=EVIL, model=EVIL, family=EVIL))], title=EVIL, facts={EVIL: EVIL})
    text.encode()  # no lone surrogate in the file
    assert "taken" not in re.sub(r"&lt;.*?&gt;|<title>.*?</title>|<h1>.*?</h1>", "", text)
    assert text.count("<script") == 3 == text.count("</script>")


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = page([item_of(made("a"))], title="All")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in re.sub(r'http-equiv|<script type="text/plain"[^<]*', "", text)
    assert re.search(r"""\b(src|href)=["'](?!data:|#)""", text) is None


def test_what_came_of_a_run_stands_above_it() -> None:
    run = made("a", rejection=Rejection(reason="loop", detail="x"), effort=Effort(attempts=3, attempt=1, corrections=2))
    facts = item_of(run)["body"]["facts"]
    assert facts == {
        "stopped": "finished", "seconds": "0.0", "judge": "passed", "rejected": "loop: x",
        "effort": "attempt 2 of 3, 2 corrections",
    }  # fmt: skip


def test_the_same_trajectories_give_the_same_bytes() -> None:
    items = [item_of(made(name)) for name in "abc"]
    assert page(items, title="x") == page(items, title="x")


def test_an_id_that_occurs_again_gets_its_own_link() -> None:
    index, _ = unpacked(page([item_of(made("a"), group=group) for group in ("base", "student")], title="x"))
    assert index["rows"]["id"] == ["t-a", "t-a~2"]
    assert index["rows"]["group"] == ["base", "student"]


def test_a_page_is_small() -> None:
    """Ten thousand runs of one kind are a few megabytes, not their text's size."""
    items = [item_of(made(f"p{number}", text=f"What is {number} * 7? " + "x " * 400)) for number in range(500)]
    assert len(page(items, title="x")) < 500 * 500


def test_the_command_writes_what_was_selected(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "run" / "trajectories") as writer:
        for name in ("a", "b"):
            writer.add(made(name, family=name))
    console = Console(quiet=True)
    view_page(tmp_path / "run", console, Selection(family="b"), tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text()
    assert "<h1>Trajectories of run</h1>" in text
    assert unpacked(text)[0]["rows"]["problem_id"] == ["b"]
    with pytest.raises(StageError, match="family 'zz'"):
        view_page(tmp_path / "run", console, Selection(family="zz"), tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()
