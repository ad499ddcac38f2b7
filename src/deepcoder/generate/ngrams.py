"""Words, runs of n words, and what they say of a text: how far it repeats itself, what it shares.

An n-gram is kept as 64 bits of BLAKE2b over its words: the same on every machine and in every
process, small enough to ship, and no way back to the text. Two of m n-grams collide with
probability m^2 / 2^65 (10^-8 for a million).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"\w+|[^\w\s]")


def words(text: str) -> list[str]:
    """The words and numbers of prose, compatibility forms and case folded, punctuation and underscores gone."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def tokens(text: str) -> list[str]:
    """Words, names and numbers, and each other sign by itself, case folded; layout gone."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def code_tokens(code: str) -> list[str]:
    """The tokens of a program without its comments."""
    return tokens(re.sub(r"#[^\n]*", "", code))


def ngrams(run: Sequence[str], n: int) -> Iterator[int]:
    """The hashes of all runs of `n` tokens in order: len(run) - n + 1 of them, none where that is negative."""
    for start in range(len(run) - n + 1):
        yield hash64(run[start : start + n])


def hash64(run: Sequence[str]) -> int:
    """64 bits over a run of tokens."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(run).encode("utf-8", "replace"), digest_size=8).digest(), "big")


def repetition(run: Sequence[str], n: int) -> float:
    """1 - distinct / all n-grams: 0 where none occurs twice, towards 1 for a text that goes in circles."""
    total = len(run) - n + 1
    return 1 - len(set(ngrams(run, n))) / total if total > 0 else 0.0
