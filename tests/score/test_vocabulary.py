from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerBase

from deepcoder.errors import AlignmentError
from deepcoder.models.nano import load_tokenizer
from deepcoder.score.vocabulary import PROBE, Vocabulary


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer()


@pytest.fixture
def vocabulary(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    return Vocabulary(tokenizer, "scorer")


def test_its_own_tokenization_and_every_spelling_are_the_same(
    tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary
) -> None:
    assert not vocabulary.seen
    vocabulary.check_tokenization(tokenizer(PROBE, add_special_tokens=False)["input_ids"])
    assert vocabulary.seen
    vocabulary.check_texts({token: tokenizer.decode([token]) for token in range(len(tokenizer))})
    vocabulary.check_texts({token: tokenizer.convert_ids_to_tokens(token) for token in range(len(tokenizer))})


def test_a_token_with_a_space_is_another_than_one_without(
    tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary
) -> None:
    token = next(token for token in range(300, 4096) if tokenizer.decode([token]).startswith(" t"))
    with pytest.raises(AlignmentError, match=f"token {token} is"):
        vocabulary.check_texts({token: tokenizer.decode([token]).strip()})
    assert not vocabulary.seen


def test_a_part_of_a_character_may_be_spelled_by_its_neighbours(
    tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary
) -> None:
    token = tokenizer("é", add_special_tokens=False)["input_ids"][0]
    assert "\ufffd" in tokenizer.decode([token])
    vocabulary.check_texts({token: "é", 300: None})


def test_nothing_to_compare_is_not_enough(vocabulary: Vocabulary) -> None:
    vocabulary.check_texts({5: None})
    with pytest.raises(AlignmentError, match="cannot be compared"):
        vocabulary.require()


def test_a_longer_tokenization_is_another_one(tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary) -> None:
    ids = tokenizer(PROBE, add_special_tokens=False)["input_ids"]
    with pytest.raises(AlignmentError, match=f"makes {len(ids) + 1} tokens of a text that has {len(ids)} here"):
        vocabulary.check_tokenization([*ids, 5])
