"""The weights of a checkpoint into a student that is on one device, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from deepcoder.errors import TrainingError


def read_weights(model: nn.Module, checkpoint: Path) -> None:
    """A checkpoint's weights, or with LoRA its adapters, into `model`; raises TrainingError where they do not fit.

    Whole weights go through `from_pretrained`, which knows under which names they were stored.
    """
    if isinstance(model, PreTrainedModel):
        stored = type(model).from_pretrained(str(checkpoint), dtype=model.dtype, local_files_only=True)
        model.load_state_dict(stored.state_dict(), strict=True)
        return
    from peft import load_peft_weights, set_peft_model_state_dict

    result: Any = set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device="cpu"))
    wrong = [*result.unexpected_keys, *(name for name in result.missing_keys if "lora_" in name)]
    if wrong:
        raise TrainingError(
            f"{checkpoint}: {len(wrong)} adapter weights do not fit the student ({wrong[0]}, ...)",
            hint="the checkpoint was made with other train.lora settings: choose another run.dir",
        )
