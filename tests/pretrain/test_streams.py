from __future__ import annotations

from random import Random

import numpy as np
import pytest
from tokenizers import Tokenizer

from deepcoder.pretrain import streams
from deepcoder.pretrain.cleaning import LABEL
from deepcoder.pretrain.streams import Rows, Workshop, repeated_tokens, rows_of


def test_rows_are_inputs_and_targets_shifted_by_one():
    assert rows_of(np.arange(8, dtype=np.uint16), 3).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]


def test_rows_come_in_a_seeded_order_and_again_with_other_borders():
    tokens = np.arange(1000, dtype=np.uint16)
    first, second = (Rows([tokens], 10, seed=3) for _ in range(2))
    one = first.take(99)
    assert (one == second.take(99)).all()
    assert sorted(one[:, 0].tolist()) == list(range(0, 990, 10))
    again = first.take(50)
    assert (again[:, 0] % 10 != 0).all()


def test_a_stream_without_a_row_is_an_error_not_an_endless_wait():
    with pytest.raises(ValueError, match="no row"):
        Rows([np.arange(5, dtype=np.uint16)], 10, seed=0).take(1)


def test_shards_depend_on_seed_and_number_alone(corpus, tmp_path, monkeypatch):
    def shards(cache=None, seed=0, worked="new", token_lines=0):
        with Workshop(
            corpus, workers=0, seed=seed, shard=500, worked=worked, token_lines=token_lines, cache=cache
        ) as workshop:
            return [future.result().tolist() for future in workshop.shards("rich", 2)]

    first = shards()
    assert first == shards(cache=tmp_path / "kept") == shards(cache=tmp_path / "kept")
    assert first[0] != first[1]
    assert first != shards(seed=1)
    assert first != shards(cache=tmp_path / "kept", worked="carried")
    assert first == shards(token_lines=16)  # text comes first, 256 documents of it
    monkeypatch.setattr(streams, "BATCH", 1)
    assert first == shards()
    with_lines = shards(cache=tmp_path / "kept", token_lines=16)
    assert len(list((tmp_path / "kept").iterdir())) == 6
    tokenizer = Tokenizer.from_file(str(corpus / "tokenizer.json"))
    for index, (plain, tokens) in enumerate(zip(first, with_lines, strict=True)):
        line = repeated_tokens(Random(f"0/rich/{index}/tokens"), tokenizer)
        start = next(i for i in range(1, len(tokens)) if tokens[i : i + len(line)] == line)
        assert tokens[:start] == plain[:start]
        assert tokens[start:] != plain[start:]


def test_the_source_is_split_by_its_text(corpus):
    with Workshop(corpus, workers=0, seed=0, shard=500) as workshop:
        train, held_out = workshop.source()
    with Workshop(corpus, workers=0, seed=9, shard=500) as workshop:
        _, again = workshop.source()
    assert len(train) > len(held_out) > 0
    assert (held_out == again).all()


def test_lines_of_any_tokens_are_the_same_and_show_no_label_where_a_line_begins(corpus):
    tokenizer = Tokenizer.from_file(str(corpus / "tokenizer.json"))
    separator, pad = (tokenizer.token_to_id(token) for token in ("<|endoftext|>", "<|pad|>"))
    seen = set()
    for seed in range(1000):
        *ids, last = repeated_tokens(Random(seed), tokenizer)
        seen.update(ids)
        assert last == separator
        assert not {separator, pad} & set(ids)
        assert not LABEL.search(tokenizer.decode(ids, skip_special_tokens=False))
        halves, thirds = (len(ids) - 1) // 2, (len(ids) - 2) // 3
        assert ids[:halves] == ids[halves + 1 :] or ids[:thirds] == ids[thirds + 1 : 2 * thirds + 1]
    assert tokenizer.token_to_id("<|im_end|>") in seen
