from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.models.nano import load_tokenizer
from deepcoder.pretrain.tokenizer import LABELS, SPECIAL_TOKENS, VOCABULARY, any_of, save_tokenizer, train_tokenizer

CODE = "print(sum(c in 'aeiou' for c in text))"


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer()


def test_vocabulary_and_special_tokens(tokenizer):
    assert len(tokenizer) == VOCABULARY
    ids = tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS))
    assert len(set(ids)) == 4
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|pad|>")
    assert tokenizer.chat_template == CHATML_TEMPLATE


@given(text=st.text(max_size=60))
def test_any_text_comes_back(text):
    tokenizer = load_tokenizer_once()
    plain = re.sub(r"<\|(?:endoftext|im_start|im_end|pad)\|>", "", text)
    assert tokenizer.decode(tokenizer(plain)["input_ids"]) == plain


@given(before=st.sampled_from("'\"([`_/,"), word=st.text("bcdfgkmpquvwxyz", min_size=6, max_size=14))
def test_a_rare_word_has_the_same_tokens_wherever_it_stands(before, word):
    tokenizer = load_tokenizer_once()
    alone = tokenizer.tokenize(word)
    for text in (f"a {word}", f"x{before}{word}", f"{word}"):
        assert tokenizer.tokenize(text)[-len(alone) :] == alone


@given(number=st.integers(0, 10**12))
def test_digits_stand_alone(number):
    assert load_tokenizer_once().tokenize(str(number)) == list(str(number))


def test_each_label_is_one_token(tokenizer):
    assert [len(tokenizer.tokenize(label)) for label in LABELS] == [1] * len(LABELS)
    assert tokenizer.tokenize("Action: finishing")[0] != "Action:Ġfinish"


def test_a_step_is_cheap(tokenizer):
    step = f"Thought: I count the vowels.\nAction: execute_python\nAction Input:\n```python\n{CODE}\n```"
    assert len(tokenizer.tokenize(step)) <= 36


def test_indentation_is_one_token(tokenizer):
    assert len(tokenizer.tokenize("\n    ")) == len(tokenizer.tokenize("\n        ")) == 1


_cache = []


def load_tokenizer_once():
    if not _cache:
        _cache.append(load_tokenizer())
    return _cache[0]


@given(words=st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=8), text=st.text("abc", max_size=5))
def test_the_trie_matches_exactly_the_words(words, text):
    assert (re.fullmatch(any_of(words), text) is not None) == (text in words)


def test_training_is_deterministic_and_loads_back(tmp_path):
    texts = ["def add(a, b):\n    return a + b\n", "Thought: the sum\nAction: finish\nAction Input:\n5\n"] * 30
    first, second = (train_tokenizer(texts, vocabulary=320, frequent_words=4) for _ in range(2))
    assert first.to_str() == second.to_str()
    save_tokenizer(first, tmp_path, CHATML_TEMPLATE)
    loaded = load_tokenizer(tmp_path)
    chat = [{"role": "user", "content": "add 2"}]
    text = loaded.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nadd 2<|im_end|>\n<|im_start|>assistant\n"
    assert loaded.decode(loaded(text)["input_ids"]) == text
