"""The mean of several students' weights: students of one recipe and base, trained with other seeds, as one student.

    mean[name] = sum(student[name] for student in students) / len(students)

Wortsman et al., "Model soups" (ICML 2022). It costs a training a student and nothing when the mean answers. Shard by
shard, sums in fp32: memory holds two shards.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from deepcoder.config import dump_config, load_config
from deepcoder.errors import TrainingError
from deepcoder.runs import Manifest, RunFolder, completed, hash_files, hash_of, write_atomic
from deepcoder.train import checkpoints
from deepcoder.train.merge import copy_rest, write_shards
from deepcoder.train.sources import Source, any_student, check_disk

SEED, CONFIG, MEAN_OF = "run.seed", "config.yaml", "mean_of"


def average(runs: Sequence[Path], target: Path, *, show: Callable[[str], None] = print) -> Path:
    """Make of the trained students of `runs` the run folder `target`, with their mean; returns its `final`.

    It evaluates and serves as any other. Its manifest and config come last: cut short, `target` is no trained run, and
    the same call makes it anew. Raises TrainingError where there are fewer than two runs, where `target` is a run
    already, where a run is not trained to its end or went on in rounds, where two differ in more than their seed and
    examples (base, settings, tensors), and where the disk is too small.
    """
    if len(set(map(Path.resolve, runs))) < max(2, len(runs)):
        raise TrainingError("a mean is of two runs or more, each named once", hint="name the folders of different runs")
    folders = [_opened(run, run) for run in runs]
    mean = _opened(runs[0], target)
    _check_free(mean)
    manifests = [_trained(folder) for folder in folders]
    places = [folder.stage("train") for folder in folders]
    sources = [any_student(place / "final") for place in places]
    for other in range(1, len(runs)):
        _check_alike(runs[0], runs[other], manifests[0], manifests[other])
        _check_bases(places[0], places[other])
        _check_tensors(places[0], sources[0], places[other], sources[other])
    base = places[0] / "base"
    size = sum((sources[0].folder / name).stat().st_size for name in sources[0].shards)
    size += sum(path.stat().st_size for path in base.rglob("*") if path.is_file())
    check_disk(mean.path, size, "delete checkpoints of the runs: their final/ is enough")
    began = time.monotonic()
    with checkpoints.staged(mean.stage("train") / "final") as staging:
        write_shards(staging, sources[0].shards, lambda shard: _mean_shard(sources, shard), show)
        for source in sources:
            source.check_complete()
        (staging / "config.json").write_text(json.dumps(sources[0].config, indent=2))
        copy_rest(sources[0].folder, places[0] / "final", staging)
    if base.is_dir():
        with checkpoints.staged(mean.stage("train") / "base") as staging:
            shutil.copytree(base, staging, dirs_exist_ok=True)
    _finish(mean, manifests, runs, time.monotonic() - began)
    write_atomic(mean.path / CONFIG, dump_config(mean.config))
    return mean.stage("train") / "final"


def _opened(run: Path, place: Path) -> RunFolder:
    """The run folder `place`, by the config of `run`."""
    if not run.is_dir():
        raise TrainingError(
            f"{run} is no run folder", hint="name the folders of trained runs, RUN and not RUN/config.yaml"
        )
    config = load_config(run / CONFIG)
    # Not by an override, which is YAML: a folder may be called 0, or hold a #.
    return RunFolder(config.model_copy(update={"run": config.run.model_copy(update={"dir": place})}))


def _check_free(mean: RunFolder) -> None:
    begun = mean.manifest("train")
    if (mean.path / CONFIG).exists() or (begun is not None and MEAN_OF not in begun.counts):
        raise TrainingError(
            f"{mean.path} is a run, and averaging replaces nothing", hint="delete it, or name another --out"
        )


def _trained(folder: RunFolder) -> Manifest:
    if folder.config.rounds.number:
        raise TrainingError(
            f"{folder.path} went on in rounds: its student is not the one of its train stage",
            hint="name the run folders of the rounds, RUN/rounds/N",
        )
    manifest = folder.manifest("train")
    if manifest is None or manifest.status != "done":
        raise TrainingError(f"{folder.path} is not trained to its end", hint=f"deepcoder train {folder.path / CONFIG}")
    final = folder.stage("train") / "final"
    if (reason := checkpoints.damage(final)) is not None:
        raise TrainingError(f"{final} is damaged: {reason}", hint="train it anew, or leave it out")
    return manifest


def _check_alike(first: Path, other: Path, a: Manifest, b: Manifest) -> None:
    one, two = completed(a.settings, "train"), completed(b.settings, "train")
    for key in sorted((one.keys() | two.keys()) - {SEED}):
        if one.get(key) != two.get(key):
            raise TrainingError(
                f"{first} and {other} differ in {key}: {one.get(key)!r} and {two.get(key)!r}",
                hint=f"a mean is of runs of one recipe: they may differ in {SEED} and in their examples",
            )
    if a.counts.get("student") != b.counts.get("student"):
        raise _other_base(first, other, f": {a.counts.get('student')!r} and {b.counts.get('student')!r}")


def _check_bases(first: Path, other: Path) -> None:
    """Raise where the untouched students that the runs keep are not the same to the bit."""
    a, b = (checkpoints.sealed_weights(place / "base") for place in (first, other))
    if a is not None and b is not None and a != b:
        raise _other_base(first, other, ", by the weights that they keep")


def _other_base(first: Path, other: Path, how: str) -> TrainingError:
    return TrainingError(
        f"{first} and {other} began from different bases{how}",
        hint="the mean of students of different bases is no student",
    )


def _check_tensors(first: Path, a: Source, other: Path, b: Source) -> None:
    differing = sorted(name for name in a.shapes.keys() | b.shapes.keys() if a.shapes.get(name) != b.shapes.get(name))
    if differing:
        name = differing[0]
        raise TrainingError(
            f"{name} is {a.shapes.get(name)} in {first} and {b.shapes.get(name)} in {other}",
            hint="a mean is of runs of one recipe, stored in one precision",
        )


def _mean_shard(sources: Sequence[Source], shard: str) -> dict[str, Tensor]:
    """The tensors of the first student's shard, each the mean of all students'."""
    first, *others = sources
    return {
        name: mean_of([tensor, *(each.added(name, each.part(name)) for each in others)])
        for name, tensor in first.shard(shard).items()
    }


def mean_of(tensors: Sequence[Tensor]) -> Tensor:
    """`sum(tensors) / len(tensors)`, in fp32, rounded once to the first one's type."""
    total = tensors[0].float().clone()
    for tensor in tensors[1:]:
        total += tensor.float()
    return (total / len(tensors)).to(tensors[0].dtype).contiguous()


def _finish(mean: RunFolder, manifests: Sequence[Manifest], runs: Sequence[Path], seconds: float) -> None:
    """The manifest says what the mean is of; no config makes such a run, so no training goes on in it by accident."""
    first = manifests[0]
    counts: dict[str, Any] = {key: first.counts[key] for key in ("student", "parameters") if key in first.counts}
    parts = (f"{run.resolve().name} ({each.output_hash})" for run, each in zip(runs, manifests, strict=True))
    settings = first.settings | {SEED: [each.settings.get(SEED) for each in manifests]}
    done = first.model_copy(
        update={
            "settings": settings,
            "config_hash": hash_of(settings),
            "input_hash": hash_of([each.output_hash for each in manifests]),
            "started": time.time(),
        }
    )
    final = mean.stage("train") / "final"
    weights = hash_files([path for path in final.rglob("*") if path.is_file()])
    mean.finish(done, counts | {MEAN_OF: ", ".join(parts)}, weights, seconds)
