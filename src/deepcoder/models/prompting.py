"""From chat messages to token ids, with control tokens where the template has them and nowhere else.

A tokenizer reads `<|im_end|>` in a rendered prompt as the end of a turn, whoever wrote it: a user or a program's
output could so end its own message and speak as the assistant. Here the control tokens of the template stay
control tokens and those within a message's content become ordinary text. All other prompts get exactly the ids
that `apply_chat_template(..., tokenize=True)` gives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

Message = dict[str, str]


class Prompts:
    """The prompts of one tokenizer with a chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        known = tokenizer.added_tokens_decoder.items()
        self._control = {token.content: number for number, token in known if token.special}
        self._border = re.compile("|".join(map(re.escape, sorted(self._control, key=len, reverse=True))) or r"(?!)")
        self._plain = _plain(tokenizer)

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """The ids of the conversation and of the assistant's opening. Contents: any text."""
        written = [message["content"] for message in messages]
        if not any(map(self._border.search, written)):
            ids = self._tokenizer.apply_chat_template(
                list(messages), add_generation_prompt=True, tokenize=True, return_dict=False
            )
            return cast(list[int], ids)
        return self._apart(messages, _unused("".join(written)))

    def _apart(self, messages: Sequence[Message], mark: str) -> list[int]:
        """Render with each control token of a content masked; what is still one then is the template's.

        A tokenizer too cuts its text at these tokens before anything else, so that no merge is lost.
        """
        names = list(self._control)
        masked = [
            {
                **message,
                "content": self._border.sub(lambda found: _mask(mark, names.index(found[0])), message["content"]),
            }
            for message in messages
        ]
        text = self._tokenizer.apply_chat_template(masked, add_generation_prompt=True, tokenize=False)
        assert isinstance(text, str)
        unmask = re.compile(f"{mark}(\\d+){mark}")
        ids: list[int] = []
        position = 0
        for found in (*self._border.finditer(text), None):
            piece = text[position : found.start() if found else None]
            ids += self._plain.encode(unmask.sub(lambda n: names[int(n[1])], piece), add_special_tokens=False).ids
            if found:
                ids.append(self._control[found[0]])
                position = found.end()
        return ids


def _plain(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """A copy of the fast tokenizer that reads control tokens as letters; the switch on the original is shared state."""
    plain: Tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    plain.encode_special_tokens = True
    plain.no_truncation()
    plain.no_padding()
    return plain


def _mask(mark: str, number: int) -> str:
    return f"{mark}{number}{mark}"


def _unused(text: str) -> str:
    """A private-use character that the text does not have; there are 131,068, more than fit a prompt."""
    used = set(text)
    return next(chr(code) for code in range(0xF0000, 0x10FFFE) if chr(code) not in used)
