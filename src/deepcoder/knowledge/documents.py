"""Which files `knowledge.paths` names, and their text. Text only: nothing is imported, unpickled or run.

A path is a file, a folder (taken with what is below it) or a glob. In folders and globs count files with a suffix of
`knowledge.suffixes`; names that begin with a dot are left out. A link that leads out of its folder is refused.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

from deepcoder.config import KnowledgeConfig
from deepcoder.errors import KnowledgeError

_SKIPPED = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True)
class Document:
    """A file's text. `name` is what a model is shown of its path: folder/sub/file.md, never where the folder lies."""

    name: str
    digest: str
    text: str


@dataclass(frozen=True)
class _Found:
    name: str
    path: Path
    root: Path | None = None  # the folder in which it was found


def read_documents(config: KnowledgeConfig) -> Iterator[Document]:
    """The documents of the config, sorted by name. KnowledgeError names the path or the file at fault."""
    found = sorted(_found(config), key=lambda each: each.name)
    for one, other in pairwise(found):
        if one.name == other.name:
            raise KnowledgeError(
                f"two documents would be called {one.name}: {one.path} and {other.path}",
                hint="name a folder above both in knowledge.paths, or rename one",
            )
    limit = int(config.max_file_mb * 1e6)
    for each in found:
        data = _bytes(each.path, limit)
        yield Document(each.name, hashlib.sha256(data).hexdigest(), _text(each.path, data))


def _found(config: KnowledgeConfig) -> Iterator[_Found]:
    seen: set[Path] = set()
    for named in config.paths:
        count = 0
        for found in _below(named, config.suffixes):
            if any(fnmatch(found.name, each) or fnmatch(f"/{found.name}", each) for each in config.exclude):
                continue
            count += 1
            real = found.path.resolve()
            if found.root is not None and not real.is_relative_to(found.root.resolve()):
                raise KnowledgeError(
                    f"{found.path} is a link to a file outside {found.root}",
                    hint="put its target into knowledge.paths, or the link into knowledge.exclude",
                )
            if real not in seen:
                seen.add(real)
                yield found
        if not count:
            raise KnowledgeError(
                f"knowledge.paths: {named!r} gives no document",
                hint=f"it must be a file, a folder or a glob; of folders count {' '.join(config.suffixes)}",
            )


def _below(named: str, suffixes: Sequence[str]) -> Iterator[_Found]:
    path = Path(named).expanduser()
    if path.is_file():
        yield _Found(path.name, path)
    elif path.is_dir():
        yield from _in_folder(path, _files(path), suffixes)
    else:
        root = _fixed_part(path)
        if root != path:
            yield from _in_folder(root, root.glob(str(path.relative_to(root))), suffixes)


def _in_folder(root: Path, paths: Iterator[Path], suffixes: Sequence[str]) -> Iterator[_Found]:
    for path in paths:
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") or part in _SKIPPED for part in parts)
        if hidden or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        yield _Found(Path(root.resolve().name, *parts).as_posix(), path, root)


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder; links to folders are not followed."""

    def refuse(error: OSError) -> None:
        raise _unreadable(Path(error.filename), error)

    for folder, _, names in os.walk(root, onerror=refuse):
        yield from (Path(folder, name) for name in names)


def _fixed_part(path: Path) -> Path:
    """`notes/*/a*.md` -> `notes`; a path without wildcards is its own fixed part."""
    parts = path.parts
    wild = next((number for number, part in enumerate(parts) if glob.has_magic(part)), None)
    return path if wild is None else Path(*parts[:wild])


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > limit:
                raise KnowledgeError(
                    f"document {path} is larger than {limit / 1e6:g} MB",
                    hint="raise knowledge.max_file_mb, or leave it out by knowledge.exclude",
                )
            return file.read()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> KnowledgeError:
    return KnowledgeError(
        f"document {path} cannot be read: {error.strerror or error}",
        hint="allow it to be read, or leave it out of knowledge.paths",
    )


def _text(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(
            f"document {path} is not UTF-8 text: {error.reason} at byte {error.start}",
            hint="convert it (iconv -t UTF-8), or leave it out by knowledge.exclude",
        ) from None
    if "\0" in text:
        raise KnowledgeError(
            f"document {path} is binary, not text: byte {text.index(chr(0))} is 0",
            hint="leave it out by knowledge.exclude",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
