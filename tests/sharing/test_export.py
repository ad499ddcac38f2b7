from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.trajectories.made import made

from deepcoder.agent import first_message
from deepcoder.errors import ConfigError, StageError
from deepcoder.sharing import FORMATS, export
from deepcoder.trajectories import compact


def exported(run: Path, form: str, **settings: Any) -> list[dict[str, Any]]:
    out = run.parent / "out.jsonl"
    export(run, form, out, **settings)
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_trl_messages_begin_as_the_student_is_trained(run: Path) -> None:
    first, second = exported(run, "trl")
    assert [message["role"] for message in first["messages"]] == ["user", "assistant", "user", "assistant"]
    assert first["messages"][0]["content"] == first_message("1 + 1", "short")
    assert first["messages"][1:] == [message.model_dump() for message in made("a").messages()[1:]]
    assert (second["problem_id"], second["trajectory_id"]) == ("b", "t-b")
    assert exported(run, "trl", instructions="bare")[0]["messages"][0]["content"] == "1 + 1"


def test_trl_steps_are_a_prompt_and_what_was_said_to_it(run: Path) -> None:
    whole = {row["problem_id"]: row["messages"] for row in exported(run, "trl")}
    rows = exported(run, "trl-steps")
    assert [row["problem_id"] for row in rows] == ["a", "a", "b", "b"], (
        "the step that could not be read is context only"
    )
    for row in rows:
        both = row["prompt"] + row["completion"]
        assert both == whole[row["problem_id"]][: len(both)]
        assert [message["role"] for message in row["completion"]] == ["assistant"]
    assert "Hm." in rows[2]["prompt"][1]["content"]


def test_ms_swift_leaves_what_could_not_be_read_out_of_the_loss(run: Path) -> None:
    first, second = exported(run, "ms-swift")
    assert all("loss" not in message for message in first["messages"])
    assert [message.get("loss") for message in second["messages"]] == [None, False, None, None, None, None]


def test_what_was_counted(run: Path) -> None:
    counts = export(run, "trl", run.parent / "out.jsonl")
    assert counts == {"trajectories": 2, "rows": 2, "unread": 1, "not_utf8": 1}


def test_compacted_trajectories_are_exported_the_same(run: Path) -> None:
    before = exported(run, "trl")
    compact(run / "trajectories")
    assert exported(run, "trl") == before


def test_a_failed_export_leaves_the_old_file(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    for path in (run / "trajectories").glob("shard-*"):
        path.unlink()
    with pytest.raises(StageError, match="no verified"):
        export(run, "trl", out)
    with pytest.raises(ConfigError, match="'csv' is none of trl, trl-steps, ms-swift"):
        export(run, "csv", out)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if "writing" in path.name] == []


@pytest.mark.parametrize("form", list(FORMATS))
def test_the_datasets_library_loads_each_form(run: Path, form: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export(run, form, tmp_path / "out.jsonl")
    loaded = datasets.Dataset.from_json(str(tmp_path / "out.jsonl"), cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == len((tmp_path / "out.jsonl").read_text().splitlines())
    assert {"problem_id", "trajectory_id"} < set(loaded.column_names)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "kind"), [("trl", "messages"), ("trl-steps", "prompt")])
def test_trl_knows_each_of_its_forms_as_a_conversation(run: Path, form: str, kind: str) -> None:
    trl = pytest.importorskip("trl.data_utils", reason="needs trl: pip install trl")
    for row in exported(run, form):
        assert kind in row
        assert trl.is_conversational(row)
