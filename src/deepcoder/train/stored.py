"""The stored scores of the examples, for the KL form of the loss (`train.teacher_scores=stored`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepcoder.errors import StageError
from deepcoder.losses import ACT, REASON, TopKTeacher
from deepcoder.scores import Scores, example_hash, read_scores, trained_tokens
from deepcoder.train.examples import ExampleSet

IDS, LOG_PROBS = "teacher_ids", "teacher_log_probs"


class StoredScores:
    """The scores of every example of a set, in its order."""

    def __init__(self, examples: ExampleSet, scores: Sequence[Scores]) -> None:
        self._examples = examples
        self._scores = scores

    def tensors(self, used: Sequence[tuple[int, NDArray[np.int8]]]) -> dict[str, Tensor]:
        """The scores of a micro-batch's n trained tokens, (n, k) each, in the order of `select_rows`.

        used: its examples in order, each with its spans (T,) as the batch has them, where masked tokens are PROMPT.
        """
        scores = [self._of(index, spans) for index, spans in used]
        ids = np.concatenate([each.ids for each in scores]).astype(np.int64)
        log_probs = np.concatenate([each.log_probs for each in scores]).astype(np.float32)
        return {IDS: torch.from_numpy(ids), LOG_PROBS: torch.from_numpy(log_probs)}

    def _of(self, index: int, spans: NDArray[np.int8]) -> Scores:
        positions = trained_tokens(self._examples.spans[self._examples.part(index)])
        kept = np.isin(spans[positions], (REASON, ACT))
        scores = self._scores[index]
        return Scores(scores.example, scores.ids[kept], scores.log_probs[kept])


def read_stored(folder: Path, examples: ExampleSet, *, vocabulary: int) -> StoredScores:
    """The scores in `folder` of each example; one without a trained token needs none.

    Raises StageError where an example has none, where files are of different k, or where a token id is not in the
    student's vocabulary of so many.
    """
    found = {scores.example: scores for scores in read_scores(folder)}
    if len({each.ids.shape[1] for each in found.values()}) > 1:
        raise StageError(f"{folder}: the files have different k", hint="run `deepcoder score` with --overwrite")
    highest = max((int(each.ids.max()) for each in found.values() if each.ids.size), default=0)
    if highest >= vocabulary:
        raise StageError(
            f"{folder}: token id {highest} does not exist in the student's vocabulary of {vocabulary}",
            hint="score with a model of the student's vocabulary",
        )
    k = next((each.ids.shape[1] for each in found.values()), 0)
    scores, missing = [], []
    for index, problem_id in enumerate(examples.problem_ids):
        part = examples.part(index)
        name = example_hash(examples.tokens[part], examples.spans[part])
        if name in found:
            scores.append(found[name])
        elif len(trained_tokens(examples.spans[part])):
            missing.append(problem_id)
        else:
            scores.append(Scores(name, np.empty((0, k), np.int32), np.empty((0, k), np.float16)))
    if missing:
        raise StageError(
            f"{len(missing)} of {len(examples)} examples have no scores in {folder} (the first: {missing[0]})",
            hint="run `deepcoder score` with this config first, or set train.teacher_scores=none",
        )
    return StoredScores(examples, scores)


def teacher_of(inputs: dict[str, Tensor]) -> TopKTeacher | None:
    """The stored teacher of a micro-batch; None where it has none."""
    return TopKTeacher(inputs[IDS], inputs[LOG_PROBS]) if IDS in inputs else None
