"""The index of the standard library's docstrings: built once a Python version, in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from deepcoder.errors import DeepCoderError
from deepcoder.knowledge.index import SCHEMA, Entry, insert, name_words

COLLECTOR = Path(__file__).with_name("collect.py")
BUILD_TIMEOUT_S = 120


def default_cache() -> Path:
    """$XDG_CACHE_HOME/deepcoder, or ~/.cache/deepcoder."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "deepcoder"


def stdlib_file(folder: Path) -> Path:
    """The index file of the running Python in `folder`, built (a few seconds) where it is not there yet."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    path = folder / f"stdlib-{sys.implementation.name}-{version}-{code_hash()}.sqlite"
    if not path.exists():
        rows = _collect_apart()
        build(path, lambda db: _fill(db, rows))
    return path


def build(path: Path, fill: Callable[[sqlite3.Connection], None], *, start: Path | None = None) -> None:
    """A new index file at `path`, filled in a temporary one beside it; `start` is copied first, where there is one.

    Two builders at once write the same content: the last one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        if start is not None:
            shutil.copyfile(start, name)
        db = sqlite3.connect(name)
        try:
            if start is None:
                db.executescript(SCHEMA)
            fill(db)
            db.commit()
        finally:
            db.close()
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def code_hash() -> str:
    """A hash of this package's code: an index that other code built is not used."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]


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


def _fill(db: sqlite3.Connection, rows: list[tuple[str, str, str]]) -> None:
    for symbol, signature, text in rows:
        insert(db, Entry(symbol, signature, text), last=symbol.rpartition(".")[2], name=name_words(symbol))
