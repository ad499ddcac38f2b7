"""Duplicates among the trajectories of a folder: exact ones by a hash, near ones by MinHash and LSH.

Compared are problem and solution (programs and answer); near ones as sets of runs of words and signs.
Of two duplicates the one stored first stays. What is remembered (a hash, a sketch of `permutations` numbers of
32 bits, an entry in each band) lies in a temporary file, some 5 KB a trajectory at the defaults; no text.
"""

from __future__ import annotations

import hashlib
import sqlite3

import numpy as np
import numpy.typing as npt

from deepcoder.config import DuplicatesConfig
from deepcoder.generate.ngrams import ngrams, tokens
from deepcoder.records import Action, Rejection, Trajectory

# The chance that the index finds a pair which is exactly as similar as the threshold.
RECALL = 0.95


class Duplicates:
    """What is stored already. Ask `of` before a trajectory is stored, and `add` it once it is."""

    def __init__(self, config: DuplicatesConfig) -> None:
        self._config = config
        # A private file that SQLite removes: memory stays the same from a thousand trajectories to a million.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA cache_size=-4000")  # 4 MB
        self._db.execute("CREATE TABLE exact (digest BLOB PRIMARY KEY, name TEXT) WITHOUT ROWID")
        self._near = _Near(config, self._db) if config.enabled and config.near else None

    def of(self, trajectory: Trajectory) -> Rejection | None:
        """The stored trajectory that this one repeats; None where there is none."""
        if not self._config.enabled:
            return None
        text = compared(trajectory)
        same = self._db.execute("SELECT name FROM exact WHERE digest = ?", (_digest(text),)).fetchone()
        if same is not None:
            return Rejection(reason="duplicate", detail=f"of {same[0]}")
        if self._near is None or (near := self._near.most_similar(text)) is None:
            return None
        return Rejection(reason="near_duplicate", detail=f"of {near[0]}, similarity {near[1]:.2f}")

    def add(self, trajectory: Trajectory) -> None:
        """Remember a stored trajectory."""
        if not self._config.enabled:
            return
        text = compared(trajectory)
        self._db.execute("INSERT OR IGNORE INTO exact VALUES (?, ?)", (_digest(text), trajectory.problem_id))
        if self._near is not None:
            self._near.add(trajectory.problem_id, text)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()


class _Near:
    """MinHash sketches in a table, found by bands. datasketch is imported by the first of them (it loads scipy).

    A band is a run of `rows` values of the sketch; two texts with a band in common are compared sketch by sketch.
    """

    def __init__(self, config: DuplicatesConfig, db: sqlite3.Connection) -> None:
        from datasketch import MinHash

        self._config, self._db = config, db
        self._empty = MinHash(config.permutations, hashfunc=_low_bits)
        self._bands, self._rows = bands(config.threshold, config.permutations)
        db.execute("CREATE TABLE sketches (number INTEGER PRIMARY KEY, name TEXT, sketch BLOB)")
        db.execute("CREATE TABLE bands (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID")

    def most_similar(self, text: str) -> tuple[str, float] | None:
        """The most similar text with its estimated Jaccard similarity; None where none reaches the threshold."""
        sketch = self._sketch(text)
        keys = self._keys(sketch)
        found = self._db.execute(
            "SELECT DISTINCT s.number, s.name, s.sketch FROM bands b JOIN sketches s ON s.number = b.number "
            f"WHERE b.key IN ({', '.join('?' * len(keys))})",
            keys,
        )
        near = [(float((np.frombuffer(raw, np.uint32) == sketch).mean()), -number, name) for number, name, raw in found]
        similarity, _, name = max(near, default=(0.0, 0, ""))
        return (name, similarity) if similarity >= self._config.threshold else None

    def add(self, name: str, text: str) -> None:
        sketch = self._sketch(text)
        row = self._db.execute("INSERT INTO sketches (name, sketch) VALUES (?, ?)", (name, sketch.tobytes()))
        pairs = [(key, row.lastrowid) for key in self._keys(sketch)]
        self._db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", pairs)

    def _keys(self, sketch: npt.NDArray[np.uint32]) -> list[int]:
        """One 64-bit key a band; the band's number is part of it."""
        parts = [sketch[number * self._rows :][: self._rows].tobytes() for number in range(self._bands)]
        return [
            int.from_bytes(hashlib.blake2b(part, digest_size=8, salt=number.to_bytes(2)).digest(), signed=True)
            for number, part in enumerate(parts)
        ]

    def _sketch(self, text: str) -> npt.NDArray[np.uint32]:
        """(permutations,) uint32"""
        found = tokens(text)
        sketch = self._empty.copy()
        sketch.update_batch(list(ngrams(found, min(self._config.shingle, max(len(found), 1)))))
        return np.asarray(sketch.hashvalues, np.uint32)


def compared(trajectory: Trajectory) -> str:
    """Problem, programs in their order, answer. Thoughts and observations are left out: the answer decides."""
    programs = [step.input for step in trajectory.steps if step.action == Action.EXECUTE_PYTHON]
    return "\n".join([trajectory.problem, *programs, trajectory.answer or ""])


def bands(threshold: float, permutations: int) -> tuple[int, int]:
    """(bands, rows): the longest rows that find a pair at the threshold with probability RECALL.

    P(found) = 1 - (1 - threshold^rows)^bands, bands = permutations // rows.
    """
    for rows in range(permutations // 2, 1, -1):
        if 1 - (1 - threshold**rows) ** (permutations // rows) >= RECALL:
            return permutations // rows, rows
    return permutations, 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(" ".join(text.split()).encode("utf-8", "replace"), digest_size=16).digest()


def _low_bits(value: int) -> int:
    return value & 0xFFFFFFFF
