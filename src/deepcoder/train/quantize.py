"""Weights in 4 bit by groups, in the format that vLLM reads: compressed-tensors, pack-quantized (W4A16).

    w  ~  s (q - 8),   q in 0..15,   one scale s (bf16) for `group` weights in a row

Of each group the scale is, among shares of its largest weight, the one with the least squared error (to the nearest
value, no calibration texts). Eight q of a row lie in one int32, the first in the lowest bits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from deepcoder.errors import TrainingError

GROUP = 128
# Of max|w| / 7.5: a smaller scale clips the largest weights and resolves the others better.
SHARES = (1.0, 0.95, 0.9, 0.85, 0.8)


def quantize(weight: Tensor, group: int = GROUP) -> dict[str, Tensor]:
    """weight (out, in) -> weight_packed (out, in / 8) int32, weight_scale (out, in / group) bf16, weight_shape (2,).

    Raises TrainingError where `in` is not a multiple of the group.
    """
    rows, columns = weight.shape
    if columns % group or group % 8:
        raise TrainingError(
            f"weights of {columns} columns cannot be cut into groups of {group}", hint="choose a group that divides it"
        )
    groups = weight.float().reshape(rows, -1, group)
    largest = groups.abs().amax(2, keepdim=True) / 7.5
    best_scale, best_error = torch.ones_like(largest), torch.full_like(largest, torch.inf)
    for share in SHARES:
        scale = (largest * share).to(torch.bfloat16).float()
        scale = torch.where(scale > 0, scale, 1.0)
        error = (scale * _levels(groups, scale) - groups).square_().sum(2, keepdim=True)
        better = error < best_error
        best_scale, best_error = torch.where(better, scale, best_scale), torch.where(better, error, best_error)
    levels = _levels(groups, best_scale).reshape(rows, columns).to(torch.int32) + 8
    return {
        "weight_packed": _pack(levels),
        "weight_scale": best_scale.reshape(rows, -1).to(torch.bfloat16),
        "weight_shape": torch.tensor([rows, columns]),
    }


def dequantize(packed: Tensor, scale: Tensor) -> Tensor:
    """The weights that `quantize` stands for, (out, in) fp32."""
    rows, words = packed.shape
    levels = torch.stack([(packed >> 4 * place) & 15 for place in range(8)], 2).reshape(
        rows, -1, words * 8 // scale.shape[1]
    )
    return ((levels - 8).float() * scale.float()[:, :, None]).reshape(rows, -1)


def quantization_config(group: int = GROUP) -> dict[str, Any]:
    """What config.json says about it: linear layers of attention and experts, neither head nor routers."""
    weights = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": group}
    return {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "quantization_status": "compressed",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": None}},
        "ignore": ["lm_head", "re:.*mlp.gate$"],
    }


def _levels(groups: Tensor, scale: Tensor) -> Tensor:
    return (groups / scale).round_().clamp_(-8, 7)


def _pack(levels: Tensor) -> Tensor:
    """(out, in) of 0..15 -> (out, in / 8) int32."""
    rows = levels.shape[0]
    eight = levels.to(torch.int64).reshape(rows, -1, 8)
    words = (eight << torch.arange(0, 32, 4)).sum(2)
    return torch.where(words >= 1 << 31, words - (1 << 32), words).to(torch.int32)
