from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.trajectories.made import made

from deepcoder.errors import RecordError
from deepcoder.records import RECORD_VERSION
from deepcoder.trajectories import ShardWriter, json_line, read_trajectories, trajectory_of, trajectory_row
from deepcoder.trajectories import upgrades as module
from deepcoder.trajectories.upgrades import UPGRADES, upgraded


def renamed(row: dict[str, Any]) -> dict[str, Any]:
    row["teacher"] = row.pop("model")
    return row


def doubled(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"teacher": row["teacher"] * 2}


def test_there_is_a_step_from_every_older_version() -> None:
    assert set(UPGRADES) == set(range(1, RECORD_VERSION))


def test_a_row_passes_through_every_version_up_to_the_current_one() -> None:
    old = {"version": 1, "model": "r1"}
    assert upgraded(old, "here", upgrades={1: renamed, 2: doubled}, current=3) == {"version": 3, "teacher": "r1r1"}
    assert old == {"version": 1, "model": "r1"}, "the row that was read is left as it is"
    assert upgraded({"version": 2, "teacher": "x"}, "", upgrades={1: renamed, 2: doubled}, current=3)["teacher"] == "xx"


@pytest.mark.parametrize(
    ("version", "message"),
    [(9, "version 9 is newer"), (0, "version 0;"), (None, "version None"), ("1", "version '1'"), (True, "True")],
)
def test_what_cannot_be_upgraded_is_named(version: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        upgraded({"version": version}, "file:3", upgrades={1: renamed}, current=2)
    assert caught.value.message.startswith("file:3: ")


def test_stored_rows_of_an_older_version_are_read_listed_and_resumed_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it will be with the next version, seen from a version before this one: `question` was `problem`'s name."""

    def from_the_first(row: dict[str, Any]) -> dict[str, Any]:
        row["problem"] = row.pop("question")
        return row

    monkeypatch.setattr(module.upgraded, "__kwdefaults__", {"upgrades": {0: from_the_first}, "current": RECORD_VERSION})
    row = trajectory_row(made("a"))
    row["question"] = row.pop("problem")
    (tmp_path / "shard-00000.jsonl").write_bytes(json_line(row | {"version": 0}))
    assert list(read_trajectories(tmp_path)) == [made("a")]
    seen: list[dict[str, Any]] = []
    with ShardWriter(tmp_path, on_row=seen.append) as writer:
        assert writer.seen == {"a"}
    assert seen[0]["problem"] == made("a").problem


def test_a_field_that_got_a_default_needs_no_version() -> None:
    row = trajectory_row(made("a"))
    del row["rejection"]
    assert trajectory_of(row, "here") == made("a")
