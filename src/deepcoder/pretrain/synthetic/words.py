"""Words to write exercises about: common ones, long rare ones, names, made-up ones."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from random import Random


def _pools() -> dict[str, list[str]]:
    """The built-in pools: blocks of words under a [name]."""
    text = (resources.files(__package__) / "words.txt").read_text(encoding="utf-8")
    blocks = (block.split("]") for block in text.split("[") if block.strip())
    return {name: words.split() for name, words in blocks}


_POOLS = _pools()
COMMON, LONG, NAMES = _POOLS["common"], _POOLS["long"], _POOLS["names"]


def _syllable(rng: Random) -> tuple[str, str, str]:
    coda = rng.choice(_POOLS["codas"]) if rng.random() < 0.5 else ""
    return rng.choice(_POOLS["onsets"]), rng.choice(_POOLS["nuclei"]), coda


def made_up(rng: Random, syllables: int | None = None) -> str:
    """A pronounceable word that is in no dictionary."""
    # near to made_up in deepcoder.problems.procedural.draw, and not that: this one needs the standard library alone
    count = syllables or rng.choice((1, 2, 2, 3, 3, 4, 5))
    return "".join(part for _ in range(count) for part in _syllable(rng))


def scrambled(rng: Random) -> str:
    """Random letters: no model can guess them, they must be copied."""
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 12)))


class Words:
    """Draws words; `harvest` adds words found in documentation to the built-in ones."""

    def __init__(self, harvest: Sequence[str] = ()) -> None:
        self.plain = [word for word in harvest if 3 <= len(word) <= 9] + COMMON
        self.long = [word for word in harvest if len(word) >= 10] + LONG

    def word(self, rng: Random) -> str:
        """One lower-case word of letters."""
        kind = rng.random()
        if kind < 0.30:
            return rng.choice(COMMON)
        if kind < 0.55:
            return rng.choice(self.plain)
        if kind < 0.75:
            return rng.choice(self.long)
        if kind < 0.93:
            return made_up(rng)
        return scrambled(rng)

    def cased(self, rng: Random) -> str:
        """A word with capitals in it."""
        word = self.word(rng)
        style = rng.random()
        if style < 0.3:
            return word.upper()
        if style < 0.6:
            return word.capitalize()
        return "".join(letter.upper() if rng.random() < 0.4 else letter for letter in word)

    def mixed(self, rng: Random) -> str:
        """Letters and digits, such as a code or a label."""
        parts = [
            self.word(rng)[: rng.randint(1, 6)] if rng.random() < 0.55 else str(rng.randint(0, 9999))
            for _ in range(rng.randint(2, 5))
        ]
        return rng.choice(("", "", "-", "_")).join((*parts, str(rng.randint(0, 99))))

    def runs(self, rng: Random) -> str:
        """A string with runs of equal letters."""
        letters = [rng.choice("abcdefgxyz") for _ in range(rng.randint(3, 7))]
        return "".join(letter * rng.choice((1, 1, 2, 3, 4)) for letter in letters)

    def several(self, rng: Random, low: int = 3, high: int = 7) -> list[str]:
        """Some distinct words."""
        return list(dict.fromkeys(self.word(rng) for _ in range(rng.randint(low, high))))

    def sentence(self, rng: Random) -> str:
        """Words in a row, with some small ones between, as a sentence without punctuation."""
        words = self.several(rng, 3, 8)
        small = ("the", "a", "of", "and", "in", "to", "with", "for", "on", "is")
        return " ".join(f"{rng.choice(small)} {word}" if rng.random() < 0.35 else word for word in words)
