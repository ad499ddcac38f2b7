from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deepcoder.config import Config, load_config
from deepcoder.errors import StageError
from deepcoder.runs import RunFolder, hash_files, hash_of, stage_settings, write_atomic


def config(folder: Path, *overrides: str) -> Config:
    return load_config(None, [f"run.dir={folder}", *overrides])


def test_a_done_stage_is_done_and_a_running_one_goes_on(tmp_path: Path) -> None:
    folder = RunFolder(config(tmp_path))
    first = folder.begin("generate", "in")
    assert first.status == "running"
    (folder.stage("generate") / "work").write_text("half")
    assert folder.begin("generate", "in").status == "running"
    folder.finish(first, {"verified": 3}, "out", 1.5)
    again = folder.begin("generate", "in")
    assert (again.status, again.counts, again.output_hash) == ("done", {"verified": 3}, "out")
    assert (folder.stage("generate") / "work").read_text() == "half"


def test_an_expensive_stage_with_other_settings_is_refused_and_the_change_is_named(tmp_path: Path) -> None:
    RunFolder(config(tmp_path)).begin("generate", "in")
    other = RunFolder(config(tmp_path, "problems.train=7"))
    with pytest.raises(StageError, match=r"problems\.train: 1600 -> 7"):
        other.begin("generate", "in")
    assert other.begin("generate", "in", overwrite=True).status == "running"


def test_settings_that_change_only_the_speed_do_not_matter(tmp_path: Path) -> None:
    RunFolder(config(tmp_path)).begin("generate", "in")
    assert RunFolder(config(tmp_path, "generate.concurrency=3")).begin("generate", "in").status == "running"


def test_a_cheap_stage_is_rebuilt_from_nothing_when_its_input_changed(tmp_path: Path) -> None:
    folder = RunFolder(config(tmp_path))
    folder.finish(folder.begin("prepare", "in"), {}, "out", 0)
    stale = folder.stage("prepare") / "old.parquet"
    stale.write_text("x")
    assert folder.begin("prepare", "other").status == "running"
    assert not stale.exists()


def test_an_unreadable_manifest_is_named(tmp_path: Path) -> None:
    folder = RunFolder(config(tmp_path))
    folder.begin("prepare", "in")
    (folder.stage("prepare") / "manifest.json").write_text("{")
    with pytest.raises(StageError, match=r"manifest\.json cannot be read"):
        folder.begin("prepare", "in")


def test_the_resolved_config_stands_in_the_folder(tmp_path: Path) -> None:
    made = config(tmp_path, "problems.train=7")
    RunFolder(made).begin("generate", "in")
    assert load_config(tmp_path / "config.yaml") == made


def test_stage_settings_are_flat_and_of_the_stage_only(tmp_path: Path) -> None:
    settings = stage_settings(config(tmp_path), "train")
    assert {"run.seed", "train.epochs", "student.model"} <= set(settings)
    assert not any(key.startswith(("teacher.", "serve.", "run.dir")) for key in settings)
    assert hash_of(settings) == hash_of(json.loads(json.dumps(settings)))


def test_hash_files_depends_on_names_and_contents(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_text("x")
    two.write_text("y")
    assert hash_files([one, two]) == hash_files([two, one]) != hash_files([one])


@pytest.mark.slow
def test_kill_minus_9_never_leaves_half_a_file(tmp_path: Path) -> None:
    target = tmp_path / "manifest.json"
    code = (
        "import sys; from pathlib import Path; from deepcoder.runs import write_atomic\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1; write_atomic(Path(sys.argv[1]), str(n % 10) * 100_000)\n"
        "    if n == 3: print('go', flush=True)\n"
    )
    for delay in (0.0, 0.003, 0.011):
        process = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        signal.sigtimedwait(set(), delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        text = target.read_text()
        assert len(text) == 100_000
        assert len(set(text)) == 1


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x"
    write_atomic(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(target, "\ud800")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_key_that_is_new_since_then_counts_as_its_default(tmp_path):
    config = load_config(None, [f"run.dir={tmp_path}"])
    folder = RunFolder(config)
    folder.begin("generate", "in")
    path = folder.stage("generate") / "manifest.json"
    old = json.loads(path.read_text())
    del old["settings"]["generate.quality"]["max_unreadable"], old["settings"]["problems.sealed"]
    path.write_text(json.dumps(old))
    assert folder.begin("generate", "in").status == "running"
    other = RunFolder(load_config(None, [f"run.dir={tmp_path}", "problems.sealed=true"]))
    with pytest.raises(StageError, match=r"problems\.sealed"):
        other.begin("generate", "in")
