"""A run folder: where each stage's files lie, its manifest, and whether it is done.

    RUN/config.yaml              the resolved config of the last command
    RUN/STAGE/manifest.json      status, hashes of config and input, versions, counts

A stage whose manifest says `done` for the same config and input is skipped. One that is `running` was
cut short and resumes. One that was begun with another config is rebuilt if that is cheap, else
refused: a long generation is never mixed with other settings by accident.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deepcoder.config import Config, dump_config
from deepcoder.errors import StageError

StageName = Literal["generate", "prepare", "score", "train", "evaluate"]

FOLDERS: dict[StageName, str] = {
    "generate": "trajectories",
    "prepare": "examples",
    "score": "scores",
    "train": "checkpoints",
    "evaluate": "evaluation",
}
_SECTIONS: dict[StageName, tuple[str, ...]] = {
    "generate": ("run.seed", "problems", "teacher", "agent", "knowledge", "sandbox", "generate"),
    "prepare": ("student", "prepare"),
    "score": ("student", "score"),
    "train": ("run.seed", "student", "train"),
    "evaluate": ("run.seed", "problems", "teacher", "agent", "knowledge", "sandbox", "student", "engine", "evaluate"),
}
# Keys that change how fast a result comes, not which result.
_IRRELEVANT = {
    "generate.concurrency", "generate.workers_ray", "sandbox.workers", "evaluate.concurrency", "engine.batch_size",
    "teacher.timeout_s", "teacher.max_attempts", "teacher.max_wait_s", "teacher.max_outage_s",
    "teacher.requests_per_minute", "teacher.tokens_per_minute", "teacher.requests_per_day", "teacher.tokens_per_day",
    "teacher.input_price", "teacher.output_price", "teacher.cached_price",
    "generate.max_failed", "generate.max_cost", "evaluate.max_failed", "evaluate.judge", "engine.price_per_hour",
    "evaluate.ways", "evaluate.samples", "evaluate.temperature",  # a benchmark's (deepcoder.evaluate.ways), no stage's
    "train.save_steps", "train.keep_checkpoints",
    "score.base_url", "score.api_key_env", "score.concurrency", "score.shard_rows",
    "score.timeout_s", "score.max_attempts", "score.max_wait_s", "score.max_outage_s",
    "train.max_memory_gb", "train.peak_tflops", "train.parallel",
    "knowledge.cache_dir", "train.logging_steps", "train.report_to", "train.threads", "prepare.shard_rows",
}  # fmt: skip
_REBUILT: frozenset[StageName] = frozenset({"prepare", "evaluate"})


class Manifest(BaseModel):
    """What a stage did, from what, with which versions."""

    model_config = ConfigDict(extra="forbid")

    stage: StageName
    status: Literal["running", "done"]
    config_hash: str
    input_hash: str
    settings: dict[str, Any]
    versions: dict[str, str] = Field(default_factory=dict)
    counts: dict[str, int | float | str] = Field(default_factory=dict)
    started: float
    seconds: float = 0.0
    output_hash: str = ""


class RunFolder:
    """Paths and manifests of one run."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.path = config.run.dir

    def stage(self, name: StageName) -> Path:
        """The folder of a stage (not created)."""
        return self.path / FOLDERS[name]

    def manifest(self, name: StageName) -> Manifest | None:
        """The stage's manifest, None where the stage never began."""
        path = self.stage(name) / "manifest.json"
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise StageError(f"{path} cannot be read: {error}", hint="delete it to run the stage again") from None

    def begin(self, name: StageName, input_hash: str, *, overwrite: bool = False) -> Manifest:
        """The manifest to work under: `done` means there is nothing to do, `running` means go (or resume)."""
        settings = stage_settings(self.config, name)
        config_hash = hash_of(settings)
        old = self.manifest(name)
        if old is not None:
            same = completed(old.settings, name) == settings and old.input_hash == input_hash
            if same and not overwrite:
                return old
            if name not in _REBUILT and not overwrite:
                raise StageError(
                    f"{self.stage(name)} was made {_difference(old, settings, input_hash)}",
                    hint="choose another run.dir, or start this stage anew with --overwrite",
                )
            _remove(self.stage(name))
        manifest = Manifest(
            stage=name, status="running", config_hash=config_hash, input_hash=input_hash,
            settings=settings, versions=_versions(), started=time.time(),
        )  # fmt: skip
        self.stage(name).mkdir(parents=True, exist_ok=True)
        write_atomic(self.path / "config.yaml", dump_config(self.config))
        self._write(manifest)
        return manifest

    def finish(
        self, manifest: Manifest, counts: dict[str, int | float | str], output_hash: str, seconds: float
    ) -> Manifest:
        """Mark the stage done; `seconds` are those of this session."""
        done = manifest.model_copy(
            update={"status": "done", "counts": counts, "output_hash": output_hash, "seconds": seconds}
        )
        self._write(done)
        return done

    def _write(self, manifest: Manifest) -> None:
        write_atomic(self.stage(manifest.stage) / "manifest.json", manifest.model_dump_json(indent=2))


def stage_settings(config: Config, name: StageName) -> dict[str, Any]:
    """The part of the config that decides a stage's result."""
    tree = config.model_dump(mode="json")
    out: dict[str, Any] = {}
    sections = _SECTIONS[name]
    if name == "generate" and config.generate.rollout.student is not None:
        sections += ("student.instructions", "engine")  # the student writes
    for section in sections:
        top, _, sub = section.partition(".")
        for key, value in tree[top].items():
            if (not sub or sub == key) and f"{top}.{key}" not in _IRRELEVANT:
                out[f"{top}.{key}"] = value
    return out


def hash_of(value: Any) -> str:
    """sha256 of a JSON value, 16 hex digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def hash_files(paths: list[Path]) -> str:
    """sha256 over names and contents, 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def write_atomic(path: Path, data: str | bytes | Sequence[str]) -> None:
    """Write beside, fsync, rename: after a crash the file is either the old one or the new one.

    `data` in parts is written part by part: no second copy of a large file is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [data] if isinstance(data, str | bytes) else data
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                file.write(part.encode() if isinstance(part, str) else part)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def completed(settings: dict[str, Any], name: StageName) -> dict[str, Any]:
    """Settings of an older deepcoder with today's defaults for the keys that it did not have."""

    def fill(old: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
        known = {key: value for key, value in defaults.items() if key not in old}
        for key, value in old.items():
            default = defaults.get(key)
            known[key] = fill(value, default) if isinstance(value, dict) and isinstance(default, dict) else value
        return known

    return fill(settings, stage_settings(Config(), name))


def _difference(old: Manifest, settings: dict[str, Any], input_hash: str) -> str:
    changed = [
        f"{key}: {old.settings.get(key)!r} -> {settings.get(key)!r}"
        for key in sorted(set(old.settings) | set(settings))
        if old.settings.get(key) != settings.get(key)
    ]
    if changed:
        return "with other settings: " + ", ".join(changed[:5])
    return f"from other input ({old.input_hash} -> {input_hash})"


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _versions() -> dict[str, str]:
    names = ("deepcoder", "torch", "transformers", "peft", "langchain-core", "tokenizers")
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
