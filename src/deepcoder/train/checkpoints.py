"""Checkpoints that are whole or absent.

A checkpoint is written into a staging folder, sealed with the size and sha256 of each of its files,
flushed to disk and renamed: after a crash at any moment, `checkpoint-N` is a whole one or does not
exist. `last_good` still checks the seal, since files can also be damaged later. A checkpoint at which the
held-out loss was taken holds it itself, in `evaluation.json`: which one is best needs no other record.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepcoder.errors import TrainingError

SEAL = "seal.json"
STAGING = ".staging"
EVALUATION = "evaluation.json"
BATCH = "batch.json"
_NAME = re.compile(r"checkpoint-(\d+)")


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A folder to fill; sealed and renamed to `target` at the end, dropped where the block raises."""
    clear_staging(target.parent)
    staging = target.parent / STAGING / target.name
    staging.mkdir(parents=True)
    try:
        yield staging
        publish(staging, target)
    finally:
        clear_staging(target.parent)


def publish(staging: Path, target: Path) -> None:
    """Seal `staging` and give it the name `target`; one that is there is replaced. Both on one disk."""
    seal(staging)
    # A folder cannot be replaced in one step: an old one moves aside first.
    old = staging.with_name(f"old-{target.name}")
    if target.exists():
        target.rename(old)
    staging.rename(target)
    _fsync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def clear_staging(folder: Path) -> None:
    """Drop what a crash left half written."""
    shutil.rmtree(folder / STAGING, ignore_errors=True)


def seal(folder: Path) -> None:
    """Write `seal.json` with size and sha256 of every file in `folder`, and flush all of it to disk."""
    for path in _files(folder):
        path.chmod(0o644)  # safetensors writes 0600: a service of another user could not read it
    files = {str(path.relative_to(folder)): _fingerprint(path) for path in _files(folder)}
    (folder / SEAL).write_text(json.dumps({"files": files}, indent=1))
    for path in [*_files(folder), folder / SEAL, *(p for p in folder.rglob("*") if p.is_dir()), folder]:
        _fsync(path)


def damage(folder: Path) -> str | None:
    """What is wrong with a sealed folder: None where every file is there, whole and unchanged."""
    files = _sealed(folder)
    if files is None:
        return f"no readable {SEAL}"
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        # The size first: a torn file of many GB need not be read.
        if path.stat().st_size != expected["size"] or _fingerprint(path) != expected:
            return f"{name} is damaged"
    return None


def sealed_weights(folder: Path) -> dict[str, object] | None:
    """Sizes and hashes of the weights of a sealed folder, as its seal has them; None where it has none."""
    files = _sealed(folder) or {}
    return {name: each for name, each in files.items() if name.endswith(".safetensors")} or None


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """(step, path) of every `checkpoint-N` in `folder`, whole or not, latest first."""
    found = [(int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return sorted(found, reverse=True)


def step_of(checkpoint: Path) -> int:
    """The N of `checkpoint-N`."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def last_good(folder: Path) -> tuple[Path | None, list[str]]:
    """The latest whole checkpoint, and a line about each later one that was skipped."""
    skipped: list[str] = []
    for _, path in checkpoints(folder):
        reason = damage(path)
        if reason is None:
            return path, skipped
        skipped.append(f"{path.name}: {reason}")
    return None, skipped


def check_batch(checkpoint: Path, examples: int) -> None:
    """Raise TrainingError where `checkpoint` was written at another global batch than `examples` a step.

    The plan of batches is made for one: with fewer ranks at the same settings a run would go on with smaller steps.
    """
    path = checkpoint / BATCH
    if path.exists() and (then := json.loads(path.read_text())["global_batch"]) != examples:  # older ones do not say
        raise TrainingError(
            f"{checkpoint.name} was trained on {then} examples a step over all ranks, this run would take {examples}",
            hint="keep train.batch_size * train.gradient_accumulation * ranks: start as many ranks as before",
        )


def best(folder: Path) -> Path | None:
    """The checkpoint with the least held-out loss, the earliest of equals; None where none has one."""
    found = [(held_out_loss(path), step, path) for step, path in checkpoints(folder)]
    known = [(loss, step, path) for loss, step, path in found if not math.isnan(loss)]
    return min(known)[2] if known else None


def held_out_loss(checkpoint: Path) -> float:
    """`eval_loss` of a checkpoint; not a number where it was not taken."""
    try:
        return float(json.loads((checkpoint / EVALUATION).read_text())["eval_loss"])
    except (OSError, ValueError, KeyError, TypeError):
        return math.nan


def prune(folder: Path, keep: int) -> None:
    """Delete all but the `keep` latest checkpoints and the best one."""
    spared = best(folder)
    for _, path in checkpoints(folder)[keep:]:
        if path != spared:
            shutil.rmtree(path, ignore_errors=True)


def _sealed(folder: Path) -> dict[str, Any] | None:
    """Size and sha256 of each file, as the seal has them; None where it cannot be read."""
    try:
        files: dict[str, Any] = json.loads((folder / SEAL).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SEAL)


def _fingerprint(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
