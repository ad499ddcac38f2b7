"""A trained adapter and its base as one checkpoint, written shard by shard.

A shard of the base is read, the adapter's share added in fp32 and rounded to the shard's precision, and the result
written under the same name: memory holds two shards, whatever the model's size, and whoever loads the base loads this.
With `bits=4` the weights of attention and experts are written in 4 bit in the same pass (deepcoder.train.quantize):
61 GB of a 30B model in 16 bit never have to be written to be served in 17.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from deepcoder.errors import TrainingError
from deepcoder.models.chatml import REFERENCE
from deepcoder.train import checkpoints
from deepcoder.train.deltas import Deltas
from deepcoder.train.quantize import GROUP, quantization_config, quantize

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
_QUANTIZED = re.compile(r".+\.(?:(?:q|k|v|o|gate|up|down)_proj)\.weight")
# Kept free beside what is written.
MARGIN = 2**30


def merge(
    final: Path,
    target: Path,
    *,
    bits: Literal[16, 4] = 16,
    group: int = GROUP,
    card: str = "",
    show: Callable[[str], None] = print,
) -> Path:
    """Write `target` from RUN/checkpoints/final (`reference.json`, `adapter`, tokenizer); returns `target`.

    `card` becomes its README.md. Atomic: `target` is whole or absent. Raises TrainingError where `target` exists, where
    `final` names no base and adapter, where the base has no safetensors or is quantized itself, where the disk is too
    small, and where a part of the adapter has no place in the base.
    """
    if target.exists():  # it may be anything, the base or the adapter among it
        raise TrainingError(f"{target} exists, and merging replaces nothing", hint="delete it, or name another --out")
    reference = _reference(final)
    base = _folder(str(reference["model"]))
    config, shards = _base_config(base), _shards(base)
    if bits == 4:
        _check_experts(base, shards)
    needed = _size(base, shards, bits, group)
    _check_disk(target, needed)
    deltas = Deltas(final / str(reference["adapter"]))
    with checkpoints.staged(target) as staging:
        names: dict[str, str] = {}
        written = 0
        for number, shard in enumerate(shards):
            tensors = _merged(base / shard, deltas)
            if bits == 4:
                tensors = _in_4_bit(tensors, group)
            save_file(tensors, staging / shard, metadata={"format": "pt"})
            names |= dict.fromkeys(tensors, shard)
            written += sum(tensor.nbytes for tensor in tensors.values())
            show(f"{number + 1}/{len(shards)} shards, {written / 2**30:.1f} GiB")
        deltas.check_complete()
        if len(shards) > 1:
            index = {"metadata": {"total_size": written}, "weight_map": names}
            (staging / INDEX).write_text(json.dumps(index, indent=1))
        if card:
            (staging / "README.md").write_text(card)
        if bits == 4:
            config["quantization_config"] = quantization_config(group)
        (staging / "config.json").write_text(json.dumps(config, indent=2))
        _copy_rest(base, final, staging)
    return target


def _merged(file: Path, deltas: Deltas) -> dict[str, Tensor]:
    tensors = {}
    with safe_open(file, "pt") as shard:
        for name in shard.keys():  # noqa: SIM118 - safe_open has no iterator
            tensor: Tensor = shard.get_tensor(name)
            delta = deltas.of(name, tensor.shape)
            tensors[name] = tensor if delta is None else (tensor.float() + delta).to(tensor.dtype)
    return tensors


def _in_4_bit(tensors: dict[str, Tensor], group: int) -> dict[str, Tensor]:
    written: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if _QUANTIZED.fullmatch(name):
            module = name.removesuffix(".weight")
            written |= {f"{module}.{part}": value for part, value in quantize(tensor, group).items()}
        else:
            written[name] = tensor
    return written


def _copy_rest(base: Path, final: Path, staging: Path) -> None:
    """Tokenizer, template and generation config of the student, else of the base."""
    kept = {REFERENCE, checkpoints.SEAL, "config.json", INDEX, SINGLE}
    for folder in (base, final):
        for file in folder.iterdir():
            if file.is_file() and file.suffix in (".json", ".jinja", ".txt", ".model") and file.name not in kept:
                shutil.copyfile(file, staging / file.name)


def _reference(final: Path) -> dict[str, object]:
    if not final.is_dir():
        raise TrainingError(f"there is no student in {final}", hint="deepcoder train CONFIG makes it")
    try:
        reference: dict[str, object] = json.loads((final / REFERENCE).read_text())
    except (OSError, ValueError):
        reference = {}
    if not {"model", "adapter"} <= reference.keys():
        raise TrainingError(
            f"{final} has no {REFERENCE} that names a base and an adapter",
            hint="only a student trained in 4 bit is merged apart; another one is whole in final/ already",
        )
    return reference


def _base_config(base: Path) -> dict[str, object]:
    try:
        config: dict[str, object] = json.loads((base / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"the base {base} has no readable config.json: {error}",
            hint="name a directory with config.json and weights",
        ) from None
    if "quantization_config" in config:
        raise TrainingError(
            f"the base {base} is quantized itself; an adapter is added to weights in 16 bit",
            hint="student.model in 16 bit: train.load_in_4bit quantizes it on loading",
        )
    return config


def _folder(model: str) -> Path:
    """Where the base's files are: a folder, or a name on the hub, downloaded where it is not in the cache."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.jinja"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, ValueError, OSError) as error:
        raise TrainingError(
            f"the base {model} cannot be fetched: {error}", hint="name a directory with config.json and weights"
        ) from error


def _shards(base: Path) -> list[str]:
    if (base / INDEX).is_file():
        return sorted(set(json.loads((base / INDEX).read_text())["weight_map"].values()))
    if (base / SINGLE).is_file():
        return [SINGLE]
    raise TrainingError(f"{base} has no {INDEX} and no {SINGLE}", hint="the base must be stored as safetensors")


def _shapes(base: Path, shards: list[str]) -> dict[str, tuple[list[int], str]]:
    """Shape and type of every tensor, from the shards' headers."""
    found = {}
    for shard in shards:
        with safe_open(base / shard, "pt") as file:
            for name in file.keys():  # noqa: SIM118
                part = file.get_slice(name)
                found[name] = (part.get_shape(), part.get_dtype())
    return found


def _size(base: Path, shards: list[str], bits: int, group: int) -> int:
    """Bytes that will be written."""
    if bits == 16:
        return sum((base / shard).stat().st_size for shard in shards)
    total = 0
    for name, (shape, kind) in _shapes(base, shards).items():
        numbers = int(torch.Size(shape).numel())
        width = {"F32": 4, "F64": 8}.get(kind, 2)
        total += numbers // 2 + numbers // group * 2 + 16 if _QUANTIZED.fullmatch(name) else numbers * width
    return total


def _check_experts(base: Path, shards: list[str]) -> None:
    fused = [name for name, (shape, _) in _shapes(base, shards).items() if len(shape) == 3]
    if fused:
        raise TrainingError(
            f"{base} stores its experts fused ({fused[0]}, ...), which is not written in 4 bit",
            hint="use the model as it is on the hub, with one tensor an expert, or bits=16",
        )


def _check_disk(target: Path, needed: int) -> None:
    folder = target.absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        raise TrainingError(
            f"merging writes {needed / 2**30:.1f} GiB; {folder} has {free / 2**30:.1f} GiB free",
            hint="free the difference and 1 GiB, name another disk (--out), or write 4 bit (--bits 4), a fourth of it",
        )
