from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from deepcoder.train import checkpoints


def write(folder: Path, step: int, loss: float | None = None) -> Path:
    target = folder / f"checkpoint-{step}"
    with checkpoints.staged(target) as staging:
        if loss is not None:
            (staging / checkpoints.EVALUATION).write_text(json.dumps({"eval_loss": loss}))
        (staging / "model.bin").write_bytes(bytes(range(100)))
        (staging / "sub").mkdir()
        (staging / "sub" / "state.json").write_text("{}")
    return target


def test_a_staged_folder_appears_whole(tmp_path: Path) -> None:
    target = write(tmp_path, 5)
    assert checkpoints.damage(target) is None
    assert checkpoints.last_good(tmp_path) == (target, [])
    assert oct((target / "model.bin").stat().st_mode & 0o777) == "0o644"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-5"]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with checkpoints.staged(tmp_path / "checkpoint-5") as staging:
            (staging / "model.bin").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_no_checkpoint(tmp_path: Path) -> None:
    half = tmp_path / checkpoints.STAGING / "checkpoint-9"
    half.mkdir(parents=True)
    (half / "model.bin").write_bytes(b"half")
    assert checkpoints.last_good(tmp_path) == (None, [])
    good = write(tmp_path, 10)
    assert [path.name for path in tmp_path.iterdir()] == [good.name]


def test_a_folder_is_replaced(tmp_path: Path) -> None:
    write(tmp_path, 5)
    with checkpoints.staged(tmp_path / "checkpoint-5") as staging:
        (staging / "other").write_text("x")
    assert sorted(path.name for path in (tmp_path / "checkpoint-5").iterdir()) == ["other", checkpoints.SEAL]


@pytest.mark.parametrize("fault", ["truncated", "flipped", "missing", "unsealed", "torn seal"])
def test_a_damaged_checkpoint_is_skipped_with_a_reason(tmp_path: Path, fault: str) -> None:
    good, bad = write(tmp_path, 5), write(tmp_path, 10)
    weights = bad / "model.bin"
    if fault == "truncated":
        os.truncate(weights, 50)
    elif fault == "flipped":
        weights.write_bytes(bytes(99) + b"\x01")
    elif fault == "missing":
        weights.unlink()
    elif fault == "unsealed":
        (bad / checkpoints.SEAL).unlink()
    else:
        (bad / checkpoints.SEAL).write_text('{"files": {')
    found, skipped = checkpoints.last_good(tmp_path)
    assert found == good
    assert len(skipped) == 1
    assert skipped[0].startswith("checkpoint-10: ")


def test_pruning_keeps_the_latest_by_step(tmp_path: Path) -> None:
    for step in (5, 100, 20):
        write(tmp_path, step)
    checkpoints.prune(tmp_path, 2)
    assert [step for step, _ in checkpoints.checkpoints(tmp_path)] == [100, 20]


def test_the_best_checkpoint_is_kept_however_old_it_is(tmp_path: Path) -> None:
    assert checkpoints.best(tmp_path) is None
    for step, loss in ((10, 3.0), (20, 1.0), (30, 2.0), (35, None), (40, math.nan), (50, 1.0)):
        write(tmp_path, step, loss)
        checkpoints.prune(tmp_path, 2)
    assert [step for step, _ in checkpoints.checkpoints(tmp_path)] == [50, 40, 20]
    assert checkpoints.best(tmp_path) == tmp_path / "checkpoint-20"  # the earliest of equals


def test_a_checkpoint_without_a_held_out_loss_is_never_the_best(tmp_path: Path) -> None:
    write(tmp_path, 10)
    write(tmp_path, 20, math.nan)
    assert checkpoints.best(tmp_path) is None
