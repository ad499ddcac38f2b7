from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deepcoder.generate.ngrams import code_tokens, hash64, ngrams, repetition, tokens, words

WORDS = st.lists(st.sampled_from("abcde"), max_size=40)


@given(st.text())
def test_words_see_neither_case_nor_punctuation_nor_layout(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found
    assert words(f"  {'; '.join(found)} -\n") == found
    assert all(word.isalnum() for word in found)


def test_words_and_tokens() -> None:
    assert words("Sort min_cost(a,  B)!\n\tﬁne") == ["sort", "min", "cost", "a", "b", "fine"]
    assert tokens("a_b -= 1") == ["a_b", "-", "=", "1"]
    assert tokens("a + b") != tokens("a - b")
    assert code_tokens("x = 1  # one\ny") == ["x", "=", "1", "y"]


@given(WORDS, st.integers(1, 8))
def test_the_number_of_ngrams(run: list[str], n: int) -> None:
    assert len(list(ngrams(run, n))) == max(0, len(run) - n + 1)


@given(WORDS, WORDS, st.integers(1, 8))
def test_two_texts_share_an_ngram_where_they_share_a_run_of_words(left: list[str], right: list[str], n: int) -> None:
    def runs(text: list[str]) -> set[tuple[str, ...]]:
        return {tuple(text[start : start + n]) for start in range(len(text) - n + 1)}

    assert len(set(ngrams(left, n)) & set(ngrams(right, n))) == len(runs(left) & runs(right))


def test_a_hash_is_the_same_in_every_process_and_keeps_words_apart() -> None:
    assert hash64(["a", "b"]) == 0xF84C4D669FE0D410
    assert hash64(["ab"]) != hash64(["a", "b"])


@given(WORDS, st.integers(1, 8))
def test_repetition_is_a_share(run: list[str], n: int) -> None:
    assert 0 <= repetition(run, n) < 1


@given(st.integers(0, 60), st.integers(1, 8))
def test_nothing_repeats_where_every_word_is_new(size: int, n: int) -> None:
    assert repetition([str(number) for number in range(size)], n) == 0


@given(st.integers(8, 30), st.integers(2, 10))
def test_said_k_times_is_almost_one_minus_one_kth(size: int, times: int) -> None:
    block = [f"w{number}" for number in range(size)]
    share = repetition(block * times, 8)
    assert share == 1 - size / (size * times - 7)
    assert share < 1 - 1 / times
