"""Is the server's vocabulary the student's? Scores by token id mean nothing otherwise.

Two looks at it: the server's own tokenization of a text (vLLM's /tokenize), and its spelling of every token id
that an answer names (`decoded_token`). Whatever differs refuses the whole run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deepcoder.errors import AlignmentError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBE = (
    "<|im_start|>assistant\nThought: naïve sums of 3.14 × 1,024 — überprüfen 数え上げ 🙂\n"
    "Action: execute_python\nAction Input:\n"
    "```python\ndef f(x: int) -> str:\n    return f'{x!r}'\t# ok\n```<|im_end|>\n"
)
_BROKEN = "\ufffd"  # a part of a character: how it is spelled depends on its neighbours


class Vocabulary:
    """The student's, and what was found of the server's. `seen`: something could be compared, and was the same."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model: str) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._same: set[int] = set()
        self.seen = False

    def check_tokenization(self, ids: Sequence[int]) -> None:
        """Compare the server's ids of PROBE. Raises AlignmentError."""
        ours = self._tokenizer(PROBE, add_special_tokens=False)["input_ids"]
        if list(ids) != list(ours):
            at = next((i for i, pair in enumerate(zip(ids, ours, strict=False)) if pair[0] != pair[1]), None)
            first = f"token {at} is {ids[at]} there, {ours[at]} here" if at is not None else ""
            raise self._refusal(f"it makes {len(ids)} tokens of a text that has {len(ours)} here; {first}".strip("; "))
        self.seen = True

    def check_texts(self, texts: Mapping[int, str | None]) -> None:
        """Compare the server's spelling of token ids. Raises AlignmentError."""
        for token, theirs in texts.items():
            if token in self._same or theirs is None:
                continue
            ours, *others = self._spellings(token)
            if _BROKEN not in ours and theirs not in (ours, *others):
                raise self._refusal(f"token {token} is {theirs!r} there, {ours!r} here")
            self._same.add(token)
            self.seen = True

    def require(self) -> None:
        """Raises AlignmentError where the server shows nothing of its vocabulary."""
        if not self.seen:
            raise AlignmentError(
                f"{self._model} shows neither /tokenize nor decoded tokens: its vocabulary cannot be compared",
                hint="serve it with vLLM, and without --skip-tokenizer-init",
            )

    def _spellings(self, token: int) -> tuple[str, str, str]:
        """As vLLM spells a token alone: decoded; with the spaces that decoding takes from a SentencePiece token
        (newer versions); as it stands in the vocabulary (older ones).
        """
        ours = str(self._tokenizer.decode([token]))
        piece = str(self._tokenizer.convert_ids_to_tokens(token) or "")
        spaces = len(piece) - len(piece.lstrip("\u2581"))
        return ours, " " * spaces + ours.lstrip(" ") if spaces else ours, piece

    def _refusal(self, difference: str) -> AlignmentError:
        return AlignmentError(
            f"{self._model} does not have the student's vocabulary: {difference}",
            hint="score with a model of the student's family, or set student.model to one of the server's",
        )
