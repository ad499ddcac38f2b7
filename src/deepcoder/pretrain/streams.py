"""Token streams: the packages' source, and synthetic shards made by worker processes while training runs.

Shard k of a mix is a pure function of (seed, mix, k), and shards are consumed in order, so that the data of a run does
not depend on how fast the workers are. A row is a slice of the stream of documents, each closed by <|endoftext|>.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from deepcoder.pretrain.carried import SOURCE, is_held_out, load_material, read_rows
from deepcoder.pretrain.cleaning import LABEL
from deepcoder.pretrain.synthetic.mix import documents
from deepcoder.pretrain.tokenizer import END_OF_TEXT, PAD, token_id

Tokens = NDArray[np.uint16]
BATCH = 256
_worker: dict[str, Any] = {}


def encode(texts: Sequence[str], tokenizer: Tokenizer) -> Tokens:
    """Token ids of all texts in a row, each followed by the separator."""
    separator = token_id(tokenizer, END_OF_TEXT)
    ids: list[int] = []
    for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False):
        ids += encoding.ids
        ids.append(separator)
    return np.array(ids, dtype=np.uint16)


def repeated_tokens(rng: Random, tokenizer: Tokenizer) -> list[int]:
    """Any tokens in any order, on two or three lines that are the same: what is learnt is to copy, for every token.

    A token that pre-training never showed would be wrong as a prediction everywhere, and end where nothing finds it.
    The labels of the agent's format are shown here alone, as single tokens among others, never where a line begins.
    """
    separator, pad = token_id(tokenizer, END_OF_TEXT), token_id(tokenizer, PAD)
    while True:
        ids = [rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randint(3, 24))]
        if separator not in ids and pad not in ids and not LABEL.search(tokenizer.decode(ids)):
            break
    line = tokenizer.encode("\n", add_special_tokens=False).ids
    return [*ids, *line, *ids, *((*line, *ids) if rng.random() < 0.5 else ()), separator]


def _start_worker(folder: str, cache: str | None, worked: str, token_lines: int) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _worker["cache"] = Path(cache) if cache else None
    _worker["worked"], _worker["token_lines"] = worked, token_lines
    _worker["material"] = load_material(Path(folder), worked)
    _worker["tokenizer"] = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))


def _encode_texts(texts: list[str]) -> Tokens:
    return encode(texts, _worker["tokenizer"])


def _make_shard(seed: int, mix: str, index: int | str, size: int) -> Tokens:
    """`size` tokens of a mix; kept in the cache folder, where there is one, for the next run of a sweep."""
    name = f"{mix}-{_worker['worked']}-{_worker['token_lines']}-{seed}-{index}-{size}.npy"
    kept = _worker["cache"] / name if _worker["cache"] else None
    if kept is not None and kept.is_file():
        return np.load(kept)  # type: ignore[no-any-return]
    rng, tokenizer = Random(f"{seed}/{mix}/{index}/tokens"), _worker["tokenizer"]
    stream = documents(mix, Random(f"{seed}/{mix}/{index}"), _worker["material"])
    parts: list[Tokens] = []
    while sum(map(len, parts)) < size:
        parts.append(encode([next(stream) for _ in range(BATCH)], tokenizer))
        parts += [np.array(repeated_tokens(rng, tokenizer), dtype=np.uint16) for _ in range(_worker["token_lines"])]
    tokens: Tokens = np.concatenate(parts)[:size]
    if kept is not None:
        partial = kept.with_suffix(f".{os.getpid()}.npy")
        np.save(partial, tokens)
        partial.replace(kept)
    return tokens


class Workshop:
    """The worker processes (0: a thread of this one). Use it as a context manager; leaving it stops them."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int,
        seed: int,
        shard: int,
        worked: str = "new",
        token_lines: int = 0,
        cache: Path | None = None,
    ) -> None:
        self.folder, self.seed, self.shard = folder, seed, shard
        start = (str(folder), str(cache) if cache else None, worked, token_lines)
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
        self._pool: Executor
        if workers:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=start)
        else:  # in this process: for tests
            self._pool = ThreadPoolExecutor(1, initializer=_start_worker, initargs=start)

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def source(self) -> tuple[Tokens, Tokens]:
        """(training, validation) tokens of the packages' source."""
        train: list[str] = []
        held_out: list[str] = []
        for row in read_rows(self.folder / SOURCE):
            (held_out if is_held_out(row["text"]) else train).append(row["text"])
        Random(self.seed).shuffle(train)
        return self._encode(train), self._encode(held_out)

    def _encode(self, texts: list[str]) -> Tokens:
        batches = [texts[i : i + 64] for i in range(0, len(texts), 64)]
        return np.concatenate([np.zeros(0, np.uint16), *self._pool.map(_encode_texts, batches)])

    def shards(self, mix: str, count: int) -> list[Future[Tokens]]:
        """Promises of the first `count` shards of a mix, made in order."""
        return [self._pool.submit(_make_shard, self.seed, mix, index, self.shard) for index in range(count)]

    def validation(self, mix: str, size: int) -> Future[Tokens]:
        """A promise of synthetic validation tokens: the same for every seed."""
        return self._pool.submit(_make_shard, 0, mix, "validation", size)


def rows_of(tokens: Tokens, length: int, offset: int = 0) -> NDArray[np.uint16]:
    """(count, length + 1) rows: inputs and, shifted by one, targets."""
    count = (len(tokens) - 1 - offset) // length
    index = offset + np.arange(count)[:, None] * length + np.arange(length + 1)[None, :]
    rows: NDArray[np.uint16] = tokens[index]
    return rows


class Rows:
    """Rows from token arrays, in a seeded order, again and again; later rounds cut the rows elsewhere."""

    def __init__(self, arrays: Iterable[Tokens | Future[Tokens]], length: int, seed: int) -> None:
        self._arrays = list(arrays)
        self._length, self._random = length, np.random.default_rng(seed)
        self._next, self._round = 0, 0
        self._buffer = np.zeros((0, length + 1), np.uint16)

    def take(self, count: int) -> NDArray[np.uint16]:
        """The next (count, length + 1) rows; waits for a shard that is not made yet."""
        while len(self._buffer) < count:
            if self._next == len(self._arrays):
                self._next, self._round = 0, self._round + 1
            array = self._arrays[self._next]
            tokens = array.result() if isinstance(array, Future) else array
            self._next += 1
            rows = rows_of(tokens, self._length, offset=(self._round * 613) % self._length)
            if not len(rows):
                raise ValueError(f"a stream of {len(tokens)} tokens has no row of {self._length}")
            self._buffer = np.concatenate((self._buffer, self._random.permutation(rows)))
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken
