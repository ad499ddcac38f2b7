"""The mean of several students' weights: students of one recipe and base that differ in their seed make a better one.

    mean[name] = sum(student[name] for student in students) / len(students)

Wortsman et al., "Model soups" (ICML 2022). It costs a training a student and nothing when the mean answers. Tensor by
tensor, sums in fp32: memory holds one shard.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from deepcoder.config import dump_config, load_config
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import REFERENCE
from deepcoder.runs import Manifest, RunFolder, hash_files, write_atomic
from deepcoder.train import checkpoints
from deepcoder.train.sources import INDEX, Source, any_student, check_disk

SEED, CONFIG = "run.seed", "config.yaml"


def average(runs: Sequence[Path], target: Path, *, show: Callable[[str], None] = print) -> Path:
    """Make of the trained students of `runs` the run folder `target`, with their mean; returns its `final`.

    It evaluates and serves as any other. Its manifest comes last: cut short, `target` is no trained run. Raises
    TrainingError where there are fewer than two runs, where `target` is a run already, where a run is not trained to
    its end, and where two differ in more than their seed and examples: base, settings, tensors.
    """
    if len(set(map(Path.resolve, runs))) < 2:
        raise TrainingError("a mean is of two runs or more", hint="name the folders of two different runs")
    if (target / CONFIG).exists():
        raise TrainingError(
            f"{target} is a run, and averaging replaces nothing", hint="delete it, or name another --out"
        )
    folders = [RunFolder(load_config(run / CONFIG, [f"run.dir={run}"])) for run in runs]
    mean = RunFolder(load_config(runs[0] / CONFIG, [f"run.dir={target}"]))
    place = mean.stage("train")
    manifests = [_trained(folder) for folder in folders]
    finals = [folder.stage("train") / "final" for folder in folders]
    sources = [any_student(final) for final in finals]
    for run, manifest, source in zip(runs[1:], manifests[1:], sources[1:], strict=True):
        _check_alike(runs[0], run, manifests[0], manifest)
        _check_tensors(finals[0], sources[0], run, source)
    size = sum((sources[0].folder / name).stat().st_size for name in sources[0].shards)
    check_disk(place, size, "delete checkpoints of the runs: their final/ is enough")
    began = time.monotonic()
    with checkpoints.staged(place / "final") as staging:
        _write(sources, staging, show)
        _copy_rest(finals[0], staging)
    if (base := folders[0].stage("train") / "base").is_dir():
        shutil.copytree(base, place / "base", dirs_exist_ok=True)
    write_atomic(mean.path / CONFIG, dump_config(mean.config))
    _finish(mean, manifests, runs, time.monotonic() - began)
    return place / "final"


def _trained(folder: RunFolder) -> Manifest:
    manifest = folder.manifest("train")
    if manifest is None or manifest.status != "done":
        raise TrainingError(f"{folder.path} is not trained to its end", hint=f"deepcoder train {folder.path / CONFIG}")
    final = folder.stage("train") / "final"
    if (reason := checkpoints.damage(final)) is not None:
        raise TrainingError(f"{final} is damaged: {reason}", hint="train it anew, or leave it out")
    return manifest


def _check_alike(first: Path, other: Path, a: Manifest, b: Manifest) -> None:
    keys = sorted((a.settings.keys() | b.settings.keys()) - {SEED})
    for key in keys:
        if a.settings.get(key) != b.settings.get(key):
            raise TrainingError(
                f"{first} and {other} differ in {key}: {a.settings.get(key)!r} and {b.settings.get(key)!r}",
                hint=f"a mean is of runs of one recipe: they may differ in {SEED} and in their examples",
            )
    if a.counts.get("student") != b.counts.get("student"):
        raise TrainingError(
            f"{first} began from {a.counts.get('student')!r}, {other} from {b.counts.get('student')!r}",
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


def _write(sources: Sequence[Source], staging: Path, show: Callable[[str], None]) -> None:
    first, *others = sources
    names: dict[str, str] = {}
    written = 0
    for number, shard in enumerate(first.shards):
        tensors = {name: mean_of([tensor, *(each.added(name, each.part(name)) for each in others)])
                   for name, tensor in first.shard(shard).items()}  # fmt: skip
        save_file(tensors, staging / shard, metadata={"format": "pt"})
        names |= dict.fromkeys(tensors, shard)
        written += sum(tensor.nbytes for tensor in tensors.values())
        show(f"{number + 1}/{len(first.shards)} shards, {written / 2**30:.2f} GiB")
    for source in sources:
        source.check_complete()
    if len(first.shards) > 1:
        index = {"metadata": {"total_size": written}, "weight_map": names}
        (staging / INDEX).write_text(json.dumps(index, indent=1))
    (staging / "config.json").write_text(json.dumps(first.config, indent=2))


def mean_of(tensors: Sequence[Tensor]) -> Tensor:
    """`sum(tensors) / len(tensors)`, in fp32, rounded once to the first one's type."""
    total = tensors[0].float().clone()
    for tensor in tensors[1:]:
        total += tensor.float()
    return (total / len(tensors)).to(tensors[0].dtype).contiguous()


def _copy_rest(final: Path, staging: Path) -> None:
    """Tokenizer, template and generation config, of which all runs have the same."""
    left = {REFERENCE, checkpoints.SEAL, "config.json", INDEX}
    for file in final.iterdir():
        if file.is_file() and file.suffix != ".safetensors" and file.name not in left:
            shutil.copyfile(file, staging / file.name)


def _finish(mean: RunFolder, manifests: Sequence[Manifest], runs: Sequence[Path], seconds: float) -> None:
    """The manifest says what the mean is of; no config makes such a run, so no training goes on in it by accident."""
    first = manifests[0]
    seeds = [manifest.settings.get(SEED) for manifest in manifests]
    counts: dict[str, Any] = {key: first.counts[key] for key in ("student", "parameters") if key in first.counts}
    counts |= {"mean_of": ", ".join(run.name for run in runs)}
    done = first.model_copy(update={"settings": first.settings | {SEED: seeds}, "started": time.time()})
    final = mean.stage("train") / "final"
    mean.finish(done, counts, hash_files([path for path in final.rglob("*") if path.is_file()]), seconds)
