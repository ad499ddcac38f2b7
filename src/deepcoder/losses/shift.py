"""The next-token shift. `trained_positions` owns it; nothing else in DeepCoder adds or subtracts one.

The hidden state at position t predicts the token at t + 1, so a token is trained through the row
before it. The first token of a row of the batch has no such row and is never trained; in a packed row
the first token of every document is template text, so no document predicts into the next.
"""

from __future__ import annotations

from torch import Tensor

REASON, ACT = 1, 2  # deepcoder.records.Span, which this package may not import; a test holds them equal


def trained_positions(span_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Where the trained tokens are, and the rows that predict them.

    span_ids (B, T) -> (rows, tokens), two (n,) index tensors into the flattened B*T positions:
    `rows = tokens - 1`, for every token at t >= 1 whose span is REASON or ACT.
    """
    trained = (span_ids == REASON) | (span_ids == ACT)
    trained[:, :1] = False
    tokens = trained.flatten().nonzero().squeeze(1)
    return tokens - 1, tokens


def select_rows(
    hidden: Tensor, input_ids: Tensor, span_ids: Tensor, positions: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The rows of `hidden` that predict trained tokens, those tokens and their spans.

    hidden (B, T, d), input_ids (B, T), span_ids (B, T) -> rows (n, d), targets (n,), spans (n,).
    Differentiable in `hidden`; with nothing trained n is 0 and the gradient is zeros. A teacher's hidden
    states or logits over the same tokens go through the same function. `positions`: what
    `trained_positions(span_ids)` gave, for who found them before the forward pass: a GPU is waited for there.
    """
    if hidden.shape[:2] != input_ids.shape or input_ids.shape != span_ids.shape:
        raise ValueError(
            f"hidden {tuple(hidden.shape)}, input_ids {tuple(input_ids.shape)} and span_ids "
            f"{tuple(span_ids.shape)} must agree in (B, T)"
        )
    rows, tokens = trained_positions(span_ids) if positions is None else positions
    return (
        hidden.flatten(0, 1).index_select(0, rows),
        input_ids.flatten().index_select(0, tokens),
        span_ids.flatten().index_select(0, tokens),
    )


def select_scores(scores: Tensor, span_ids: Tensor) -> Tensor:
    """Stored per-token scores (B, T, ...) of the trained tokens, (n, ...), in the order of `select_rows`.

    `scores[b, t]` belongs to the token at t, that is to the distribution that predicted it (as a
    server's prompt_logprobs gives it): no shift here.
    """
    _, tokens = trained_positions(span_ids)
    return scores.flatten(0, 1).index_select(0, tokens)
