"""Tokens that the base has never seen: their embeddings are learned first, alone.

nano's base knows no label of the agent's format and no mark of a turn. As outputs these tokens were wrong at every
position of pre-training, and Adam turned that small, steady gradient into full steps: all of them stand at one and the
same place, <|pad|> among them, the farthest from whatever comes next. A student whose whole body is trained from there
tears itself apart to reach them, and forgets. A few steps in which nothing but these rows of the embedding may move
cost no knowledge, and what is left to learn needs a fifth of the learning rate (docs/LOG.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from deepcoder.errors import TrainingError
from deepcoder.losses import sad_loss, select_rows, trained_positions
from deepcoder.records import Span
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator
from deepcoder.train.hidden import hidden_states

if TYPE_CHECKING:
    from deepcoder.config import TrainConfig

ALIKE = 0.995  # cosine; tokens seen a few times reach 0.99


def unseen_tokens(embedding: Tensor, pad: int) -> Tensor:
    """Ids of the tokens whose embedding is the padding token's, which no text has; without itself.

    `embedding`: (vocabulary, hidden). None for a random one, or for a base that was trained on its padding token.
    """
    alike = torch.cosine_similarity(embedding.float(), embedding[pad].float()[None]) > ALIKE
    alike[pad] = False
    return alike.nonzero().flatten()


def learn_new_tokens(
    model: nn.Module, collator: Collator, train: TrainConfig, seed: int, show: Callable[[str], None]
) -> int:
    """Train the embeddings of the unseen tokens that the examples hold, in place; how many there are.

    Adam on the SAD loss with both lambdas 1, `train.new_token_steps` steps, the rate falling linearly to zero. Every
    other weight stays, to the bit. The same for the same seed.
    """
    embedding: Tensor = model.get_input_embeddings().weight  # type: ignore[operator]
    if model.get_output_embeddings().weight is not embedding:  # type: ignore[operator]
        raise TrainingError("train.new_token_steps needs a student whose head is its embedding, as nano's is")
    unseen = unseen_tokens(embedding.detach(), collator.pad_token_id)
    new = unseen[torch.isin(unseen, torch.from_numpy(np.unique(collator.examples.tokens)).to(unseen))]
    if not len(new):
        return 0
    flags = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    model.requires_grad_(False)
    embedding.requires_grad_(True)
    rows = torch.zeros(len(embedding), 1, device=embedding.device).index_fill_(0, new, 1.0)
    hook = embedding.register_hook(lambda gradient: gradient * rows)
    try:
        _learn(model, embedding, collator, train, seed, show)
    finally:
        hook.remove()
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(flags[name])
            parameter.grad = None
    return len(new)


def _learn(
    model: nn.Module, embedding: Tensor, collator: Collator, train: TrainConfig, seed: int, show: Callable[[str], None]
) -> None:
    steps = train.new_token_steps
    optimizer = torch.optim.Adam([embedding], lr=train.new_token_learning_rate)  # a row without gradient stays
    plan = plan_batches(collator.examples.lengths, batch_size=train.batch_size, max_steps=steps, seed=seed)
    for step, batch in enumerate(plan.micro_batches(0)):
        optimizer.param_groups[0]["lr"] = train.new_token_learning_rate * (1 - step / steps)
        loss = _loss(model, collator(batch), embedding)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % train.logging_steps == 0 or step == steps - 1:
            show(f"new tokens {step + 1}/{steps}  loss {loss.item():.3f}")


def _loss(model: nn.Module, inputs: dict[str, Tensor], head: Tensor) -> Tensor:
    inputs = {name: value.to(head.device) for name, value in inputs.items()}
    hidden, _ = hidden_states(model, model.get_output_embeddings(), inputs["input_ids"])  # type: ignore[operator]
    positions = trained_positions(inputs["span_ids"])
    rows, targets, spans = select_rows(hidden, inputs["input_ids"], inputs["span_ids"], positions)
    counts = [(spans == span).sum().clamp(min=1) for span in (Span.REASON, Span.ACT)]
    return sad_loss(
        rows, head, targets, spans, lambda_reason=1.0, lambda_act=1.0, n_reason=counts[0], n_act=counts[1]
    ).loss
