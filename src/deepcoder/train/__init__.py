"""train: examples and a student -> checkpoints, by the SAD loss.

RUN/checkpoints/base/           the untouched student with our chat template (or a reference to it)
RUN/checkpoints/checkpoint-N/   everything to go on from step N, written atomically
RUN/checkpoints/final/          the trained student: weights, tokenizer, template, generation config
RUN/checkpoints/log.jsonl       one line a logging step; plots/ and tensorboard/ show the same
"""

from deepcoder.train.stage import outputs, run

__all__ = ["outputs", "run"]
