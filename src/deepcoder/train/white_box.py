"""A teacher in this process whose whole distribution is learned (`train.teacher_scores=local`).

It reads the same tokens as the student, without gradient, and gives its final hidden states; its logits are made chunk
by chunk within the loss, as the student's are, so that no (n, V) tensor of it exists either.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from deepcoder.config import Config, LocalTeacherConfig
from deepcoder.errors import TrainingError
from deepcoder.losses import FullTeacher
from deepcoder.train.hidden import hidden_states
from deepcoder.train.packing import check_separation


@dataclass(frozen=True)
class LocalTeacher:
    """`head` (V, d): the teacher's, cut to the student's vocabulary."""

    model: nn.Module
    output: nn.Module
    head: Tensor
    config: LocalTeacherConfig

    @torch.no_grad()
    def of(self, inputs: dict[str, Tensor], rows: Tensor) -> FullTeacher:
        """Its distribution at `rows` (n,) of a micro-batch, the first of `trained_positions`."""
        packed = {name: inputs[name] for name in ("position_ids",) if name in inputs}
        hidden, _ = hidden_states(self.model, self.output, inputs["input_ids"], **packed)
        chosen = hidden.flatten(0, 1).index_select(0, rows).to(self.head.dtype)
        return FullTeacher(self.config.divergence, self.config.beta, hidden=chosen, head=self.head)


def load_teacher(
    config: Config, tokenizer: PreTrainedTokenizerBase, vocabulary: int, device: torch.device
) -> LocalTeacher:
    """The teacher of `config.train.teacher`; `vocabulary`: rows of the student's head.

    Raises TrainingError where none is named, where its vocabulary is not the student's and where it does not keep
    packed examples apart; ModelUnavailable where it cannot be loaded.
    """
    teacher = config.train.teacher
    name = teacher_name(teacher)
    from deepcoder.models.local import load_model

    model, own = load_model(name)
    output: nn.Linear = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    # Tokens that templates add may differ; an id that both name must stand for the same text.
    theirs, ours = own.get_vocab(), tokenizer.get_vocab()
    wrong = [token for token, number in ours.items() if theirs.get(token, number) != number]
    if wrong or len(theirs.keys() & ours.keys()) < 0.99 * len(ours) or output.weight.shape[0] < vocabulary:
        raise TrainingError(
            f"train.teacher.model={name} has another vocabulary than the student"
            + (f": {wrong[0]!r} is {theirs[wrong[0]]} there and {ours[wrong[0]]} here" if wrong else ""),
            hint="a model of the student's family; for any other one let it write the text, and learn that",
        )
    module: nn.Module = model
    module.to(device).eval().requires_grad_(False)
    if config.train.packing:
        check_separation(module, output, vocabulary, key="train.teacher.model")
    return LocalTeacher(module, output, output.weight[:vocabulary], teacher)


def teacher_name(teacher: LocalTeacherConfig) -> str:
    """Its model; raises TrainingError where none is named."""
    if teacher.model is None:
        raise TrainingError(
            "train.teacher_scores=local needs a teacher", hint="train.teacher.model=DIRECTORY_OR_HUB_NAME"
        )
    return teacher.model
