"""The folders that others open: `base` (the untouched student) and `final` (the trained one)."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from deepcoder.errors import TrainingError
from deepcoder.models.chatml import END_OF_TURN, REFERENCE
from deepcoder.train import checkpoints

ADAPTER = "adapter"
# A base beyond this many parameters is referenced, not copied.
COPY_LIMIT = 1_000_000_000


def save_base(
    folder: Path, model: PreTrainedModel | None, tokenizer: PreTrainedTokenizerBase, name: str, origin: str
) -> None:
    """RUN/checkpoints/base, once: weights for small students, else `reference.json` with the model's name.

    Without `model` it is the reference.
    Either way with the tokenizer and template that the trained student has, so that both are asked alike.
    """
    if folder.is_dir() and checkpoints.damage(folder) is None:
        return
    with checkpoints.staged(folder) as staging:
        if model is not None and (name == "nano" or model.num_parameters() <= COPY_LIMIT):
            _save_model(staging, model, tokenizer)
        else:
            (staging / REFERENCE).write_text(json.dumps({"model": name}))
        tokenizer.save_pretrained(staging)
        (staging / "origin.json").write_text(json.dumps({"origin": origin}))


def save_final(folder: Path, model: nn.Module, tokenizer: PreTrainedTokenizerBase, reference: str | None) -> None:
    """RUN/checkpoints/final, atomically: whole weights, adapters merged into them and kept beside in `adapter`.

    On quantized weights adapters are not merged, which would round them: `reference.json` then names the
    base (`reference`) and the adapter, and whoever opens the folder puts both together in 16 bit.
    """
    with checkpoints.staged(folder) as staging:
        tokenizer.save_pretrained(staging)
        _generation(tokenizer).save_pretrained(staging)
        if isinstance(model, PreTrainedModel):
            _save_model(staging, model, tokenizer)
            return
        model.save_pretrained(staging / ADAPTER)  # type: ignore[operator]
        if _quantized(model):
            (staging / REFERENCE).write_text(json.dumps({"model": reference, "adapter": ADAPTER}))
            return
        _save_model(staging, model.merge_and_unload(), tokenizer)  # type: ignore[operator]


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id of <|im_end|>; raises TrainingError where that is not one token."""
    token = tokenizer.convert_tokens_to_ids(END_OF_TURN)
    if not isinstance(token, int) or token == tokenizer.unk_token_id:
        raise TrainingError(
            f"the student's tokenizer has no token {END_OF_TURN}",
            hint="the student must be of a family that knows ChatML (Qwen, nano, ...)",
        )
    return token


def _quantized(model: nn.Module) -> bool:
    return getattr(getattr(model, "config", None), "quantization_config", None) is not None


def _save_model(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    model.generation_config = _generation(tokenizer)
    model.save_pretrained(folder)


def _generation(tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    return GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=end_of_turn(tokenizer), pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
