"""The SAD loss over trained rows: chunked, the gradient taken in the forward pass.

The logits of `chunk_rows` rows are made, turned into D_t and dD_t/dlogits in place, folded into the
gradients of rows and head, and dropped. Memory beside the inputs: chunk_rows * V numbers in fp32 (on CUDA
a Triton kernel puts the bf16 gradient into the same memory) + the gradient of the rows + that of the head
if it is trained.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from deepcoder.losses.divergence import divergence_
from deepcoder.losses.kernel import cross_entropy_kernel_, kernel_applies
from deepcoder.losses.shift import ACT, REASON
from deepcoder.losses.teacher import Teacher

Normalization = Literal["span", "token"]


class SadOutput(NamedTuple):
    """`loss`: scalar with gradient. The sums of D_t and the counts of this batch: detached scalars."""

    loss: Tensor
    sum_reason: Tensor
    sum_act: Tensor
    n_reason: Tensor
    n_act: Tensor


def sad_loss(
    rows: Tensor,
    head_weight: Tensor,
    targets: Tensor,
    spans: Tensor,
    *,
    lambda_reason: float,
    lambda_act: float,
    n_reason: int | Tensor,
    n_act: int | Tensor,
    normalization: Normalization = "span",
    chunk_rows: int = 1024,
    teacher: Teacher | None = None,
) -> SadOutput:
    """`lambda_reason / n_reason * D[spans == REASON].sum() + lambda_act / n_act * D[spans == ACT].sum()`.

    rows (n, d), head_weight (V, d), targets (n,), spans (n,): what `select_rows` gives. `n_reason` and
    `n_act` count the trained tokens of the whole optimizer step (every micro-batch, every rank), so that
    the losses of the micro-batches add up to the loss of the step. `normalization="token"` divides both
    sums by `n_reason + n_act`: with equal lambdas that is plain token-level cross entropy.

    D, the sums and the loss are fp32 (fp64 for fp64 rows), whatever the inputs are. Inputs are not cast
    under autocast: precision follows `rows`. Raises ValueError on shapes that do not fit.
    """
    _check(rows, head_weight, targets, spans, teacher, chunk_rows)
    wide = torch.promote_types(rows.dtype, torch.float32)
    weight_reason, weight_act = span_weights(
        lambda_reason, lambda_act, n_reason, n_act, normalization, rows.device, wide
    )
    reason, act = spans == REASON, spans == ACT
    weights = weight_reason * reason + weight_act * act
    # Grad mode is off inside forward(), and needs_input_grad ignores it: ask here.
    train = torch.is_grad_enabled()
    loss, sum_reason, sum_act = SadLoss.apply(  # type: ignore[no-untyped-call]
        rows, head_weight, targets, weights, reason, act, teacher, chunk_rows, train
    )
    return SadOutput(loss, sum_reason, sum_act, reason.sum(), act.sum())


class SadLoss(torch.autograd.Function):
    """`sum_t weights_t D_t` with its gradient taken in forward; use it through `sad_loss`."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        head: Tensor,
        targets: Tensor,
        weights: Tensor,
        reason: Tensor,
        act: Tensor,
        teacher: Teacher | None,
        chunk_rows: int,
        train: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(loss, sum of D over REASON, sum of D over ACT)."""
        rows_grad = torch.empty_like(rows) if train and ctx.needs_input_grad[0] else None
        wide = weights.dtype
        head_grad = torch.zeros_like(head, dtype=wide) if train and ctx.needs_input_grad[1] else None
        divergence = torch.empty_like(weights)
        with torch.autocast(rows.device.type, enabled=False):
            narrow, narrow_head = _matmul_operands(rows, head, wide)
            for start in range(0, len(rows), chunk_rows):
                part = slice(start, start + chunk_rows)
                divergence[part] = _chunk(
                    narrow[part], narrow_head, targets[part], weights[part],
                    None if teacher is None else teacher.chunk(start, start + chunk_rows),
                    None if rows_grad is None else rows_grad[part], head_grad,
                )  # fmt: skip
        ctx.save_for_backward(rows_grad, None if head_grad is None else head_grad.to(head.dtype))
        loss = (weights * divergence).sum()
        sums = (divergence * reason).sum(), (divergence * act).sum()
        ctx.mark_non_differentiable(*sums)
        return loss, *sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """The stored gradients, times the gradient of the loss."""
        scaled = [None if stored is None else stored * grad.to(stored.dtype) for stored in ctx.saved_tensors]
        return *scaled, None, None, None, None, None, None, None


def span_weights(
    lambda_reason: float,
    lambda_act: float,
    n_reason: int | Tensor,
    n_act: int | Tensor,
    normalization: Normalization,
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """What one D_t of each span weighs: lambda / N, N = 1 for a span without tokens (its sum is 0)."""
    if normalization not in ("span", "token"):
        raise ValueError(f"normalization {normalization!r} is neither span nor token")
    reason = torch.as_tensor(n_reason, device=device).to(dtype)
    act = torch.as_tensor(n_act, device=device).to(dtype)
    if normalization == "token":
        reason = act = reason + act
    return lambda_reason / reason.clamp(min=1), lambda_act / act.clamp(min=1)


def _chunk(
    rows: Tensor,
    head: Tensor,
    targets: Tensor,
    weights: Tensor,
    teacher: Teacher | None,
    rows_grad: Tensor | None,
    head_grad: Tensor | None,
) -> Tensor:
    """D of one chunk; writes its rows of `rows_grad` and adds to `head_grad`. The logits die here."""
    grad = rows_grad is not None or head_grad is not None
    z = _product(rows, head.T, weights.dtype)
    if grad and teacher is None and kernel_applies(z):
        divergence, slope = cross_entropy_kernel_(z, targets, weights, head.dtype)
    else:
        divergence = divergence_(z, targets, teacher, grad=grad)
        slope = z.mul_(weights[:, None]).to(head.dtype) if grad else z
    if rows_grad is not None:
        rows_grad.copy_(slope @ head)
    if head_grad is not None:
        head_grad += _product(slope.T, rows, head_grad.dtype)
    return divergence


def _matmul_operands(rows: Tensor, head: Tensor, wide: torch.dtype) -> tuple[Tensor, Tensor]:
    """Both in the dtype of `rows` on CUDA, whose matmul sums bf16 in fp32 and can return fp32; else wide."""
    dtype = rows.dtype if rows.is_cuda else wide
    return rows.to(dtype), head.to(dtype)


def _product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    return a @ b if a.dtype == dtype else torch.mm(a, b, out_dtype=dtype)


def _check(
    rows: Tensor, head: Tensor, targets: Tensor, spans: Tensor, teacher: Teacher | None, chunk_rows: int
) -> None:
    if rows.dim() != 2 or head.dim() != 2 or rows.shape[1] != head.shape[1]:
        raise ValueError(f"rows {tuple(rows.shape)} and head_weight {tuple(head.shape)} must be (n, d) and (V, d)")
    if targets.shape != rows.shape[:1] or spans.shape != rows.shape[:1]:
        raise ValueError(f"targets {tuple(targets.shape)} and spans {tuple(spans.shape)} must be ({len(rows)},)")
    if teacher is not None and len(teacher) != len(rows):
        raise ValueError(f"the teacher has {len(teacher)} rows, the student {len(rows)}")
    if chunk_rows < 1:
        raise ValueError(f"chunk_rows must be 1 or more, not {chunk_rows}")
