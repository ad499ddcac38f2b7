"""The index of one's own documents, beside the standard library's entries or without them.

A file is named by the hash of what it holds: the documents, the way they are cut, this code. When documents have
changed, the new file begins as a copy of the newest one of the same settings, in which the entries of removed and
changed documents are replaced; it then holds what one built from nothing holds.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from deepcoder.config import KnowledgeConfig
from deepcoder.errors import KnowledgeError
from deepcoder.knowledge.documents import Document, read_documents
from deepcoder.knowledge.index import Entry, insert, name_words, remove
from deepcoder.knowledge.pieces import pieces
from deepcoder.knowledge.python_source import definitions_of
from deepcoder.knowledge.sections import sections_of
from deepcoder.knowledge.stdlib import build, code_hash, stdlib_file

# Files of one lineage that stay: another process may be about to open the last but one.
KEPT = 3


def own_file(config: KnowledgeConfig, folder: Path) -> Path:
    """The index file of `config.paths` in `folder`, built or brought up to date where it is not there yet.

    Raises KnowledgeError.
    """
    found = {each.name: each for each in read_documents(config)}
    base = stdlib_file(folder) if config.stdlib else None
    places = [str(Path(each).expanduser().resolve()) for each in config.paths]
    lineage = _hash([code_hash(), base.name if base else "", config.chunk_chars, places])
    content = _hash([[each.name, each.digest] for each in found.values()])
    path = folder / f"documents-{lineage}-{content}.sqlite"
    if not path.exists():
        newest = _files(folder, lineage)
        build(path, lambda db: _update(db, found, config.chunk_chars), start=newest[0] if newest else base)
        for old in _files(folder, lineage)[KEPT:]:
            old.unlink(missing_ok=True)
    return path


def entries_of(document: Document, limit: int) -> Iterator[tuple[Entry, str, str]]:
    """(entry, what is found exactly, words of its name) for each piece of a document, in order."""
    if document.name.endswith(".py") and (definitions := definitions_of(document.name, document.text)) is not None:
        parts = [(each.symbol, each.signature, each.text, each.symbol.rpartition(".")[2]) for each in definitions]
    else:
        parts = []
        for section in sections_of(document.name, document.text):
            title = " > ".join((document.name, *section.headings))
            parts.append((title, title, section.text, ""))
    taken: dict[str, int] = {}
    for symbol, signature, text, last in parts:
        for piece in pieces(text, limit):
            number = taken[symbol] = taken.get(symbol, 0) + 1
            mark = f" ({number})" if number > 1 else ""
            name = name_words(symbol) if last else symbol
            yield Entry(symbol + mark, signature + mark, piece, document.name), last, name


def _update(db: sqlite3.Connection, found: Mapping[str, Document], limit: int) -> None:
    """Make the index hold these documents; what it has of them already stays."""
    known: dict[str, str] = dict(db.execute("SELECT name, digest FROM files"))
    for name in known:
        if name not in found or found[name].digest != known[name]:
            remove(db, name)
    for name, document in found.items():
        if known.get(name) == document.digest:
            continue
        for entry, last, words in entries_of(document, limit):
            insert(db, entry, last=last, name=words)
        db.execute("INSERT INTO files VALUES (?, ?)", (name, document.digest))
    if not db.execute("SELECT 1 FROM entries LIMIT 1").fetchone():
        raise KnowledgeError("the documents of knowledge.paths hold no text", hint="check knowledge.paths")


def _files(folder: Path, lineage: str) -> list[Path]:
    """The index files of a lineage, newest first."""
    times: dict[Path, int] = {}
    for path in folder.glob(f"documents-{lineage}-*.sqlite"):
        with suppress(FileNotFoundError):  # another process has just cleared it away
            times[path] = path.stat().st_mtime_ns
    return sorted(times, key=lambda path: times[path], reverse=True)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
