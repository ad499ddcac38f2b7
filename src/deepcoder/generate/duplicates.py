"""Duplicates among the trajectories of a folder: exact ones by a hash, near ones by MinHash and LSH.

Compared are problem and solution (programs and answer); near ones as sets of runs of words and signs.
Of two duplicates the one stored first stays. Memory a trajectory: a hash, `permutations` numbers of 32 bits
and an entry in each band of the index, some 5 KB at the defaults; no text.
"""

from __future__ import annotations

import hashlib
from typing import Any

from deepcoder.config import DuplicatesConfig
from deepcoder.generate.ngrams import ngrams, tokens
from deepcoder.records import Action, Rejection, Trajectory

# The chance that the index finds a pair which is exactly as similar as the threshold.
RECALL = 0.95


class Duplicates:
    """What is stored already. Ask `of` before a trajectory is stored, and `add` it once it is."""

    def __init__(self, config: DuplicatesConfig) -> None:
        self._config = config
        self._exact: dict[bytes, str] = {}
        self._near = _Near(config) if config.enabled and config.near else None

    def of(self, trajectory: Trajectory) -> Rejection | None:
        """The stored trajectory that this one repeats; None where there is none."""
        if not self._config.enabled:
            return None
        text = compared(trajectory)
        if (same := self._exact.get(_digest(text))) is not None:
            return Rejection(reason="duplicate", detail=f"of {same}")
        if self._near is None or (near := self._near.most_similar(text)) is None:
            return None
        return Rejection(reason="near_duplicate", detail=f"of {near[0]}, similarity {near[1]:.2f}")

    def add(self, trajectory: Trajectory) -> None:
        """Remember a stored trajectory."""
        if not self._config.enabled:
            return
        text = compared(trajectory)
        self._exact.setdefault(_digest(text), trajectory.problem_id)
        if self._near is not None:
            self._near.add(trajectory.problem_id, text)


class _Near:
    """MinHash sketches behind an LSH index. datasketch is imported by the first of them (it loads scipy)."""

    def __init__(self, config: DuplicatesConfig) -> None:
        from datasketch import MinHash, MinHashLSH

        self._config = config
        self._empty = MinHash(config.permutations, hashfunc=_low_bits)
        self._index = MinHashLSH(num_perm=config.permutations, params=bands(config.threshold, config.permutations))
        self._names: list[str] = []
        self._sketches: list[Any] = []  # hash values, uint32 (permutations,)

    def most_similar(self, text: str) -> tuple[str, float] | None:
        """The most similar text with its estimated Jaccard similarity; None where none reaches the threshold."""
        sketch = self._sketch(text)
        # A band in common is a hint; the sketches themselves decide.
        near = [(float((self._sketches[key] == sketch.hashvalues).mean()), key) for key in self._index.query(sketch)]
        similarity, key = max(near, default=(0.0, 0))
        return (self._names[key], similarity) if similarity >= self._config.threshold else None

    def add(self, name: str, text: str) -> None:
        sketch = self._sketch(text)
        self._index.insert(len(self._names), sketch, check_duplication=False)
        self._names.append(name)
        self._sketches.append(sketch.hashvalues)

    def _sketch(self, text: str) -> Any:
        found = tokens(text)
        sketch = self._empty.copy()
        sketch.update_batch(list(ngrams(found, min(self._config.shingle, max(len(found), 1)))))
        return sketch


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
