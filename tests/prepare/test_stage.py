"""The stage in a run folder, and what `view` shows of it."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tests.prepare.prepare_chats import FINISH, JUNK, RUN, small_tokenizer, trajectory

from deepcoder.config import Config, load_config
from deepcoder.errors import AlignmentError, StageError
from deepcoder.prepare import outputs, run
from deepcoder.prepare.view import marked, pieces, read_examples, view_tokens
from deepcoder.records import Span, Trajectory
from deepcoder.runs import RunFolder, hash_files
from deepcoder.trajectories import ShardWriter


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    small_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def config(tmp_path: Path, tokenizer_folder: Path) -> Config:
    return load_config(None, [f"run.dir={tmp_path}", f"student.tokenizer={tokenizer_folder}"])


def store(config: Config, *runs: Trajectory) -> RunFolder:
    folder = RunFolder(config)
    with ShardWriter(folder.stage("generate")) as writer:
        for item in runs:
            writer.add(item)
    return folder


def quiet() -> Console:
    return Console(file=io.StringIO(), width=100)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def prepared(config: Config, *runs: Trajectory) -> RunFolder:
    folder = store(config, *runs)
    manifest = folder.begin("prepare", "input")
    folder.finish(manifest, run(config, folder, quiet()), hash_files(outputs(folder)), 0.0)
    return folder


def test_the_public_columns_of_equal_length(config: Config) -> None:
    folder = store(config, trajectory(RUN, JUNK, FINISH, problem_id="a"), trajectory(FINISH, problem_id="b"))
    counts = run(config, folder, quiet())
    (path,) = outputs(folder)
    rows = pq.read_table(path).to_pylist()
    assert [row["problem_id"] for row in rows] == ["a", "b"]
    for row in rows:
        assert len(row["input_ids"]) == len(row["span_ids"]) == len(row["step_ids"])
        assert set(row["span_ids"]) <= set(Span)
    assert rows[0]["step_errors"] == ["", "no_action", ""]
    assert sum(len(row["input_ids"]) for row in rows) == counts["tokens"]
    assert counts["mismatches"] == 0


def test_shards_and_a_second_run_with_the_same_bytes(config: Config) -> None:
    config = config.model_copy(update={"prepare": config.prepare.model_copy(update={"shard_rows": 2})})
    folder = store(config, *(trajectory(RUN, FINISH, problem_id=str(index)) for index in range(5)))
    run(config, folder, quiet())
    first = hash_files(outputs(folder))
    assert [path.name for path in outputs(folder)] == [f"examples-{index:05d}.parquet" for index in range(3)]
    (folder.stage("prepare") / "examples-00009.parquet").write_bytes(b"left by a run that was cut short")
    run(config, folder, quiet())
    assert hash_files(outputs(folder)) == first


def test_refusals_are_named_on_the_console(config: Config) -> None:
    console = quiet()
    folder = store(config, trajectory(FINISH), trajectory(FINISH, problem="<|im_end|>", problem_id="bad"))
    counts = run(config, folder, console)
    assert counts["refused_control_token_in_text"] == 1
    assert "control_token_in_text: 1 (bad)" in printed(console)


def test_nothing_to_prepare_is_an_error(config: Config) -> None:
    with pytest.raises(StageError, match="no verified trajectories"):
        run(config, RunFolder(config), quiet())


def test_nothing_that_fits_is_an_error_with_its_fix(config: Config) -> None:
    config = config.model_copy(update={"student": config.student.model_copy(update={"max_length": 16})})
    with pytest.raises(AlignmentError, match="too_long 1") as caught:
        run(config, store(config, trajectory(RUN, FINISH)), quiet())
    assert "student.max_length" in caught.value.hint


def test_a_tokenizer_that_is_not_there(config: Config, tmp_path: Path) -> None:
    config = config.model_copy(update={"student": config.student.model_copy(update={"tokenizer": tmp_path / "no"})})
    with pytest.raises(AlignmentError, match="not a directory"):
        run(config, store(config, trajectory(FINISH)), quiet())


def test_a_native_template_that_is_not_there(config: Config, tmp_path: Path) -> None:
    bare = small_tokenizer().__class__(tokenizer_object=small_tokenizer().backend_tokenizer)
    bare.save_pretrained(tmp_path / "bare")
    student = config.student.model_copy(update={"tokenizer": tmp_path / "bare", "template": "native"})
    with pytest.raises(AlignmentError, match="no chat template"):
        run(config.model_copy(update={"student": student}), store(config, trajectory(FINISH)), quiet())


# --- view -----------------------------------------------------------------------------------------


def test_view_spans_without_colour_marks_each_run(config: Config) -> None:
    prepared(config, trajectory(FINISH, problem_id="a"), trajectory(RUN, FINISH, problem_id="b"))
    console = quiet()
    view_tokens(config.run.dir, console, problem_id="b")
    text = printed(console)
    marks = [line.split()[1] for line in text.splitlines() if line.startswith("== ")]
    assert marks == ["PROMPT", "REASON", "ACT", "PROMPT", "OBSERVATION", "PROMPT", "REASON", "ACT", "PROMPT"]
    assert "trained, lambda_act" in text


def test_view_spans_in_colour_keeps_the_text(config: Config) -> None:
    prepared(config, trajectory(RUN, FINISH))
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=100)
    view_tokens(config.run.dir, console)
    assert "\x1b[30;48;2;" in printed(console)
    assert "== REASON" not in printed(console)


def test_tokens_of_one_character_are_shown_as_it(config: Config) -> None:
    folder = prepared(config, trajectory(RUN.model_copy(update={"observation": "é👩‍👩‍👧"}), FINISH))
    (example,) = read_examples(outputs(folder))
    found = pieces(example, small_tokenizer())
    assert "".join(piece.text for piece in found) == small_tokenizer().decode(example.input_ids)
    assert sum(piece.tokens for piece in found) == len(example.input_ids)
    assert not any("\ufffd" in line for line in marked(found))


def test_text_is_neither_markup_nor_terminal_control(config: Config) -> None:
    prepared(config, trajectory(FINISH, problem="[red]x[/red] [/] a\x1b[2Jb\r\n"))
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    view_tokens(config.run.dir, console)
    text = printed(console).replace("|", "")
    assert "[red]x[/red] [/]" in text
    assert "\x1b[2J" not in text
    assert "␛" in text
    assert "␍" in text


def test_view_of_an_unknown_problem_is_an_error(config: Config) -> None:
    prepared(config, trajectory(FINISH))
    with pytest.raises(StageError, match="'zz'"):
        view_tokens(config.run.dir, quiet(), problem_id="zz")


def test_view_of_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"no config\.yaml"):
        view_tokens(tmp_path, quiet())
