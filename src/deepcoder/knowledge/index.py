"""Search over an index of documentation: a read-only SQLite file with an FTS5 table.

A query that is exactly a symbol (`heapq.heappush`, `heappush`) gives the entries of that name and nothing
else. Otherwise dotted symbols inside the query come first, then the ranking: bm25 over name and text with the name
weighted up, or, where the index was opened with vectors, that fused with the ranking by meaning. The same files give
the same answers.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

SCHEMA = """
    CREATE TABLE entries(id INTEGER PRIMARY KEY, symbol TEXT, last TEXT, signature TEXT, text TEXT, name TEXT,
                         file TEXT NOT NULL DEFAULT '');
    CREATE TABLE files(name TEXT PRIMARY KEY, digest TEXT NOT NULL);
    CREATE VIRTUAL TABLE search USING fts5(name, text, content='', tokenize='porter unicode61');
    CREATE INDEX by_symbol ON entries(symbol COLLATE NOCASE);
    CREATE INDEX by_last ON entries(last);
    CREATE INDEX by_file ON entries(file);
"""
# Both rankings are cut here before they are fused: what neither has among its first 50 is no result.
CANDIDATES = 50

_STOP_WORDS = frozenset({
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "function", "functions",
    "get", "give", "how", "i", "in", "into", "is", "it", "its", "library", "me", "method", "module", "of", "on", "or",
    "provides", "python", "returns", "standard", "stdlib", "that", "the", "there", "this", "to", "two", "use", "used",
    "using", "what", "when", "which", "with", "without", "would", "you",
})  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A documented name or a piece of a document; `file` is empty for the standard library.

    `text`: of the library the first paragraph (some 240 characters), else at most `knowledge.chunk_chars`.
    """

    symbol: str
    signature: str
    text: str
    file: str = ""

    def render(self) -> str:
        """What a model is shown: the signature, then the text."""
        return f"{self.signature}\n{self.text}"


class Nearest(Protocol):
    """A ranking of entries by meaning."""

    def nearest(self, query: str, limit: int) -> list[int]:
        """The ids of the `limit` entries nearest to the query, nearest first."""
        ...


class KnowledgeIndex:
    """Search over one index file. One connection, taken by one thread after the other. `about`: what it covers."""

    def __init__(self, path: Path, vectors: Nearest | None = None, *, results: int = 3, about: str = "") -> None:
        self.about = about
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._lock = threading.Lock()
        self._vectors = vectors
        self._results = results

    def search(self, query: str, limit: int | None = None) -> list[Entry]:
        """The best entries, best first, `knowledge.results` of them where no `limit` is given.

        Any text is a valid query. Empty where nothing matches; with vectors something always does. Asks the
        embedding model then, which may take a while: call it in a thread. Raises what that model raises.
        """
        limit = self._results if limit is None else limit
        found: dict[tuple[str, str], Entry] = {}
        for entry in self._candidates(query, limit):
            found.setdefault((entry.file, entry.symbol), entry)
            if len(found) == limit:
                break
        return list(found.values())

    def __len__(self) -> int:
        """Number of entries."""
        return int(self._rows("SELECT count(*) FROM entries")[0][0])

    def entries(self) -> list[tuple[int, Entry]]:
        """All entries with their ids."""
        rows = self._rows("SELECT id, symbol, signature, text, file FROM entries ORDER BY id")
        return [(row[0], Entry(*row[1:])) for row in rows]

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _candidates(self, query: str, limit: int) -> Iterator[Entry]:
        whole = query.strip().strip("`'\"?. ").removesuffix("()")
        exact = self._exact(whole)
        if exact:
            yield from exact
            return
        for symbol in re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", query):
            yield from self._exact(symbol)
        yield from self._by_words(query, limit + 20) if self._vectors is None else self._fused(self._vectors, query)

    def _fused(self, vectors: Nearest, query: str) -> Iterable[Entry]:
        if not query.strip():
            return []
        rankings = [self._ranked(query, CANDIDATES), vectors.nearest(query, CANDIDATES)]
        return self._entries(fuse(rankings))

    def _by_words(self, query: str, limit: int) -> Iterable[Entry]:
        return self._entries(self._ranked(query, limit))

    def _exact(self, symbol: str) -> list[Entry]:
        """Entries that are called exactly so: the whole symbol, or its last part; shorter symbols first."""
        rows = self._rows(
            "SELECT symbol, signature, text, file FROM entries WHERE symbol = :s COLLATE NOCASE OR last = :s "
            "ORDER BY symbol = :s DESC, symbol = :s COLLATE NOCASE DESC, file = '', "
            "length(symbol) - length(replace(symbol, '.', '')), length(symbol), symbol, file LIMIT 20",
            {"s": symbol},
        )
        return [Entry(*row) for row in rows]

    def _ranked(self, query: str, limit: int) -> list[int]:
        """The ids of the best entries by bm25."""
        words = [word for word in re.findall(r"[^\W_]+", query.lower()) if word not in _STOP_WORDS]
        if not words:
            return []
        rows = self._rows(
            "SELECT e.id FROM search s JOIN entries e ON e.id = s.rowid WHERE search MATCH ? "
            "ORDER BY round(bm25(search, 4.0, 1.0), 4), length(e.symbol), e.symbol, e.file LIMIT ?",
            (" OR ".join(f'"{word}"' for word in dict.fromkeys(words)), limit),
        )
        return [row[0] for row in rows]

    def _entries(self, ids: Sequence[int]) -> list[Entry]:
        marks = ",".join("?" * len(ids))
        rows = self._rows(f"SELECT id, symbol, signature, text, file FROM entries WHERE id IN ({marks})", ids)
        known = {row[0]: Entry(*row[1:]) for row in rows}
        return [known[each] for each in ids]

    def _rows(self, query: str, values: Sequence[object] | dict[str, object] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def fuse(rankings: Sequence[Sequence[int]], constant: int = 60) -> list[int]:
    """Reciprocal rank fusion: ids by the sum over rankings of 1 / (constant + rank), ranks from 1, best first.

    Cormack, Clarke and Büttcher, SIGIR 2009, whose constant is 60. Ties are in the order of the first ranking.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(ranking, 1):
            scores[each] = scores.get(each, 0.0) + 1 / (constant + rank)
    return sorted(scores, key=lambda each: -scores[each])


def name_words(symbol: str) -> str:
    """The words in a symbol, for the search: `collections.OrderedDict` -> `collections ordered dict ordereddict`."""
    words = []
    for part in re.split(r"[._]", symbol):
        pieces = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", part)
        words += [piece.lower() for piece in pieces] + ([part.lower()] if len(pieces) > 1 else [])
    return " ".join(words)


def insert(db: sqlite3.Connection, entry: Entry, *, last: str, name: str) -> None:
    """Add an entry; `last` is found exactly, `name` by its words."""
    row = db.execute(
        "INSERT INTO entries(symbol, last, signature, text, name, file) VALUES (?, ?, ?, ?, ?, ?)",
        (entry.symbol, last, entry.signature, entry.text, name, entry.file),
    )
    db.execute("INSERT INTO search(rowid, name, text) VALUES (?, ?, ?)", (row.lastrowid, name, entry.text))


def remove(db: sqlite3.Connection, file: str) -> None:
    """Remove the entries of a file; a contentless FTS5 table is told what it held."""
    for number, name, text in db.execute("SELECT id, name, text FROM entries WHERE file = ?", (file,)).fetchall():
        db.execute("INSERT INTO search(search, rowid, name, text) VALUES ('delete', ?, ?, ?)", (number, name, text))
    db.execute("DELETE FROM entries WHERE file = ?", (file,))
    db.execute("DELETE FROM files WHERE name = ?", (file,))
