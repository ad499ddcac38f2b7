"""Random parameters of one problem, from the pools of its split.

Words, names, sentences' nouns and wide-ranging numbers of the held-out splits never occur in training:
each pool is cut in two by a hash. Numbers under 20, and numbers whose range is narrow (under 40 wide), are
shared, since there are too few of them; there the pair (operation, parameters) is held apart instead.
"""

from __future__ import annotations

import datetime
import hashlib
import random
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from importlib import resources
from typing import TypeVar

from deepcoder.problems.procedural.tables import Side

T = TypeVar("T")
Int = int  # inside the class `int` is a method
LETTERS = "abcdefghijklmnopqrstuvwxyz"
OTHER_WORDS = 0.4  # of the words, where there are others than the pool's
_HELD_OUT_IN = 4  # one in four words, names, wide numbers


def in_held_out_pool(value: object) -> bool:
    """True for the values that only held-out splits draw."""
    return _held_out(str(value))


@lru_cache(maxsize=1 << 14)
def _held_out(text: str) -> bool:
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _HELD_OUT_IN == 0


@cache
def pool(file: str, held_out: bool) -> tuple[str, ...]:
    """The words of a file in this package that belong to one side."""
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return tuple(word for word in dict.fromkeys(text.split()) if in_held_out_pool(word) == held_out)


def made_up(rng: random.Random) -> str:
    """A word that is in no dictionary: it cannot be recalled, it has to be copied."""
    # near to made_up in deepcoder.pretrain.synthetic.words, and not that: this one decides published problems
    syllables = rng.choice((2, 2, 3))
    return "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(syllables))


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text.split())


class Draw:
    """Draws for one problem. `level` 1 to 3 makes things longer or larger.

    `held_out`: from which half of the pools; `wording`: from which wordings; `sealed`: from the sealed half of what is
    held out besides. `words` makes other lower-case words, which then stand for some of the pool's and of the names.
    """

    def __init__(
        self,
        seed: str,
        *,
        held_out: bool = False,
        wording: Side = "train",
        sealed: bool = False,
        words: Callable[[random.Random], str] | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self.held_out, self.wording, self.sealed = held_out, wording, sealed
        self._words = words
        self.level = self.random.choice((1, 1, 2, 2, 3))

    def choice(self, items: Sequence[T]) -> T:
        """One item."""
        return items[int(self.random.random() * len(items))]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random.random() < probability

    def small(self, low: int, high: int) -> int:
        """A small number from low to high, both included; not from a pool."""
        return low + int(self.random.random() * (high - low + 1))

    def size(self, low: int, high: int) -> int:
        """A length from low to high: the lower, middle or upper third, by level."""
        width = (high - low) / 3
        start = low + round(width * (self.level - 1))
        return self.small(start, max(start, min(high, low + round(width * self.level))))

    def int(self, low: Int, high: Int) -> Int:
        """A number from low to high, both included; from this side's pool where the range is 40 wide or more."""
        if high - low < 40:
            return self.small(low, high)
        return self._from_pool(lambda: self.small(low, high), lambda value: abs(value) < 20)

    def ints(self, shortest: Int, longest: Int, low: Int = 1, high: Int = 99) -> list[Int]:
        """A list of numbers, its length by level."""
        return [self.int(low, high) for _ in range(self.size(shortest, longest))]

    def distinct(self, shortest: Int, longest: Int, low: Int = 1, high: Int = 99) -> list[Int]:
        """A list of different numbers."""
        values: dict[Int, None] = {}
        length = self.size(shortest, longest)
        while len(values) < length:
            values[self.int(low, high)] = None
        return list(values)

    def repeated(self, shortest: Int, longest: Int, low: Int = 1, high: Int = 99) -> list[Int]:
        """A list in which some numbers occur more than once."""
        length = self.size(shortest, longest)
        few = self.distinct(max(2, length // 3), max(2, length // 2), low, high)
        values = [*few, *(self.choice(few) for _ in range(max(1, length - len(few))))]
        self.random.shuffle(values)
        return values

    def decimal(self, low: Int, high: Int, places: Int = 1) -> float:
        """A number with a fractional part."""
        scale: Int = 10**places
        return float(self.int(low * scale, high * scale) / scale)

    def word(self) -> str:
        """A word; now and then capitalised, or a run of letters that is no word."""
        kind = self.random.random()
        if kind < 0.12:
            return self.letters(4, 9)
        word = self.plain_word()
        return word.capitalize() if kind < 0.2 else word

    def plain_word(self) -> str:
        """A lower-case dictionary word."""
        return self._other_word() or self.choice(pool("words.txt", self.held_out))

    def letters(self, shortest: Int, longest: Int) -> str:
        """Random lower-case letters, from this side's pool."""
        length = self.size(shortest, longest)
        return self._from_pool(lambda: "".join(self.choice(LETTERS) for _ in range(length)), lambda value: False)

    def words(self, shortest: Int, longest: Int) -> list[str]:
        """A list of different words."""
        values: dict[str, None] = {}
        length = self.size(shortest, longest)
        while len(values) < length:
            values[self.plain_word()] = None
        return list(values)

    def name(self) -> str:
        """A first name."""
        return self._other_word().capitalize() or self.choice(pool("names.txt", self.held_out))

    def names(self, shortest: Int, longest: Int) -> list[str]:
        """A list of different first names."""
        values: dict[str, None] = {}
        length = self.size(shortest, longest)
        while len(values) < length:
            values[self.name()] = None
        return list(values)

    def text(self) -> str:
        """A word, two words, or a short sentence."""
        kind = self.random.random()
        if kind < 0.6:
            return self.word()
        if kind < 0.8:
            return f"{self.word()} {self.plain_word()}"
        return self.sentence()

    def sentence(self) -> str:
        """A short sentence, longer with the level; about half end with a full stop."""
        parts = []
        for _ in range(self.size(1, 3)):
            pattern = self.choice(_PATTERNS)
            parts.append(" ".join(self.plain_word() if slot == "_" else slot for slot in pattern.split()))
        joined = f" {self.choice(('and', 'while', 'but'))} ".join(parts)
        joined = joined[0].upper() + joined[1:] if self.chance(0.6) else joined
        return joined + "." if self.chance(0.4) else joined

    def date(self, first_year: Int = 1995, last_year: Int = 2035) -> datetime.date:
        """A date of this side's pool."""
        low, high = datetime.date(first_year, 1, 1).toordinal(), datetime.date(last_year, 12, 31).toordinal()
        ordinal = self._from_pool(lambda: self.small(low, high), lambda value: False)
        return datetime.date.fromordinal(ordinal)

    def record(self, shortest: Int, longest: Int, low: Int = 1, high: Int = 99) -> dict[str, Int]:
        """A mapping of words or names to different numbers."""
        keys = self.names(shortest, longest) if self.chance(0.4) else self.words(shortest, longest)
        values: dict[Int, None] = {}
        while len(values) < len(keys):
            values[self.int(low, high)] = None
        return dict(zip(keys, values, strict=True))

    def matrix(self, rows: Int, columns: Int, low: Int = 0, high: Int = 9) -> list[list[Int]]:
        """Rows of numbers."""
        return [[self.int(low, high) for _ in range(columns)] for _ in range(rows)]

    def _other_word(self) -> str:
        """One of `words`, of this side; most times nothing."""
        if self._words is None or not self.chance(OTHER_WORDS):
            return ""
        return self._from_pool(partial(self._words, self.random), lambda word: False)

    def _from_pool(self, make: Callable[[], T], shared: Callable[[T], bool]) -> T:
        while True:
            value = make()
            if shared(value) or in_held_out_pool(value) == self.held_out:
                return value


_ONSETS = _pieces("b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr pl pr sc sh sk sl sp st th tr")
_NUCLEI = _pieces("a e i o u a e i o u ai ea ee oa ou")
_CODAS = ("", "", "", *_pieces("d k l m n p r s t ck ft ld mp nd nt rd rk rn st"))
_PATTERNS = (
    "the _ saw a _ near the _", "my _ likes the old _", "a _ and a _ met at the _", "we took the _ to the _",
    "nobody found the _ under the _", "every _ needs a good _", "she put the _ on the _", "the red _ is next to the _",
    "he sold his _ for a _", "this _ is not a _", "they painted the _ and the _", "the _ was in the _ all day",
)  # fmt: skip
