"""The checkpoint folder: bf16 safetensors in shards, config, tokenizer, training.json, model card, hashes."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import Qwen3MoeForCausalLM

from deepcoder.pretrain.card import model_card

if TYPE_CHECKING:
    from deepcoder.pretrain.train import Run

SHARD = "14MB"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
SUMS = "SHA256SUMS"


def save_checkpoint(model: Qwen3MoeForCausalLM, corpus: Path, out: Path, run: Run) -> None:
    """Write everything that a base is. The model itself is left as it is."""
    out.mkdir(parents=True, exist_ok=True)
    half: Any = copy.deepcopy(model)
    half.to("cpu", torch.bfloat16)
    half.config.dtype = torch.bfloat16
    half.save_pretrained(out, max_shard_size=SHARD)
    for path in out.glob("*.safetensors"):
        path.chmod(0o644)  # safetensors writes them for the owner alone
    for name in TOKENIZER_FILES:
        shutil.copyfile(corpus / name, out / name)
    (out / "training.json").write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")
    (out / "MODEL_CARD.md").write_text(model_card(run), encoding="utf-8")
    write_sums(out)


def write_sums(folder: Path) -> None:
    """SHA256SUMS of every other file, as `sha256sum *` prints it."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
