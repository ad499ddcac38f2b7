"""Vectors of entries: made once for each text, kept in a file of their own, searched by a plain matrix product.

The file belongs to one model and is keyed by the hash of the text, so that a changed document costs its new pieces
alone, and a build that was cut short goes on where it stopped. The search is exact: 100,000 entries of 384 dimensions
are 150 MB and one product of a matrix with a vector.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from deepcoder.errors import KnowledgeError
from deepcoder.knowledge.embedding import Embedder, Vectors

# Stored after each: what an interruption loses at most.
BATCH = 512


class VectorSearch:
    """The entries nearest to a query by the cosine of their vectors."""

    def __init__(self, ids: Sequence[int], matrix: Vectors, embedder: Embedder) -> None:
        self._ids = np.asarray(ids)
        self._matrix = matrix
        self._embedder = embedder

    def nearest(self, query: str, limit: int) -> list[int]:
        """The ids of the `limit` nearest entries, nearest first, equal ones by id."""
        vector = self._embedder.query(query)[0]
        if len(vector) != self._matrix.shape[1]:
            raise KnowledgeError(
                f"the embedding model gave {len(vector)} dimensions for a query and "
                f"{self._matrix.shape[1]} for the documents",
                hint="it has been replaced under the same name; name it anew or delete the vectors in the cache",
            )
        scores = np.round(self._matrix @ vector, 6)
        best = np.lexsort((self._ids, -scores))[:limit]
        return [int(each) for each in self._ids[best]]


def open_vectors(ids: Sequence[int], texts: Sequence[str], embedder: Embedder, folder: Path) -> VectorSearch:
    """Vectors of the texts (ids[n] belongs to texts[n]); those that the file in `folder` lacks are made now."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = [hashlib.sha256(text.encode()).digest() for text in texts]
    path = folder / f"vectors-{embedder.identity}.sqlite"
    with closing(sqlite3.connect(path, timeout=60)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE IF NOT EXISTS vectors(key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
        have = {row[0] for row in db.execute("SELECT key FROM vectors")}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in have}
        todo = list(missing.items())
        for start in range(0, len(todo), BATCH):
            part = todo[start : start + BATCH]
            made = embedder.documents([text for _, text in part])
            rows = [(key, row.astype("<f4").tobytes()) for (key, _), row in zip(part, made, strict=True)]
            with db:
                db.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
        matrix = _matrix(db, keys, path)
    return VectorSearch(ids, matrix, embedder)


def _matrix(db: sqlite3.Connection, keys: Sequence[bytes], path: Path) -> Vectors:
    stored = dict(db.execute("SELECT key, vector FROM vectors"))
    rows = [np.frombuffer(stored[key], dtype="<f4") for key in keys]
    if len({len(row) for row in rows}) > 1:
        raise KnowledgeError(
            f"{path} holds vectors of different lengths", hint="the model changed under its name; delete the file"
        )
    return np.stack(rows).astype(np.float32, copy=False)
