"""A tokenizer as GGUF's metadata: byte-level BPE, as llama.cpp reads it.

llama.cpp knows pre-tokenizers (how text is cut before any merge) by name, not by pattern. Qwen's is `qwen2`. A
tokenizer that cuts otherwise, as nano's does, is written under that name too, and `Vocabulary.exact` is false: token
ids mean the same there, but text that llama.cpp cuts itself gets other ids than in training. Qwen's NFC normalisation
is not done there: text in another form (rare in code) differs as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepcoder.errors import TrainingError
from deepcoder.train.export import end_of_turn

if TYPE_CHECKING:
    from gguf import GGUFWriter

PRE = "qwen2"
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Vocabulary:
    """Texts and GGUF token types by id, merges as "left right", the chat template."""

    texts: list[str]
    types: list[int]
    merges: list[str]
    end: int
    pad: int | None
    template: str | None
    exact: bool


def read_vocabulary(folder: Path, size: int) -> Vocabulary:
    """The tokenizer in `folder` for a model with `size` rows of embedding; rows without a token are unused ones.

    Raises TrainingError where it is no byte-level BPE, has more tokens than rows, or no <|im_end|>.
    """
    from gguf import TokenType
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        stored: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} has no readable tokenizer.json: {error}") from None
    model = stored["model"]
    if model["type"] != "BPE" or (stored.get("decoder") or {}).get("type") != "ByteLevel":
        raise TrainingError(f"the tokenizer in {folder} is no byte-level BPE, which a GGUF of a Qwen3 mixture needs")
    texts = [f"[PAD{number}]" for number in range(size)]
    types = [int(TokenType.UNUSED)] * size
    added = {each["content"]: each for each in stored["added_tokens"]}
    known = model["vocab"] | {text: each["id"] for text, each in added.items()}
    if max(known.values()) >= size:
        raise TrainingError(f"the tokenizer in {folder} has {max(known.values()) + 1} tokens, the model {size} rows")
    for text, number in known.items():
        texts[number] = text
        kind = TokenType.NORMAL
        if text in added:
            kind = TokenType.CONTROL if added[text]["special"] else TokenType.USER_DEFINED
        types[number] = int(kind)
    merges = [each if isinstance(each, str) else " ".join(each) for each in model["merges"]]
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    end, pad = end_of_turn(tokenizer), tokenizer.pad_token_id
    return Vocabulary(texts, types, merges, end, pad, template, _is_qwen2(stored))


def write_vocabulary(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    """The keys `tokenizer.*` of a file."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE)
    writer.add_token_list(vocabulary.texts)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_eos_token_id(vocabulary.end)
    if vocabulary.pad is not None:
        writer.add_pad_token_id(vocabulary.pad)
    writer.add_add_bos_token(False)
    if vocabulary.template is not None:
        writer.add_chat_template(vocabulary.template)


def _is_qwen2(stored: dict[str, Any]) -> bool:
    """Whether text is cut as llama.cpp's `qwen2` cuts it."""
    steps = (stored.get("pre_tokenizer") or {}).get("pretokenizers", [])
    kinds = [(step["type"], step.get("pattern", {}).get("Regex")) for step in steps]
    options = [(step.get("behavior"), step.get("invert"), step.get("use_regex")) for step in steps]
    return kinds == [("Split", _PATTERN), ("ByteLevel", None)] and options == [
        ("Isolated", False, None),
        (None, None, False),
    ]
