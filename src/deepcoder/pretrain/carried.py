"""The corpus folder: what `corpus` writes and what training reads on another machine.

source.jsonl.xz    {"source", "text"}: cleaned files of the packages
entries.jsonl.xz   {"symbol", "signature", "text"}: documented functions
worked.jsonl.xz    [instruction, [[thought, input, output, is a look-up], ...], answer, reading] of training problems
words.txt          English words found in the documentation
tokenizer.json, tokenizer_config.json
corpus.json        versions, licences, counts, hashes
"""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from deepcoder.pretrain.synthetic.entries import Entry
from deepcoder.pretrain.synthetic.mix import Material
from deepcoder.pretrain.synthetic.sessions import Session, Turn
from deepcoder.pretrain.synthetic.words import Words

SOURCE, ENTRIES, WORKED, WORDS, MANIFEST = (
    "source.jsonl.xz",
    "entries.jsonl.xz",
    "worked.jsonl.xz",
    "words.txt",
    "corpus.json",
)
HELD_OUT_IN = 100  # one document in so many is kept for validation


def write_rows(path: Path, rows: Iterable[Any]) -> int:
    """JSON lines, xz-compressed; the number of rows."""
    count = 0
    with lzma.open(path, "wt", encoding="utf-8", preset=9 | lzma.PRESET_EXTREME) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_rows(path: Path) -> Iterator[Any]:
    """The rows of such a file; none where it is not there."""
    if path.is_file():
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def is_held_out(text: str) -> bool:
    """Whether a source document belongs to the validation split; depends on its text alone."""
    return zlib.crc32(text.encode()) % HELD_OUT_IN == 0


def load_material(folder: Path, worked: str = "carried") -> Material:
    """What the synthetic generators draw on. `worked`: see Settings."""
    words = Words((folder / WORDS).read_text(encoding="utf-8").split() if (folder / WORDS).is_file() else [])
    entries = [Entry(**row) for row in read_rows(folder / ENTRIES)]
    carried = [Session(row[0], tuple(Turn(*turn) for turn in row[1]), *row[2:]) for row in read_rows(folder / WORKED)]
    if worked == "carried":
        return Material(words, entries, carried)
    from deepcoder.pretrain.synthetic.fresh import fresh_lookups, fresh_sessions  # these need pydantic and yaml
    from deepcoder.pretrain.synthetic.lookups import Library

    lookups = partial(fresh_lookups, Library(entries)) if entries else None
    return Material(words, entries, carried, partial(fresh_sessions, words), lookups)
