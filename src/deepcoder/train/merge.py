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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from safetensors.torch import save_file
from torch import Tensor

from deepcoder.errors import TrainingError
from deepcoder.models.chatml import REFERENCE
from deepcoder.train import checkpoints
from deepcoder.train.quantize import GROUP, quantization_config, quantize
from deepcoder.train.sources import INDEX, SINGLE, Source, adapted, check_disk, numbers

_QUANTIZED = re.compile(r".+\.(?:(?:q|k|v|o|gate|up|down)_proj)\.weight")


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
    source = adapted(final)
    if bits == 4:
        _check_experts(source)
    check_disk(target, _size(source, bits, group), "write 4 bit (--bits 4), a fourth of it")
    with checkpoints.staged(target) as staging:
        write_shards(
            staging,
            source.shards,
            lambda shard: _in_4_bit(source.shard(shard), group) if bits == 4 else source.shard(shard),
            show,
        )
        source.check_complete()
        if card:
            (staging / "README.md").write_text(card)
        added = {"quantization_config": quantization_config(group)} if bits == 4 else {}
        (staging / "config.json").write_text(json.dumps(source.config | added, indent=2))
        copy_rest(source.folder, final, staging)
    return target


def _in_4_bit(tensors: dict[str, Tensor], group: int) -> dict[str, Tensor]:
    written: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if _QUANTIZED.fullmatch(name):
            module = name.removesuffix(".weight")
            written |= {f"{module}.{part}": value for part, value in quantize(tensor, group).items()}
        else:
            written[name] = tensor
    return written


def write_shards(
    folder: Path, shards: Sequence[str], tensors_of: Callable[[str], dict[str, Tensor]], show: Callable[[str], None]
) -> None:
    """Write `tensors_of(shard)` under the name of each shard, and their index where there are several."""
    names: dict[str, str] = {}
    written = 0
    for number, shard in enumerate(shards):
        tensors = tensors_of(shard)
        save_file(tensors, folder / shard, metadata={"format": "pt"})
        names |= dict.fromkeys(tensors, shard)
        written += sum(tensor.nbytes for tensor in tensors.values())
        show(f"{number + 1}/{len(shards)} shards, {written / 2**30:.1f} GiB")
    if len(shards) > 1:
        index = {"metadata": {"total_size": written}, "weight_map": names}
        (folder / INDEX).write_text(json.dumps(index, indent=1))


def copy_rest(base: Path, final: Path, staging: Path) -> None:
    """Tokenizer, template and generation config of the student, else of the base."""
    kept = {REFERENCE, checkpoints.SEAL, "config.json", INDEX, SINGLE}
    for folder in (base, final):
        for file in folder.iterdir():
            if file.is_file() and file.suffix in (".json", ".jinja", ".txt", ".model") and file.name not in kept:
                shutil.copyfile(file, staging / file.name)


def _size(source: Source, bits: int, group: int) -> int:
    """Bytes that will be written."""
    if bits == 16:
        return sum((source.folder / shard).stat().st_size for shard in source.shards)
    total = 0
    for name, (shape, kind) in source.shapes.items():
        count = numbers(shape)
        width = {"F32": 4, "F64": 8}.get(kind, 2)
        total += count // 2 + count // group * 2 + 16 if _QUANTIZED.fullmatch(name) else count * width
    return total


def _check_experts(source: Source) -> None:
    fused = [name for name, (shape, _) in source.shapes.items() if len(shape) == 3]
    if fused:
        raise TrainingError(
            f"{source.folder} stores its experts fused ({fused[0]}, ...), which is not written in 4 bit",
            hint="use the model as it is on the hub, with one tensor an expert, or bits=16",
        )
