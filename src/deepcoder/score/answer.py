"""vLLM's `prompt_logprobs`, read: the k likeliest tokens at each trained token.

    choices[0].prompt_logprobs = [null, {"ID": {"logprob", "rank", "decoded_token"}, ...}, ...]

One entry a token of the prompt, null for the first; entry t is the distribution that predicts the token at t.
It holds the k likeliest tokens and the text's own one, which has a rank beyond k where it is not among them.
-inf is written as -9999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcoder.errors import ProviderError


class NoScores(ProviderError):
    """An answer without the scores that were asked for."""


@dataclass(frozen=True)
class Top:
    """At n trained tokens: `ids` (n, k) and `log_probs` (n, k), the likeliest first; `texts`: ids as the server spells.

    A text is None where the server does not tell.
    """

    ids: NDArray[np.int32]
    log_probs: NDArray[np.float16]
    texts: dict[int, str | None]


def read_answer(body: Any, input_ids: Sequence[int], positions: Sequence[int], k: int) -> Top:
    """The scores of the tokens at `positions` of the prompt `input_ids`.

    Raises NoScores where they are missing, incomplete or of another text; KeyError, TypeError and their kind
    where the answer has another form.
    """
    entries = body["choices"][0].get("prompt_logprobs")
    if entries is None:
        raise NoScores(
            "the server answers without prompt_logprobs", hint="scores need vLLM, or a server that has this field too"
        )
    if len(entries) != len(input_ids):
        raise NoScores(f"the server scored {len(entries)} tokens of {len(input_ids)}")
    texts: dict[int, str | None] = {}
    ids, log_probs = np.empty((len(positions), k), np.int32), np.empty((len(positions), k), np.float16)
    for row, position in enumerate(positions):
        entry = entries[position] or {}
        if str(input_ids[position]) not in entry:
            raise NoScores(f"the server's entry {position} is not of token {input_ids[position]}, which stands there")
        best = sorted(((float(item["logprob"]), int(name)) for name, item in entry.items()), reverse=True)[:k]
        if len(best) < k:
            raise NoScores(
                f"the server gives {len(best)} likeliest tokens, not score.k={k}", hint=f"score.k={len(best)}"
            )
        log_probs[row], ids[row] = [item[0] for item in best], [item[1] for item in best]
        texts.update((int(name), item.get("decoded_token")) for name, item in entry.items())
    if not np.isfinite(log_probs).all():
        raise NoScores("the server's log-probabilities are not all numbers")
    return Top(ids, log_probs, texts)
