"""nano's tokenizer and weights, from the package's own files.

    nano/checkpoint/   config.json, model-*.safetensors, tokenizer.json, tokenizer_config.json,
                       MODEL_CARD.md, SHA256SUMS (the output of `sha256sum *`)

A base checkpoint that is there is checked against SHA256SUMS before it is loaded. Where none is
there, nano starts from a seeded random initialisation and `Nano.origin` says so: nothing in a run
may look like a pre-trained base that was not one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen3MoeForCausalLM

from deepcoder.errors import TrainingError
from deepcoder.models.nano.architecture import nano_config

_PACKAGE = Path(str(resources.files("deepcoder.models.nano")))
CHECKPOINT = _PACKAGE / "checkpoint"
_TOKENIZER_FOLDERS = (CHECKPOINT, _PACKAGE / "tokenizer", _PACKAGE)


@dataclass(frozen=True)
class Nano:
    """`origin`: `pre-trained base <hash>` or `random initialisation, seed <n>`."""

    model: Qwen3MoeForCausalLM
    tokenizer: PreTrainedTokenizerBase
    origin: str


def load_nano(
    *, seed: int = 0, checkpoint: Path | None = None, tokenizer: Path | None = None, dtype: torch.dtype = torch.float32
) -> Nano:
    """nano from `checkpoint` (None: the package's own), or randomly initialised where it has no weights.

    `tokenizer` overrides the tokenizer's folder; with pre-trained weights its vocabulary must fit.
    Raises TrainingError on a wrong hash or on a tokenizer that does not fit the weights.
    """
    folder = CHECKPOINT if checkpoint is None else checkpoint
    words = load_tokenizer(tokenizer)
    if not has_weights(folder):
        return Nano(_random(words, seed, dtype), words, f"random initialisation, seed {seed}")
    digest = verify(folder)
    model = Qwen3MoeForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
    if len(words) > model.config.vocab_size:
        raise TrainingError(
            f"the tokenizer in {tokenizer} has {len(words)} tokens, nano's base only {model.config.vocab_size}",
            hint="leave student.tokenizer unset, or name another student.model",
        )
    return Nano(model, words, f"pre-trained base {digest}")


def load_tokenizer(folder: Path | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`, None: the one that the package ships."""
    places = _TOKENIZER_FOLDERS if folder is None else (folder,)
    for place in places:
        if (place / "tokenizer.json").is_file():
            return AutoTokenizer.from_pretrained(place, local_files_only=True)
    raise TrainingError(
        f"no tokenizer.json in {' or '.join(str(place) for place in places)}",
        hint="reinstall deepcoder, or name a tokenizer's folder in student.tokenizer",
    )


def has_weights(folder: Path) -> bool:
    """True where `folder` holds at least one safetensors file."""
    return any(folder.glob("*.safetensors"))


def verify(folder: Path) -> str:
    """Check every file that `folder`/SHA256SUMS names; the hash of SHA256SUMS itself, 12 hex digits.

    Raises TrainingError naming the first file that is missing or differs, or weights that are not listed.
    """
    sums = folder / "SHA256SUMS"
    hint = "the package's files are damaged: reinstall deepcoder"
    if not sums.is_file():
        raise TrainingError(f"{folder} has weights but no SHA256SUMS", hint=hint)
    lines = [line.split(maxsplit=1) for line in sums.read_text().splitlines() if line.strip()]
    expected = {name.strip().lstrip("*"): digest for digest, name in lines}
    for name in sorted(set(expected) | {path.name for path in folder.glob("*.safetensors")}):
        if name not in expected:
            raise TrainingError(f"{folder / name} is not listed in SHA256SUMS", hint=hint)
        if not (folder / name).is_file():
            raise TrainingError(f"{folder / name} is missing", hint=hint)
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected[name]:
            raise TrainingError(f"{folder / name} has sha256 {found}, not {expected[name]}", hint=hint)
    return hashlib.sha256(sums.read_bytes()).hexdigest()[:12]


def _random(tokenizer: PreTrainedTokenizerBase, seed: int, dtype: torch.dtype) -> Qwen3MoeForCausalLM:
    config = nano_config(len(tokenizer), pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Qwen3MoeForCausalLM = Qwen3MoeForCausalLM(config)  # type: ignore[no-untyped-call]
    model.to(dtype)  # type: ignore[arg-type]
    return model
