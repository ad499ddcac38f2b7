"""The SAD loss as it is read, with every logit in memory and autograd's own gradient: the reference."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from deepcoder.losses.sad import SadOutput, span_weights
from deepcoder.losses.shift import ACT, REASON
from deepcoder.losses.teacher import FullTeacher, Teacher, TopKTeacher


def sad_loss_dense(
    rows: Tensor,
    head_weight: Tensor,
    targets: Tensor,
    spans: Tensor,
    *,
    lambda_reason: float,
    lambda_act: float,
    n_reason: int | Tensor,
    n_act: int | Tensor,
    normalization: Literal["span", "token"] = "span",
    teacher: Teacher | None = None,
) -> SadOutput:
    """`sad_loss` in naive code; needs rows * V logits, several times over."""
    wide = torch.promote_types(rows.dtype, torch.float32)
    log_p = torch.log_softmax(rows.to(wide) @ head_weight.to(wide).T, -1)
    divergence = divergence_dense(log_p, targets, teacher)
    reason, act = spans == REASON, spans == ACT
    weight_reason, weight_act = span_weights(
        lambda_reason, lambda_act, n_reason, n_act, normalization, rows.device, wide
    )
    sum_reason, sum_act = divergence[reason].sum(), divergence[act].sum()
    loss = weight_reason * sum_reason + weight_act * sum_act
    return SadOutput(loss, sum_reason.detach(), sum_act.detach(), reason.sum(), act.sum())


def divergence_dense(log_p: Tensor, targets: Tensor, teacher: Teacher | None) -> Tensor:
    """D_t of every row: log_p (n, V) log-probabilities of the student -> (n,)."""
    if teacher is None:
        return -log_p.gather(1, targets[:, None]).squeeze(1)
    if isinstance(teacher, TopKTeacher):
        return _topk(log_p, teacher)
    return _full(log_p, teacher)


def _topk(log_p: Tensor, teacher: TopKTeacher) -> Tensor:
    known = teacher.ids >= 0
    log_q = teacher.log_probs.to(log_p.dtype).masked_fill(~known, -torch.inf)
    q = log_q.exp()
    in_top = torch.zeros_like(log_p).scatter_add(1, teacher.ids.clamp(min=0), known.to(log_p.dtype)) > 0
    tail_q = torch.where(in_top.all(1), 0.0, (1 - q.sum(1)).clamp(min=0))
    tail_log_p = log_p.masked_fill(in_top, -torch.inf).logsumexp(1)
    top = torch.where(q > 0, q * (log_q - log_p.gather(1, teacher.ids.clamp(min=0))), 0.0).sum(1)
    tail = torch.where(tail_q > 0, tail_q * (tail_q.log() - tail_log_p), 0.0)
    return top + tail


def _full(log_p: Tensor, teacher: FullTeacher) -> Tensor:
    log_q = teacher.log_q(log_p.dtype)
    p, q = log_p.exp(), log_q.exp()
    if teacher.divergence == "forward":
        return (q * (log_q - log_p)).sum(1)
    if teacher.divergence == "reverse":
        return (p * (log_p - log_q)).sum(1)
    log_m = (teacher.beta * q + (1 - teacher.beta) * p).log()
    return teacher.beta * (q * (log_q - log_m)).sum(1) + (1 - teacher.beta) * (p * (log_p - log_m)).sum(1)
