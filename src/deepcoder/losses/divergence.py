"""D_t and dD_t/dz from one chunk of logits z (n, V), in place.

Each function returns D (n,) and, where `grad`, leaves the gradient in the memory of `z`; otherwise `z`
is left in an undefined state. p = softmax(z). The formulas are those of `dense.py`, differentiated by
hand:

    cross entropy   dD/dz_j = p_j - [j = y]
    top-k + tail    dD/dz_j = p_j - q_j                            for j in the top k
                              p_j (1 - q_tail / p_tail)            for j in the tail
    KL(q || p)      dD/dz_j = p_j - q_j
    KL(p || q)      dD/dz_j = p_j (log p_j - log q_j - D)
    JSD_beta(q, p)  dD/dz_j = (1 - beta) p_j (log(p_j / m_j) - KL(p || m))
"""

from __future__ import annotations

import torch
from torch import Tensor

from deepcoder.losses.teacher import FullTeacher, Teacher, TopKTeacher


def divergence_(z: Tensor, targets: Tensor, teacher: Teacher | None, *, grad: bool) -> Tensor:
    """D (n,) of the rows of one chunk; z becomes dD/dz where `grad`."""
    if teacher is None:
        return cross_entropy_(z, targets, grad=grad)
    if isinstance(teacher, TopKTeacher):
        return topk_tail_kl_(z, teacher, grad=grad)
    if teacher.divergence == "forward":
        return forward_kl_(z, teacher, grad=grad)
    if teacher.divergence == "reverse":
        return reverse_kl_(z, teacher, grad=grad)
    return jsd_(z, teacher, grad=grad)


def cross_entropy_(z: Tensor, targets: Tensor, *, grad: bool) -> Tensor:
    """-log p_y. The only one that needs no second buffer of the size of z."""
    target = targets[:, None]
    z.sub_(z.amax(1, keepdim=True))
    z_target = z.gather(1, target)
    total = z.exp_().sum(1, keepdim=True)
    if grad:
        z.div_(total)
        z.scatter_add_(1, target, torch.full_like(z_target, -1.0))
    return (total.log() - z_target).squeeze(1)


def topk_tail_kl_(z: Tensor, teacher: TopKTeacher, *, grad: bool) -> Tensor:
    """KL over k + 1 outcomes: the teacher's top k tokens and "any other token"."""
    known = teacher.ids >= 0
    ids = teacher.ids.clamp(min=0)
    q = torch.where(known, teacher.log_probs.detach().to(z.dtype).exp(), 0.0)
    z_top = z.gather(1, ids).masked_fill_(~known, -torch.inf)
    # The tail is summed on its own, from its own maximum: 1 - sum(p_top) would cancel where it is small.
    z.scatter_reduce_(1, ids, torch.where(known, -torch.inf, torch.inf).to(z.dtype), "amin")
    highest = z.amax(1, keepdim=True).clamp(min=torch.finfo(z.dtype).min)
    tail = z.sub_(highest).exp_().sum(1, keepdim=True)
    log_tail = highest + tail.log()
    log_total = torch.logaddexp(z_top.logsumexp(1, keepdim=True), log_tail)
    tail_q = torch.where(tail > 0, (1 - q.sum(1, keepdim=True)).clamp(min=0), 0.0)  # no tail if k = V
    p_top = (z_top - log_total).exp()
    top = torch.where(q > 0, q * (q.log() - z_top + log_total), 0.0).sum(1)
    rest = torch.where(tail_q > 0, tail_q * (tail_q.log() - log_tail + log_total), 0.0).squeeze(1)
    if grad:
        # p_j (1 - q_tail / p_tail), with z_j = e^(z_j - highest) by now
        z.mul_((highest - log_total).exp() - torch.where(tail_q > 0, tail_q / tail, 0.0))
        z.scatter_add_(1, ids, p_top - q)
    return top + rest


def forward_kl_(z: Tensor, teacher: FullTeacher, *, grad: bool) -> Tensor:
    """KL(q || p) = sum_j q_j (log q_j - log p_j)."""
    log_q = teacher.log_q(z.dtype)
    log_p = torch.log_softmax(z, 1)
    q = log_q.exp()
    value = (q * (log_q.sub_(log_p))).sum(1)
    if grad:
        torch.sub(log_p.exp_(), q, out=z)
    return value


def reverse_kl_(z: Tensor, teacher: FullTeacher, *, grad: bool) -> Tensor:
    """KL(p || q) = sum_j p_j (log p_j - log q_j)."""
    log_p = torch.log_softmax(z, 1)
    ratio = torch.sub(log_p, teacher.log_q(z.dtype), out=z)
    p = log_p.exp_()
    value = (p * ratio).sum(1)
    if grad:
        ratio.sub_(value[:, None]).mul_(p)
    return value


def jsd_(z: Tensor, teacher: FullTeacher, *, grad: bool) -> Tensor:
    """beta KL(q || m) + (1 - beta) KL(p || m), m = beta q + (1 - beta) p."""
    beta = teacher.beta
    log_q, log_p = teacher.log_q(z.dtype), torch.log_softmax(z, 1)
    q, p = log_q.exp(), log_p.exp()
    log_m = torch.add(beta * q, p, alpha=1 - beta).log_()
    value_q = (q * log_q.sub_(log_m)).sum(1)
    ratio = torch.sub(log_p, log_m, out=z)
    value_p = (p * ratio).sum(1)
    if grad:
        ratio.sub_(value_p[:, None]).mul_(p).mul_(1 - beta)
    return value_q.mul_(beta).add_(value_p, alpha=1 - beta)
