"""Turns -> one string whose character spans are known by construction.

A chat template is text around contents. What it puts around them (its frame) is found by rendering
marks in place of the contents, once for each sequence of roles; a trajectory is then the frame with the
contents filled in. A template that rewrites a content (strips it, cuts a think block out of it) renders
something else for the real messages, and `deepcoder.prepare.align` refuses that example.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepcoder.errors import AlignmentError
from deepcoder.prepare.turns import Segment, Turn
from deepcoder.records import Span

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Private-use characters: no template looks at them, none strips them.
_MARK = re.compile("\ue000(\\d+)\ue001")


@dataclass(frozen=True)
class Rendered:
    """A whole chat: `text`, and for every character its span, its step and whether the template added it."""

    text: str
    spans: NDArray[np.uint8]
    steps: NDArray[np.int32]
    template: NDArray[np.bool_]


class Renderer:
    """Fills the frames of one tokenizer's chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self.special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._frame = lru_cache(maxsize=None)(self._find_frame)

    def render(self, turns: Sequence[Turn]) -> Rendered:
        """The chat as one string.

        The end-of-turn token of a trained assistant turn is ACT; all else that the template adds is PROMPT.
        """
        frame = self._frame(tuple(turn.role for turn in turns))
        pieces: list[tuple[Segment, bool]] = [(Segment(frame[0], Span.PROMPT), True)]
        for turn, after in zip(turns, frame[1:], strict=True):
            pieces += [(segment, False) for segment in turn.segments]
            end = self.end_of_turn(after) if turn.role == "assistant" else ""
            pieces.append((Segment(end, Span.ACT if turn.trained else Span.PROMPT, turn.segments[-1].step), True))
            pieces.append((Segment(after[len(end) :], Span.PROMPT), True))
        return _joined(pieces)

    def end_of_turn(self, after: str) -> str:
        """The special token with which the text after an assistant message begins; AlignmentError without one."""
        found = max((token for token in self.special if after.startswith(token)), key=len, default="")
        if not found:
            raise AlignmentError(
                f"the template ends an assistant turn with {after[:20]!r}, which is no special token of the tokenizer",
                hint="the student would never learn to stop: use a tokenizer that has <|im_end|>, "
                "or student.template=native",
            )
        return found

    def _find_frame(self, roles: tuple[str, ...]) -> list[str]:
        messages = [{"role": role, "content": f"\ue000{index}\ue001"} for index, role in enumerate(roles)]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False)
        assert isinstance(text, str)
        found = [int(number) for number in _MARK.findall(text)]
        if found != list(range(len(roles))):
            raise AlignmentError(
                f"the chat template does not show each of {len(roles)} messages once and in order",
                hint="set student.template=chatml",
            )
        return _MARK.split(text)[::2]


def _joined(pieces: list[tuple[Segment, bool]]) -> Rendered:
    lengths = [len(segment.text) for segment, _ in pieces]
    return Rendered(
        text="".join(segment.text for segment, _ in pieces),
        spans=np.repeat(np.array([segment.span for segment, _ in pieces], np.uint8), lengths),
        steps=np.repeat(np.array([segment.step for segment, _ in pieces], np.int32), lengths),
        template=np.repeat(np.array([added for _, added in pieces], np.bool_), lengths),
    )
