"""What the student learns from, beside the text itself.

    None            the text only:            D_t = -log p(token)
    TopKTeacher     stored scores:            D_t = KL(q || p) over k tokens and one bucket for the rest
    FullTeacher     the teacher's logits:     D_t = KL(q || p), KL(p || q) or JSD_beta(q, p)

q is the teacher's distribution, p the student's, both over the student's vocabulary. Rows are aligned
with the rows of `select_rows`. Nothing here gets a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Divergence: TypeAlias = Literal["forward", "reverse", "jsd"]


@dataclass(frozen=True)
class TopKTeacher:
    """The teacher's k likeliest tokens at each row: `ids` (n, k) and natural `log_probs` (n, k).

    What is left of the probability is one tail bucket. Rows with fewer than k are padded with ids of -1;
    an id stands at most once in a row.
    """

    ids: Tensor
    log_probs: Tensor

    def __post_init__(self) -> None:
        if self.ids.shape != self.log_probs.shape or self.ids.dim() != 2:
            raise ValueError(f"ids {tuple(self.ids.shape)} and log_probs {tuple(self.log_probs.shape)} must be (n, k)")

    def __len__(self) -> int:
        return self.ids.shape[0]

    def chunk(self, start: int, stop: int) -> TopKTeacher:
        """Rows start to stop."""
        return TopKTeacher(self.ids[start:stop], self.log_probs[start:stop])


@dataclass(frozen=True)
class FullTeacher:
    """The teacher's whole distribution: `logits` (n, V), or `hidden` (n, d_T) with `head` (V, d_T).

    With hidden and head the teacher's logits are made chunk by chunk, as the student's are. `divergence`:
    forward KL(q || p), reverse KL(p || q), or jsd: beta KL(q || m) + (1 - beta) KL(p || m) with
    m = beta q + (1 - beta) p, 0 < beta < 1 (Agarwal et al., arXiv 2306.13649).
    """

    divergence: Divergence = "forward"
    beta: float = 0.5
    logits: Tensor | None = None
    hidden: Tensor | None = None
    head: Tensor | None = None

    def __post_init__(self) -> None:
        if self.divergence not in ("forward", "reverse", "jsd"):
            raise ValueError(f"divergence {self.divergence!r} is none of forward, reverse, jsd")
        if self.divergence == "jsd" and not 0 < self.beta < 1:
            raise ValueError(f"beta must lie strictly between 0 and 1, not {self.beta}")
        if (self.logits is None) == (self.hidden is None) or (self.hidden is None) != (self.head is None):
            raise ValueError("give the teacher's logits, or its hidden states and its head")

    def __len__(self) -> int:
        rows = self.logits if self.logits is not None else self.hidden
        assert rows is not None
        return rows.shape[0]

    def chunk(self, start: int, stop: int) -> FullTeacher:
        """Rows start to stop."""
        logits = None if self.logits is None else self.logits[start:stop]
        hidden = None if self.hidden is None else self.hidden[start:stop]
        return FullTeacher(self.divergence, self.beta, logits, hidden, self.head)

    def log_q(self, dtype: torch.dtype) -> Tensor:
        """Log-probabilities (n, V) in `dtype`, detached."""
        if self.logits is not None:
            return torch.log_softmax(self.logits.detach().to(dtype), -1)
        assert self.hidden is not None
        assert self.head is not None
        return torch.log_softmax((self.hidden.detach() @ self.head.detach().T).to(dtype), -1)


Teacher: TypeAlias = TopKTeacher | FullTeacher
