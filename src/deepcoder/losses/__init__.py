"""The SAD loss: separate terms for reasoning and for action tokens (arXiv 2505.13820).

    L = lambda_reason * (1/N_R) * sum_{t in REASON} D_t  +  lambda_act * (1/N_A) * sum_{t in ACT} D_t

    rows, targets, spans = select_rows(hidden, input_ids, span_ids)      # the only next-token shift
    out = sad_loss(rows, head, targets, spans, lambda_reason=1.0, lambda_act=1.0, n_reason=NR, n_act=NA)
    out.loss.backward()

`sad_loss` never holds the logits of more than `chunk_rows` rows; `sad_loss_dense` is the same in a few
readable lines. This package imports torch alone and can be used without the rest of DeepCoder.
"""

from deepcoder.losses.dense import sad_loss_dense
from deepcoder.losses.sad import SadLoss, SadOutput, sad_loss
from deepcoder.losses.schedule import lambda_at
from deepcoder.losses.shift import ACT, REASON, select_rows, select_scores, trained_positions
from deepcoder.losses.teacher import FullTeacher, Teacher, TopKTeacher

__all__ = [
    "ACT",
    "REASON",
    "FullTeacher",
    "SadLoss",
    "SadOutput",
    "Teacher",
    "TopKTeacher",
    "lambda_at",
    "sad_loss",
    "sad_loss_dense",
    "select_rows",
    "select_scores",
    "trained_positions",
]
