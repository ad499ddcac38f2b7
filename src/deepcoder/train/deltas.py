"""What a LoRA adapter adds to the tensors of a checkpoint, one tensor at a time.

    linear       W  += s B A
    experts      W_e += s B_e A_e,   A (E r, in), B (out, r E):  A_e = A[e r : (e + 1) r],  B_e = B[:, e::E]

s = alpha / r (alpha / sqrt(r) with rslora). An adapter of fused experts is one of `gate_up_proj` (2w, d), gate above
up, or of `down_proj` (d, w); PEFT names neither in the file, so that the shapes tell. Checkpoints store experts one by
one (`experts.5.gate_proj.weight`) or fused (`experts.gate_up_proj`): both are served.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from deepcoder.errors import TrainingError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
ANOTHER_MODEL = "merge an adapter into the model that it was trained on"
_PREFIX = "base_model.model."
_ONE_EXPERT = re.compile(r"(?P<module>.+\.experts)\.(?P<expert>\d+)\.(?P<part>gate_proj|up_proj|down_proj)\.weight")
_FUSED = re.compile(r"(?P<module>.+\.experts)\.(?P<part>gate_up_proj|down_proj)(\.weight)?")
# What changes the mathematics in a way that is not done here.
_UNSUPPORTED = ("use_dora", "fan_in_fan_out", "rank_pattern", "alpha_pattern", "modules_to_save", "lora_bias")


@dataclass
class Factors:
    """A (rows, in) and B (out, rows) of one adapted matrix, or of all its experts; `used`: whose deltas were asked."""

    a: Tensor
    b: Tensor
    experts: int
    used: set[str] = field(default_factory=set)

    def expert(self, number: int) -> Tensor:
        """B_e A_e (out, in), fp32; of a linear layer, expert 0 of one."""
        rank = self.a.shape[0] // self.experts
        return self.b[:, number :: self.experts].float() @ self.a[number * rank : (number + 1) * rank].float()


class Deltas:
    """An adapter's folder, read. `of(name, shape)` for every tensor of the base; then `check_complete()`."""

    def __init__(self, folder: Path) -> None:
        config = _config(folder)
        self._rank = int(config["r"])
        root = math.sqrt(self._rank) if config.get("use_rslora") else self._rank
        self._scale = float(config["lora_alpha"]) / root
        self._factors = _read(folder, self._rank)

    def of(self, name: str, shape: torch.Size) -> Tensor | None:
        """What is added to the tensor `name` of the base, fp32 of `shape`; None where nothing is.

        Raises TrainingError where a linear layer's tensor has another shape than its adapter.
        """
        if match := _ONE_EXPERT.fullmatch(name):
            part = match["part"]
            doubled = 1 if part == "down_proj" else 2
            factors = self._experts(match["module"], (doubled * shape[0], shape[1]))
            if factors is None:
                return None
            factors.used.add(f"{match['expert']}.{part}")
            whole = factors.expert(int(match["expert"]))
            half = {"gate_proj": slice(0, shape[0]), "up_proj": slice(shape[0], None)}.get(part, slice(None))
            return self._scale * whole[half]
        if (match := _FUSED.fullmatch(name)) and len(shape) == 3:
            factors = self._experts(match["module"], (shape[1], shape[2]))
            if factors is None:
                return None
            factors.used.update(_parts(factors, match["part"]))
            return self._scale * torch.stack([factors.expert(number) for number in range(factors.experts)])
        found = self._factors.get(name.removesuffix(".weight"), [])
        if not found:
            return None
        delta = self._scale * found[0].expert(0)
        if delta.shape != shape:
            raise TrainingError(
                f"the adapter's {name} is {tuple(delta.shape)}, the base's {tuple(shape)}", hint=ANOTHER_MODEL
            )
        found[0].used.add(name)
        return delta

    def check_complete(self) -> None:
        """Raise TrainingError where a part of the adapter met no tensor: the base is of another shape or naming."""
        for module, each in self._factors.items():
            for factors in each:
                if not _complete(factors):
                    raise TrainingError(
                        f"the adapter's {module} {tuple(factors.b.shape)} x {tuple(factors.a.shape)} met "
                        f"{'no tensor' if not factors.used else 'some of its tensors only'} of the base",
                        hint=ANOTHER_MODEL,
                    )

    def _experts(self, module: str, outer: tuple[int, int]) -> Factors | None:
        for factors in self._factors.get(module, []):
            if (factors.b.shape[0], factors.a.shape[1]) == outer:
                return factors
        return None


def _complete(factors: Factors) -> bool:
    if factors.experts == 1:
        return bool(factors.used)
    return any(factors.used == _parts(factors, part) for part in ("gate_up_proj", "down_proj"))


def _parts(factors: Factors, part: str) -> set[str]:
    names = ("gate_proj", "up_proj") if part == "gate_up_proj" else (part,)
    return {f"{number}.{name}" for number in range(factors.experts) for name in names}


def _config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{folder} is not an adapter: {error}", hint="RUN/checkpoints/final/adapter is one"
        ) from None
    if config.get("peft_type") != "LORA":
        raise TrainingError(
            f"{folder} holds an adapter of type {config.get('peft_type')}; only LoRA can be merged here"
        )
    if asked := [name for name in _UNSUPPORTED if config.get(name)]:
        raise TrainingError(f"{folder}: an adapter with {', '.join(asked)} cannot be merged here")
    # Unsloth notes how it packed B; before 2026.9.6 it was by expert, which the formula above would scramble.
    if (layout := config.get("lora_B_layout", "rank_major")) != "rank_major":
        raise TrainingError(f"{folder}: expert adapters in the layout {layout} cannot be merged here")
    return config


def _read(folder: Path, rank: int) -> dict[str, list[Factors]]:
    try:
        tensors = load_file(str(folder / WEIGHTS))
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"{folder / WEIGHTS} cannot be read: {error}",
            hint="deepcoder train CONFIG writes it anew from its checkpoint",
        ) from None
    modules: dict[str, list[Factors]] = {}
    for name in sorted(tensors):
        if name.endswith(".lora_B.weight"):
            continue
        stem = name.removesuffix(".lora_A.weight")
        other = stem + ".lora_B.weight"
        if stem == name or other not in tensors:
            raise TrainingError(f"{folder / WEIGHTS}: {name} is no factor of a LoRA adapter")
        a, b = tensors[name], tensors[other]
        if a.shape[0] != b.shape[1] or a.shape[0] % rank:
            raise TrainingError(f"{folder / WEIGHTS}: {stem} {tuple(b.shape)} x {tuple(a.shape)} is not of rank {rank}")
        module = stem.removeprefix(_PREFIX).replace(".base_layer", "")
        modules.setdefault(module, []).append(Factors(a, b, a.shape[0] // rank))
    return modules
