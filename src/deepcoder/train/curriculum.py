"""What an example costs: easy examples are those with little to learn.

    cost = alpha * |REASON| + beta * |ACT| + gamma * H(teacher)

|REASON| and |ACT| count the example's trained tokens; H(teacher) is the sum, over these tokens, of the entropy of
the teacher's stored distribution in nats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepcoder.config import CurriculumConfig
from deepcoder.errors import TrainingError
from deepcoder.records import Span
from deepcoder.train.batches import Easy
from deepcoder.train.examples import ExampleSet


def easy_first(
    curriculum: CurriculumConfig, examples: ExampleSet, entropies: NDArray[np.float64] | None = None
) -> Easy | None:
    """The order that `curriculum` asks for; None where it is off.

    `entropies` (n,): H(teacher) of each example; None where no scores are stored: then gamma must be 0, or
    TrainingError is raised.
    """
    if not curriculum.enabled:
        return None
    costs = curriculum.alpha * examples.span_lengths(Span.REASON) + curriculum.beta * examples.span_lengths(Span.ACT)
    if curriculum.gamma:
        if entropies is None:
            raise TrainingError(
                f"train.curriculum.gamma={curriculum.gamma} needs the teacher's stored scores, and there are none",
                hint="train.teacher_scores=stored (after `deepcoder score`), or train.curriculum.gamma=0",
            )
        costs = costs + curriculum.gamma * entropies
    return Easy(costs.astype(np.float64), curriculum.epochs)


def entropy(log_probs: NDArray[np.floating]) -> float:
    """H in nats, summed over the rows of `log_probs` (n, k): k likeliest tokens and one bucket for all others.

    The bucket's own entropy is unknown and not counted: a lower bound of the teacher's entropy.
    """
    logs = log_probs.astype(np.float64)
    probs = np.exp(logs)
    tail = np.clip(1 - probs.sum(-1), 1e-12, 1)
    terms = np.where(probs > 0, probs * logs, 0.0).sum(-1) + tail * np.log(tail)
    return float(-terms.sum())
