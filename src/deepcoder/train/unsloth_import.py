"""Unsloth, imported the way it wants: with its switches set, and before transformers where that can be.

Unsloth replaces parts of transformers, peft and trl as it is imported, and warns where those are there already.
So this module imports nothing of them, and the train stage calls it before it imports itself.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from deepcoder.errors import TrainingError

# Read by Unsloth's forward at every call: hidden states come back in place of logits.
HIDDEN_STATES = "UNSLOTH_RETURN_HIDDEN_STATES"


def import_unsloth() -> Any:
    """unsloth.FastLanguageModel; raises TrainingError without a CUDA GPU or the package."""
    import torch

    hint = "on a machine with a CUDA GPU: make install-gpu; without one: train.backend=transformers"
    if not torch.cuda.is_available():
        raise TrainingError("train.backend=unsloth needs a CUDA GPU, and there is none", hint=hint)
    if importlib.util.find_spec("unsloth") is None:
        raise TrainingError("train.backend=unsloth needs the package unsloth, which is not installed", hint=hint)
    os.environ[HIDDEN_STATES] = "1"
    os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(_cache()))
    from unsloth import FastLanguageModel

    return FastLanguageModel


def _cache() -> Path:
    """Where Unsloth keeps the code that it generates; left to itself it writes into the working directory."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "deepcoder" / "unsloth"
