"""A student's weights as they are stored, tensor by tensor: the base's, with the adapter's share added.

Nothing is loaded whole. Sums are taken in fp32 and rounded once to the precision of the base.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from deepcoder.errors import TrainingError
from deepcoder.models.chatml import REFERENCE
from deepcoder.train.deltas import Deltas

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
# Kept free beside what is written.
MARGIN = 2**30


@dataclass(frozen=True)
class Source:
    """`folder` holds `config` (config.json) and `shards`; `deltas` is what an adapter adds to them."""

    folder: Path
    config: dict[str, Any]
    shards: list[str]
    deltas: Deltas | None = None

    @cached_property
    def shapes(self) -> Mapping[str, tuple[list[int], str]]:
        """Shape and type of every tensor, from the shards' headers."""
        return {name: (shape, kind) for name, (_, shape, kind) in self._headers.items()}

    def shard(self, name: str) -> dict[str, Tensor]:
        """Every tensor of one shard, merged."""
        with safe_open(self.folder / name, "pt") as file:
            return {each: self.added(each, file.get_tensor(each)) for each in file.keys()}  # noqa: SIM118

    def part(self, name: str, expert: int | None = None, rows: slice = slice(None)) -> Tensor:
        """The tensor `name` as stored; of fused experts one, or some of its rows."""
        with safe_open(self.folder / self._headers[name][0], "pt") as file:
            if expert is None:
                tensor: Tensor = file.get_tensor(name)
                return tensor
            return file.get_slice(name)[expert : expert + 1, rows][0]  # type: ignore[no-any-return]

    def added(self, name: str, tensor: Tensor) -> Tensor:
        """`tensor` with the adapter's share of `name`, where it has one."""
        delta = None if self.deltas is None else self.deltas.of(name, tensor.shape)
        return tensor if delta is None else (tensor.float() + delta).to(tensor.dtype)

    def check_complete(self) -> None:
        """Raise TrainingError where a part of the adapter met no tensor."""
        if self.deltas is not None:
            self.deltas.check_complete()

    @cached_property
    def _headers(self) -> dict[str, tuple[str, list[int], str]]:
        found = {}
        for shard in self.shards:
            with safe_open(self.folder / shard, "pt") as file:
                for name in file.keys():  # noqa: SIM118 - safe_open has no iterator
                    part = file.get_slice(name)
                    found[name] = (shard, part.get_shape(), part.get_dtype())
        return found


def adapted(final: Path) -> Source:
    """The base and the adapter that RUN/checkpoints/final names.

    Raises TrainingError where it names none, where the base has no safetensors or is quantized itself.
    """
    reference = _reference(final)
    if not {"model", "adapter"} <= reference.keys():
        raise TrainingError(
            f"{final} has no {REFERENCE} that names a base and an adapter",
            hint="only a student trained in 4 bit is merged apart; another one is whole in final/ already",
        )
    base = _folder(str(reference["model"]))
    return Source(base, _config(base), _shards(base), Deltas(final / str(reference["adapter"])))


def any_student(final: Path) -> Source:
    """The student in `final`: whole weights, or a base and an adapter. Raises as `adapted`."""
    if _reference(final) or not (final / "config.json").is_file():
        return adapted(final)
    return Source(final, _config(final), _shards(final))


def check_disk(target: Path, needed: int, hint: str) -> None:
    """Raise TrainingError where the disk of `target` has no room for `needed` bytes and a margin."""
    folder = target.absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        raise TrainingError(
            f"this writes {needed / 2**30:.1f} GiB; {folder} has {free / 2**30:.1f} GiB free",
            hint=f"free the difference and 1 GiB, name another disk (--out), or {hint}",
        )


def numbers(shape: list[int]) -> int:
    """How many numbers a tensor of `shape` holds."""
    return int(torch.Size(shape).numel())


def _reference(final: Path) -> dict[str, object]:
    if not final.is_dir():
        raise TrainingError(f"there is no student in {final}", hint="deepcoder train CONFIG makes it")
    try:
        reference: dict[str, object] = json.loads((final / REFERENCE).read_text())
    except (OSError, ValueError):
        return {}
    return reference


def _config(base: Path) -> dict[str, object]:
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
