"""Cross entropy and its gradient in two passes over the logits: a Triton kernel for CUDA.

`divergence.cross_entropy_` reads and writes every logit some ten times, and a bf16 copy of the gradient
goes to the next matmul. Here each logit is read twice and written once, and the gradient is written as
bf16 into the first half of its own row of fp32 logits, so that a chunk needs no second buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

try:
    import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]
    import triton.language as tl  # type: ignore[import-not-found, import-untyped, unused-ignore]
except ImportError:  # CPU builds of torch come without it
    triton = None

BLOCK = 4096


def kernel_applies(z: Tensor) -> bool:
    """Whether `cross_entropy_kernel_` can take these logits: fp32 on CUDA, with Triton there."""
    return triton is not None and z.is_cuda and z.dtype == torch.float32


def cross_entropy_kernel_(z: Tensor, targets: Tensor, weights: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """`-log softmax(z)[target]` (n,) and its gradient times `weights` (n, V), which takes the place of z.

    z (n, V) fp32, contiguous; targets (n,); weights (n,) fp32. The gradient has `dtype` (fp32, or a 16-bit
    type, then with a row stride of 2 V). z must not be used afterwards.
    """
    value = torch.empty_like(weights)
    grad = z if dtype == z.dtype else z.view(dtype)[:, : z.shape[1]]
    with torch.cuda.device(z.device):
        _launch(z, grad, targets, weights, value)
    return value, grad


def _launch(z: Tensor, grad: Tensor, targets: Tensor, weights: Tensor, value: Tensor) -> None:
    rows, vocabulary = z.shape
    if rows:
        _cross_entropy[(rows,)](
            z, grad, targets, weights, value, z.stride(0), grad.stride(0), vocabulary, BLOCK=BLOCK, num_warps=16
        )


if TYPE_CHECKING:
    _cross_entropy: Any
elif triton is not None:

    @triton.jit
    def _cross_entropy(z, grad, targets, weights, value, z_stride, grad_stride, vocabulary, BLOCK: tl.constexpr):
        row = tl.program_id(0).to(tl.int64)
        z += row * z_stride
        grad += row * grad_stride
        target = tl.load(targets + row)
        lanes = tl.arange(0, BLOCK)
        # Running maximum and sum for each lane; one reduction at the end. A lane without a logit keeps
        # -3e38 and vanishes in that reduction (an infinity would make a nan of inf - inf).
        highest = tl.full([BLOCK], -3e38, tl.float32)
        total = tl.zeros([BLOCK], tl.float32)
        for start in range(0, vocabulary, BLOCK):
            at = start + lanes
            x = tl.load(z + at, mask=at < vocabulary, other=-3e38)
            new = tl.maximum(highest, x)
            total = total * tl.exp(highest - new) + tl.exp(x - new)
            highest = new
        top = tl.max(highest, 0)
        log_total = top + tl.log(tl.sum(total * tl.exp(highest - top), 0))
        tl.store(value + row, log_total - tl.load(z + target))
        weight = tl.load(weights + row)
        for start in range(0, vocabulary, BLOCK):
            at = start + lanes
            x = tl.load(z + at, mask=at < vocabulary, other=-3e38)
            slope = weight * (tl.exp(x - log_total) - tl.where(at == target, 1.0, 0.0))
            # grad lies in the memory of z, at half the pitch: nobody may write before all have read.
            tl.debug_barrier()
            tl.store(grad + at, slope.to(grad.dtype.element_ty), mask=at < vocabulary)
