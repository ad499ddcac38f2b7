"""The folders that others open: `base` (the untouched student) and `final` (the trained one)."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from deepcoder.errors import TrainingError
from deepcoder.models.chatml import END_OF_TURN
from deepcoder.models.local import REFERENCE
from deepcoder.train import checkpoints

# A base beyond this many parameters is referenced, not copied.
COPY_LIMIT = 1_000_000_000


def save_base(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str, origin: str) -> None:
    """RUN/checkpoints/base, once: weights for small students, else `reference.json` with the model's name.

    Either way with the tokenizer and template that the trained student has, so that both are asked alike.
    """
    if folder.is_dir() and checkpoints.damage(folder) is None:
        return
    with checkpoints.staged(folder) as staging:
        if name == "nano" or model.num_parameters() <= COPY_LIMIT:
            _save_model(staging, model, tokenizer)
        else:
            (staging / REFERENCE).write_text(json.dumps({"model": name}))
        tokenizer.save_pretrained(staging)
        (staging / "origin.json").write_text(json.dumps({"origin": origin}))


def save_final(folder: Path, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
    """RUN/checkpoints/final: whole weights (adapters merged, and kept beside in `adapter`), atomically."""
    with checkpoints.staged(folder) as staging:
        whole = model
        if not isinstance(model, PreTrainedModel):
            model.save_pretrained(staging / "adapter")  # type: ignore[operator]
            whole = model.merge_and_unload()  # type: ignore[operator]
        assert isinstance(whole, PreTrainedModel)
        _save_model(staging, whole, tokenizer)
        tokenizer.save_pretrained(staging)


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id of <|im_end|>; raises TrainingError where that is not one token."""
    token = tokenizer.convert_tokens_to_ids(END_OF_TURN)
    if not isinstance(token, int) or token == tokenizer.unk_token_id:
        raise TrainingError(
            f"the student's tokenizer has no token {END_OF_TURN}",
            hint="the student must be of a family that knows ChatML (Qwen, nano, ...)",
        )
    return token


def _save_model(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=end_of_turn(tokenizer), pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    model.save_pretrained(folder)
