from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trajectories.made import made

from deepcoder.errors import RecordError, StageError
from deepcoder.records import Rejection, Step, StepError, Trajectory
from deepcoder.trajectories import (
    ShardWriter,
    compact,
    read_rejected,
    read_trajectories,
    rejected_shards,
    shards,
    stored_rows,
)
from deepcoder.trajectories.parquet import parquet_bytes, parquet_rows, schema

NAMES = [f"p{number}" for number in range(12)]


def fill(folder: Path, names: list[str] = NAMES) -> None:
    """Three shards of some rows each, and every fourth run rejected."""
    with ShardWriter(folder, shard_bytes=3_000) as writer:
        for number, name in enumerate(names):
            if number % 4 == 3:
                writer.reject(made(name, passed=False))
            else:
                writer.add(made(name, text="lone \ud800 surrogate" if number % 4 == 2 else "é\u2028\x00"))


def everything(folder: Path) -> tuple[list[Trajectory], list[Trajectory]]:
    return list(read_trajectories(folder)), list(read_rejected(folder))


def test_the_same_trajectories_in_the_same_order(tmp_path: Path) -> None:
    fill(tmp_path)
    before = everything(tmp_path)
    rows = [row for path in shards(tmp_path) for row in stored_rows(path)]
    files = len(shards(tmp_path))
    assert files > 2
    done = compact(tmp_path)
    assert (done.files, done.trajectories) == (files + 1, len(NAMES))
    assert done.before > 0 < done.after
    assert everything(tmp_path) == before
    assert not list(tmp_path.glob("*.jsonl"))
    assert [row for path in shards(tmp_path) for row in stored_rows(path)] == rows
    assert compact(tmp_path).files == 0


def test_the_public_columns_for_other_readers(tmp_path: Path) -> None:
    fill(tmp_path)
    compact(tmp_path)
    table = pq.read_table(shards(tmp_path)[0])
    assert table.column_names[:5] == ["problem_id", "messages", "steps", "answer", "verified"]
    row = table.to_pylist()[0]
    assert row["messages"][1] == {"role": "assistant", "content": made("x", text="é\u2028\x00").messages()[1].content}
    assert row["verified"] is True
    assert set(table.column_names) >= set(Trajectory.model_fields)
    assert table.to_pylist()[2]["problem"].replace("\ufffd", "") == "lone  surrogate"


def test_a_session_after_compaction_goes_on_in_new_files(tmp_path: Path) -> None:
    fill(tmp_path)
    compact(tmp_path)
    seen: list[str] = []
    with ShardWriter(tmp_path, on_row=lambda row: seen.append(row["problem_id"])) as writer:
        assert writer.seen == set(NAMES) == set(seen)
        writer.add(made("new"))
        writer.reject(made("bad", passed=False))
    assert shards(tmp_path)[-1].suffix == ".jsonl"
    assert [each.problem_id for each in read_trajectories(tmp_path)][-1] == "new"
    assert [each.problem_id for each in read_rejected(tmp_path)][-1] == "bad"
    before = everything(tmp_path)
    compact(tmp_path)
    assert everything(tmp_path) == before
    assert len(rejected_shards(tmp_path)) == 2


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from deepcoder.trajectories import compact
left = int(sys.argv[2])
def watch(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.truncate") and sys.argv[1] in str(arguments[0]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
compact(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_kill_9_at_every_file_operation_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """An audit hook kills the process just before its n-th open, rename or removal in the folder.

    `make soak` tries every n, `make test` some of them.
    """
    for moment in range(0, 50, 1 if "DEEPCODER_KILLS" in os.environ else 5):
        folder = tmp_path / str(moment)
        fill(folder, NAMES[:4])
        before = everything(folder)
        command = [sys.executable, "-c", KILLED_AT, folder, str(moment)]
        code = subprocess.run(command, timeout=60, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode
        assert everything(folder) == before
        if moment % 4:
            compact(folder)
            assert everything(folder) == before
        with ShardWriter(folder) as writer:
            assert writer.seen == set(NAMES[:4])
            writer.add(made("new"))
        assert [each.problem_id for each in read_trajectories(folder)] == [
            *(each.problem_id for each in before[0]), "new",
        ]  # fmt: skip
        if code == 0:
            assert moment > 10, "the hook saw the compaction's file operations"
            return
        assert code == -signal.SIGKILL
    pytest.fail("compaction never came to its end")


def test_both_forms_of_one_number_count_once(tmp_path: Path) -> None:
    fill(tmp_path)
    before, old = everything(tmp_path), {path: path.read_bytes() for path in shards(tmp_path)}
    compact(tmp_path)
    for path, content in old.items():
        path.write_bytes(content)
    assert everything(tmp_path) == before
    with ShardWriter(tmp_path):
        assert not any(path.exists() for path in old)


def test_a_folder_that_is_written_to_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from deepcoder.trajectories import compact; compact(Path(sys.argv[1]))"
    )
    fill(tmp_path)
    with ShardWriter(tmp_path):
        other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60)
        assert "another process writes to" in other.stderr
    assert not list(tmp_path.glob("*.parquet"))


def test_what_cannot_be_compacted_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="does not exist"):
        compact(tmp_path / "nowhere")
    bad = tmp_path / "shard-00000.jsonl"
    bad.write_text('{"version": 1}\n')
    with pytest.raises(RecordError, match=r"shard-00000\.jsonl:1"):
        compact(tmp_path)
    assert bad.read_text() == '{"version": 1}\n'
    assert list(tmp_path.glob("*.parquet")) == []


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "shard-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(RecordError, match=r"shard-00000\.parquet: not a Parquet"):
        list(read_trajectories(tmp_path))


def test_every_field_of_the_record_has_a_column() -> None:
    columns = schema()
    assert set(columns.names) == {*Trajectory.model_fields, "messages", "verified", "exact_json"}
    step = columns.field("steps").type.value_type
    assert {field.name for field in step} == set(Step.model_fields)
    assert columns.field("answer").nullable
    assert not columns.field("problem").nullable


@settings(max_examples=40, deadline=None)
@given(st.text(), st.none() | st.text(), st.integers(0, 2**40), st.sampled_from([None, *StepError]))
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, maybe: str | None, tokens: int, error: StepError | None
) -> None:
    step = Step(thought=text, action="", input="", raw=maybe, observation=maybe, error=error, input_tokens=tokens)
    rejection = None if maybe is None else Rejection(reason="loop", detail=text)
    run = made("a", text=text, steps=(step,), answer=maybe, verdict=None, rejection=rejection)
    path = tmp_path_factory.mktemp("any") / "shard-00000.parquet"
    path.write_bytes(parquet_bytes([run]))
    assert list(read_trajectories(path.parent)) == [run]
    ((number, row),) = parquet_rows(path)
    assert number == 1
    assert row["verdict"] is None
