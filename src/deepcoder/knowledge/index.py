"""A SQLite FTS5 index over the collected docstrings: built once a Python version, then opened read-only.

A query that is exactly a symbol (`heapq.heappush`, `heappush`) gives the entries of that name and nothing
else. Otherwise dotted symbols inside the query come first, then bm25 over name and text with the name
weighted up. The same Python gives the same answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deepcoder.errors import DeepCoderError

COLLECTOR = Path(__file__).with_name("collect.py")
BUILD_TIMEOUT_S = 120

_STOP_WORDS = frozenset({
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "function", "functions",
    "get", "give", "how", "i", "in", "into", "is", "it", "its", "library", "me", "method", "module", "of", "on", "or",
    "provides", "python", "returns", "standard", "stdlib", "that", "the", "there", "this", "to", "two", "use", "used",
    "using", "what", "when", "which", "with", "without", "would", "you",
})  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One documented name. `text` is the first paragraph of its documentation, at most some 240 characters."""

    symbol: str
    signature: str
    text: str

    def render(self) -> str:
        """What a model is shown: the signature, then the text."""
        return f"{self.signature}\n{self.text}"


class KnowledgeIndex:
    """Search over the index; opened by `open_index`. One connection; safe to use from several threads in turn."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)

    def search(self, query: str, limit: int = 3) -> list[Entry]:
        """The `limit` best entries, best first; empty where nothing matches. Any text is a valid query."""
        found: dict[str, Entry] = {}
        for entry in self._candidates(query, limit):
            found.setdefault(entry.symbol, entry)
            if len(found) == limit:
                break
        return list(found.values())

    def __len__(self) -> int:
        """Number of entries."""
        return int(self._db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _candidates(self, query: str, limit: int) -> Iterable[Entry]:
        whole = query.strip().strip("`'\"?. ").removesuffix("()")
        exact = list(self._exact(whole))
        if exact:
            yield from exact
            return
        dotted = re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", query)
        for symbol in dotted:
            yield from self._exact(symbol)
        words = [word for word in re.findall(r"[a-z0-9]+", query.lower()) if word not in _STOP_WORDS]
        if words:
            yield from self._ranked(words, limit)

    def _exact(self, symbol: str) -> Iterable[Entry]:
        """Entries that are called exactly so: the whole symbol, or its last part; shorter symbols first."""
        rows = self._db.execute(
            "SELECT symbol, signature, text FROM entries WHERE symbol = :s COLLATE NOCASE OR last = :s "
            "ORDER BY symbol = :s DESC, symbol = :s COLLATE NOCASE DESC, "
            "length(symbol) - length(replace(symbol, '.', '')), length(symbol), symbol LIMIT 20",
            {"s": symbol},
        )
        return (Entry(*row) for row in rows)

    def _ranked(self, words: list[str], limit: int) -> Iterable[Entry]:
        match = " OR ".join(f'"{word}"' for word in dict.fromkeys(words))
        rows = self._db.execute(
            "SELECT e.symbol, e.signature, e.text FROM search s JOIN entries e ON e.id = s.rowid "
            "WHERE search MATCH ? ORDER BY round(bm25(search, 4.0, 1.0), 4), length(e.symbol), e.symbol LIMIT ?",
            (match, limit + 20),
        )
        return (Entry(*row) for row in rows)


def open_index(cache_dir: Path | None = None) -> KnowledgeIndex:
    """The index of the running Python, built (a few seconds) where `cache_dir` has none yet.

    `cache_dir` defaults to $XDG_CACHE_HOME/deepcoder, or ~/.cache/deepcoder.
    """
    folder = default_cache() if cache_dir is None else cache_dir
    version = "{}.{}.{}".format(*sys.version_info[:3])
    path = folder / f"stdlib-{sys.implementation.name}-{version}-{_source_hash()}.sqlite"
    if not path.exists():
        _build(path)
    return KnowledgeIndex(path)


def default_cache() -> Path:
    """$XDG_CACHE_HOME/deepcoder, or ~/.cache/deepcoder."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "deepcoder"


def name_words(symbol: str) -> str:
    """The words in a symbol, for the search: `collections.OrderedDict` -> `collections ordered dict ordereddict`."""
    words = []
    for part in re.split(r"[._]", symbol):
        pieces = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", part)
        words += [piece.lower() for piece in pieces] + ([part.lower()] if len(pieces) > 1 else [])
    return " ".join(words)


def _source_hash() -> str:
    """A hash of this package's code: an index that other code built is not used."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + COLLECTOR.read_bytes())
    return digest.hexdigest()[:10]


def _build(path: Path) -> None:
    rows = _collect_apart()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        _write(Path(name), rows)
        Path(name).replace(path)  # two builders at once write the same bytes: the last one wins
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _collect_apart() -> list[tuple[str, str, str]]:
    command = [sys.executable, "-I", "-W", "ignore", str(COLLECTOR)]
    with tempfile.TemporaryDirectory(prefix="deepcoder-") as empty:
        environment = {**os.environ, "COLUMNS": "80", "PYTHONHASHSEED": "0"}
        done = subprocess.run(
            command, cwd=empty, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, encoding="utf-8", timeout=BUILD_TIMEOUT_S, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise DeepCoderError(
            f"the documentation index could not be built: {done.stderr.strip()[-500:]}",
            hint="run `python -m deepcoder.knowledge.collect` to see where it stops",
        )
    # A module that prints on import (none is known to) must not break the rest.
    return [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]


def _write(path: Path, rows: list[tuple[str, str, str]]) -> None:
    db = sqlite3.connect(path)
    try:
        db.executescript(
            """
            CREATE TABLE entries(id INTEGER PRIMARY KEY, symbol TEXT, last TEXT, signature TEXT, text TEXT);
            CREATE VIRTUAL TABLE search USING fts5(name, text, content='', tokenize='porter unicode61');
            """
        )
        for number, (symbol, signature, text) in enumerate(rows, 1):
            last = symbol.rpartition(".")[2]
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (number, symbol, last, signature, text))
            db.execute("INSERT INTO search(rowid, name, text) VALUES (?, ?, ?)", (number, name_words(symbol), text))
        db.executescript(
            """
            CREATE INDEX by_symbol ON entries(symbol COLLATE NOCASE);
            CREATE INDEX by_last ON entries(last);
            """
        )
        db.commit()
    finally:
        db.close()
