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
from deepcoder.train.examples import Collator, ExampleSet
from deepcoder.train.stored import LOG_PROBS, StoredScores


def easy_first(curriculum: CurriculumConfig, collator: Collator) -> Easy | None:
    """The order that `curriculum` asks for; None where it is off.

    Raises TrainingError where gamma is not 0 and the collator has no stored scores to take H(teacher) from.
    """
    if not curriculum.enabled:
        return None
    examples = collator.examples
    costs = curriculum.alpha * examples.span_lengths(Span.REASON) + curriculum.beta * examples.span_lengths(Span.ACT)
    if curriculum.gamma:
        if collator.scores is None:
            raise TrainingError(
                f"train.curriculum.gamma={curriculum.gamma} needs the teacher's stored scores, and there are none",
                hint="train.teacher_scores=stored (after `deepcoder score`), or train.curriculum.gamma=0",
            )
        costs = costs + curriculum.gamma * teacher_entropies(examples, collator.scores)
    return Easy(costs.astype(np.float64), curriculum.epochs)


def teacher_entropies(examples: ExampleSet, scores: StoredScores) -> NDArray[np.float64]:
    """H(teacher) of each example in nats, (n,): over its trained tokens, masked ones left out."""
    rows = (scores.tensors([(index, examples.trained_spans(index))])[LOG_PROBS] for index in range(len(examples)))
    return np.asarray([entropy(log_probs.numpy()) for log_probs in rows])


def entropy(log_probs: NDArray[np.floating]) -> float:
    """H in nats, summed over the rows of `log_probs` (n, k): k likeliest tokens and one bucket for all others.

    The bucket's own entropy is unknown and not counted: a lower bound of the teacher's entropy.
    """
    logs = np.maximum(log_probs.astype(np.float64), -1e4)  # a token without probability: 0 * log 0 = 0
    probs = np.exp(logs)
    tail = np.clip(1 - probs.sum(-1), 1e-12, 1)
    return float(-((probs * logs).sum(-1) + tail * np.log(tail)).sum())
