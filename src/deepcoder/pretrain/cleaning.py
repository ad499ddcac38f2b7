"""What is kept of a file: cleaned, cut into documents, deduplicated."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

LONGEST = 24_000
SHORTEST = 200
LABEL = re.compile(r"^(Thought|Action|Action Input|Observation):", re.M)
# Labels of the agent's text and marks of a turn must never be in the base's corpus.
FORBIDDEN = re.compile(LABEL.pattern + r"|<\|im_(start|end)\|>|<\|endoftext\|>|<\|pad\|>", re.M)
_HEADER = re.compile(r"\A(?:#[^\n]*\n|\s*\n)+")


def acceptable(text: str) -> bool:
    """Source or prose, not data: few digits and non-ASCII letters, lines of human length, no label of the agent."""
    if len(text) < SHORTEST or FORBIDDEN.search(text):
        return False
    sample = text[:LONGEST]
    digits = sum(letter.isdigit() for letter in sample)
    foreign = sum(not letter.isascii() for letter in sample)
    longest = max(map(len, text.splitlines()))
    return digits < 0.12 * len(sample) and foreign < 0.02 * len(sample) and longest < 400


def documents(text: str) -> Iterator[str]:
    """`text` without its leading comment block (licence headers), cut at top-level blank lines if it is long."""
    rest = _HEADER.sub("", text.replace("\r\n", "\n").expandtabs(4))
    part: list[str] = []
    size = 0
    for block in re.split(r"\n{2,}(?=\S)", rest):
        if part and size + len(block) > LONGEST:
            yield "\n\n".join(part) + "\n"
            part, size = [], 0
        part.append(block.rstrip())
        size += len(block) + 2
    if part:
        yield "\n\n".join(part) + "\n"


class Deduplicator:
    """Refuses a document most of whose line triples have been seen in earlier ones."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.seen: set[int] = set()
        self.threshold = threshold

    def is_new(self, text: str) -> bool:
        """True (and remembered) where fewer than `threshold` of the text's line triples are known."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        triples = {
            int.from_bytes(hashlib.blake2b("\n".join(lines[i : i + 3]).encode(), digest_size=8).digest())
            for i in range(max(1, len(lines) - 2))
        }
        if len(triples & self.seen) > self.threshold * len(triples):
            return False
        self.seen |= triples
        return True
