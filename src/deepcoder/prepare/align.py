"""Characters -> tokens: every token gets the span of its first character, whitespace skipped.

The chat is tokenized once, whole, with offsets; pieces are never tokenized apart. A token that straddles
a border (".\\n" or " Action") belongs to the span in which its first non-whitespace character lies, and a
token of nothing but whitespace to the span of its first character. The ids are then compared with
`apply_chat_template(..., tokenize=True)`: an example that differs is refused, and so is one whose own
text contains a control token such as <|im_end|>, which would end a turn that nobody ended.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepcoder.prepare.render import Rendered, Renderer
from deepcoder.prepare.turns import Turn

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

_IS_SPACE = np.array([chr(code).isspace() for code in range(sys.maxunicode + 1)])


class Refusal(StrEnum):
    """Why a trajectory did not become an example."""

    TEMPLATE = "rewritten_by_template"  # the template changes a message's text
    TOKENS = "token_mismatch"  # our ids are not apply_chat_template's
    CONTROL_TOKEN = "control_token_in_text"  # <|im_end|> or its like inside a message
    NOT_UTF8 = "not_utf8"  # a lone surrogate: no tokenizer can read it
    TOO_LONG = "too_long"  # not even the first step fits student.max_length
    UNTRAINED = "nothing_trained"  # no token of it is REASON or ACT


@dataclass(frozen=True)
class Aligned:
    """Token ids and, for every token, its span id and its step (equal lengths)."""

    input_ids: NDArray[np.int32]
    span_ids: NDArray[np.uint8]
    step_ids: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.input_ids)


class Aligner:
    """Tokenizes chats and maps the tokens to spans, for one tokenizer and its chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self.renderer = Renderer(tokenizer)
        self.encoder = untrimmed(tokenizer.backend_tokenizer)
        special = [index for index, token in tokenizer.added_tokens_decoder.items() if token.special]
        self.special_ids = np.array(special, np.int32)

    def align(self, chats: Sequence[Sequence[Turn]]) -> list[Aligned | Refusal]:
        """Each chat's tokens, or why it is refused. Batched: the tokenizer works in threads of its own."""
        results: list[Aligned | Refusal] = [Refusal.NOT_UTF8] * len(chats)
        rendered = {index: self.renderer.render(chat) for index, chat in enumerate(chats)}
        rendered = {index: item for index, item in rendered.items() if _is_utf8(item.text)}
        encodings = self.encoder.encode_batch([item.text for item in rendered.values()], add_special_tokens=False)
        expected = self._templated([chats[index] for index in rendered])
        for (index, item), encoding, (text, ids) in zip(rendered.items(), encodings, expected, strict=True):
            results[index] = self._aligned(item, encoding, text, ids)
        return results

    def _aligned(self, rendered: Rendered, encoding: Any, text: str, expected: list[int]) -> Aligned | Refusal:
        if rendered.text != text:
            return Refusal.TEMPLATE
        if encoding.ids != expected:
            return Refusal.TOKENS
        ids = np.array(encoding.ids, np.int32)
        first = first_characters(rendered.text, np.array(encoding.offsets, np.int64).reshape(-1, 2))
        if np.isin(ids[~rendered.template[first]], self.special_ids).any():
            return Refusal.CONTROL_TOKEN
        return Aligned(ids, rendered.spans[first], rendered.steps[first])

    def _templated(self, chats: list[Sequence[Turn]]) -> list[tuple[str, list[int]]]:
        if not chats:
            return []
        messages = [[turn.message for turn in chat] for chat in chats]
        texts: Any = self.tokenizer.apply_chat_template(messages, tokenize=False)
        encoded: Any = self.tokenizer.apply_chat_template(
            messages, tokenize=True, return_dict=True, tokenizer_kwargs={"verbose": False}
        )
        return list(zip(texts, encoded["input_ids"], strict=True))


def first_characters(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every token the index of its first non-whitespace character (of its first, if it has none).

    offsets (n, 2): start and end of each token in `text`.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    index = np.arange(len(codes))
    # next_dark[i]: the first position at or after i that is not whitespace
    dark = np.where(_IS_SPACE[codes], len(codes), index)
    next_dark = np.minimum.accumulate(dark[::-1])[::-1]
    start, end = offsets[:, 0], offsets[:, 1]
    start = np.minimum(start, len(codes) - 1)
    return np.where(next_dark[start] < end, next_dark[start], start)


def untrimmed(encoder: Tokenizer) -> Tokenizer:
    """The same tokenizer with offsets that include whitespace (some byte-level ones leave it out)."""
    from tokenizers import Tokenizer

    if encoder.post_processor is None:
        return encoder
    processor = json.loads(encoder.post_processor.__getstate__())
    trimming = [part for part in [processor, *processor.get("processors", [])] if part.get("trim_offsets")]
    if not trimming:
        return encoder
    for part in trimming:
        part["trim_offsets"] = False
    return Tokenizer.from_str(json.dumps(json.loads(encoder.to_str()) | {"post_processor": processor}))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
