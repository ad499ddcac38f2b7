from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trajectories.made import made

from deepcoder.errors import RecordError
from deepcoder.trajectories import (
    REJECTED,
    ShardWriter,
    read_rejected,
    read_trajectories,
    shards,
    trajectory_of,
    trajectory_row,
)


def test_the_public_keys_of_a_row() -> None:
    row = trajectory_row(made("p"))
    assert list(row)[:5] == ["problem_id", "messages", "steps", "answer", "verified"]
    assert row["verified"] is True
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "user", "assistant"]


@given(st.text(st.characters(codec="utf-8")))
def test_a_row_is_read_back_as_it_was(text: str) -> None:
    trajectory = made("p", text=text)
    assert trajectory_of(json.loads(json.dumps(trajectory_row(trajectory))), "here") == trajectory


def test_what_was_added_is_read_in_order_and_known_to_the_next_writer(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as writer:
        writer.add(made("a", text="line\u2028separator\nand break"))
        writer.reject(made("b", passed=False))
    rows: list[str] = []
    with ShardWriter(tmp_path, on_row=lambda row: rows.append(row["problem_id"])) as writer:
        assert writer.seen == {"a", "b"}
        writer.add(made("c"))
    assert [each.problem_id for each in read_trajectories(tmp_path)] == ["a", "c"]
    assert [each.problem_id for each in read_rejected(tmp_path)] == ["b"]
    assert rows == ["a", "b"]


def test_shards_are_cut_by_size(tmp_path: Path) -> None:
    for half in ("ab", "cd"):
        with ShardWriter(tmp_path, shard_bytes=500) as writer:
            for name in half:
                writer.add(made(name))
    assert len(shards(tmp_path)) == 4
    assert [each.problem_id for each in read_trajectories(tmp_path)] == list("abcd")


@settings(max_examples=30)
@given(cut=st.integers(1, 700))
def test_a_half_written_line_is_dropped(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    with ShardWriter(folder) as writer:
        for name in "abc":
            writer.add(made(name))
    (path,) = shards(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    left = [each.problem_id for each in read_trajectories(folder)]
    assert left == list("abc")[: len(left)]
    assert len(left) < 3
    with ShardWriter(folder) as writer:
        assert writer.seen == set(left)
        for name in "abc"[len(left) :]:
            writer.add(made(name))
    assert path.read_bytes() == whole


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as writer:
        writer.add(made("a"))
    (path,) = shards(tmp_path)
    good = path.read_text()
    for bad, message in (
        ("nonsense\n", "not JSON"),
        ("[]\n", "object"),
        (good.replace('"version":1', '"version":9'), "version 9 is newer"),
        (good.replace('"answer":"2"', '"answer":[]'), "answer"),
    ):
        path.write_text(good + bad)
        with pytest.raises(RecordError, match=message) as caught:
            list(read_trajectories(tmp_path))
        assert f"{path.name}:2" in caught.value.message


def test_an_empty_folder(tmp_path: Path) -> None:
    assert list(read_trajectories(tmp_path)) == list(read_rejected(tmp_path)) == []
    with ShardWriter(tmp_path / "new") as writer:
        assert writer.seen == set()
    assert not (tmp_path / "new" / REJECTED).exists()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    code = "import sys, pathlib; from deepcoder.trajectories import ShardWriter; ShardWriter(pathlib.Path(sys.argv[1]))"
    with ShardWriter(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60)
    assert "another process writes to" in other.stderr
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, timeout=60)
