from __future__ import annotations

from typing import Any

import pytest

from deepcoder.score.answer import NoScores, read_answer


def entry(*items: tuple[int, float, int]) -> dict[str, Any]:
    return {str(token): {"logprob": p, "rank": rank, "decoded_token": f"<{token}>"} for token, p, rank in items}


def body(*entries: dict[str, Any] | None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "prompt_logprobs": [None, *entries]}]}


IDS = [3, 8, 9]
BESIDE = entry((8, -4.0, 17), (5, -0.5, 1), (6, -1.5, 2))  # the text's own token has rank 17
AMONG = entry((9, -1.0, 2), (7, -0.75, 1))


def test_the_k_likeliest_are_kept_and_the_own_token_beyond_them_is_not() -> None:
    top = read_answer(body(BESIDE, AMONG), IDS, [1, 2], 2)
    assert top.ids.tolist() == [[5, 6], [7, 9]]
    assert top.log_probs.tolist() == [[-0.5, -1.5], [-0.75, -1.0]]
    assert top.texts == {8: "<8>", 5: "<5>", 6: "<6>", 9: "<9>", 7: "<7>"}


def test_only_trained_tokens_are_read() -> None:
    top = read_answer(body({}, AMONG), IDS, [2], 2)
    assert top.ids.tolist() == [[7, 9]]


def test_minus_infinity_arrives_as_a_number_without_probability() -> None:
    top = read_answer(body(entry((8, -9999.0, 2), (5, 0.0, 1)), AMONG), IDS, [1], 2)
    assert top.ids.tolist() == [[5, 8]]
    assert top.log_probs[0, 1] < -9000


@pytest.mark.parametrize(
    ("answer", "k", "message"),
    [
        ({"choices": [{"text": ""}]}, 2, "without prompt_logprobs"),
        ({"choices": [{"prompt_logprobs": None}]}, 2, "without prompt_logprobs"),
        (body(BESIDE), 2, "scored 2 tokens of 3"),
        (body(AMONG, BESIDE), 2, "entry 1 is not of token 8"),
        (body(None, AMONG), 2, "entry 1 is not of token 8"),
        (body(BESIDE, AMONG), 3, "gives 2 likeliest tokens, not score.k=3"),
        (body(entry((8, float("nan"), 1), (5, -1.0, 2)), AMONG), 2, "not all numbers"),
    ],
)
def test_what_is_no_score_is_refused(answer: dict[str, Any], k: int, message: str) -> None:
    with pytest.raises(NoScores, match=message):
        read_answer(answer, IDS, [1, 2], k)
