"""How good a base is for its purpose, in a minute: a short SAD fine-tuning, then held-out actions.

    python -m deepcoder.pretrain probe --examples FILE.npz --base DIR [DIR ...]

The measures are proxies, without tools: `forced` is the share of held-out examples all of whose ACT tokens are the
model's first choice when the expert's text is forced; `free` is the share whose first step, generated greedily from the
problem alone, has the expert's own action text; `nll` is the mean loss of ACT tokens. They rank bases; the success
rate of episodes is what `deepcoder evaluate` measures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoTokenizer, Qwen3MoeForCausalLM

from deepcoder.pretrain.forward import Pretraining, visible_mask

PROMPT, REASON, ACT, OBSERVATION = range(4)
BATCH = 8
NEW_TOKENS = 160


@dataclass(frozen=True)
class Example:
    """Token ids and span ids of one trajectory."""

    ids: np.ndarray
    spans: np.ndarray

    def first_step(self) -> tuple[list[int], list[int]]:
        """Ids before the first trained token, and those of the first ACT span."""
        start = int(np.argmax((self.spans == REASON) | (self.spans == ACT)))
        acts = np.flatnonzero(self.spans == ACT)
        end = acts[np.argmax(np.diff(acts, append=acts[-1] + 2) > 1)] + 1
        return self.ids[:start].tolist(), self.ids[acts[0] : end].tolist()


def read_splits(file: Path) -> dict[str, list[Example]]:
    """The splits of a file that `probe-data` wrote."""
    with np.load(file) as arrays:
        names = [key.removesuffix("_ends") for key in arrays.files if key.endswith("_ends")]
        return {
            name: [
                Example(ids, spans)
                for ids, spans in zip(
                    np.split(arrays[f"{name}_ids"], arrays[f"{name}_ends"][:-1]),
                    np.split(arrays[f"{name}_spans"], arrays[f"{name}_ends"][:-1]),
                    strict=True,
                )
            ]
            for name in names
        }


def batches(
    examples: list[Example], size: int, pad: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(ids, spans, documents) right-padded to a multiple of 64; padding is a document of its own."""
    for start in range(0, len(examples), size):
        chunk = examples[start : start + size]
        length = -(-max(len(example.ids) for example in chunk) // 64) * 64
        ids = torch.full((len(chunk), length), pad)
        spans = torch.zeros(len(chunk), length, dtype=torch.long)
        documents = torch.ones(len(chunk), length, dtype=torch.long)
        for row, example in enumerate(chunk):
            count = len(example.ids)
            ids[row, :count] = torch.from_numpy(example.ids.astype(np.int64))
            spans[row, :count] = torch.from_numpy(example.spans.astype(np.int64))
            documents[row, :count] = 0
        yield ids.to(device), spans.to(device), documents.to(device)


def token_losses(model: Pretraining, ids: Tensor, documents: Tensor) -> tuple[Tensor, Tensor]:
    """(loss of token t + 1, whether it is the first choice), both (rows, length - 1)."""
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.is_cuda):
        states, _ = model.hidden(ids, visible_mask(documents))
        logits = F.linear(states, model.model.lm_head.weight)[:, :-1].float()
    targets = ids[:, 1:]
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
    return losses, logits.argmax(-1) == targets


def fine_tune(model: Pretraining, examples: list[Example], rate: float, epochs: int, pad: int, seed: int = 0) -> float:
    """SAD with both weights 1, AdamW, warm-up then linear decay; the last hundred steps' mean loss."""
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    steps = epochs * -(-len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / max(1, steps // 20)) * max(0.05, 1 - step / steps)
    )
    order = np.random.default_rng(seed)
    recent: list[Tensor] = []
    for _ in range(epochs):
        shuffled = [examples[i] for i in order.permutation(len(examples))]
        for ids, spans, documents in batches(shuffled, BATCH, pad, device):
            losses, _ = token_losses(model, ids, documents)
            roles = spans[:, 1:]
            loss = sum(losses[roles == role].mean() for role in (REASON, ACT) if bool((roles == role).any()))
            assert isinstance(loss, Tensor)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            recent = [*recent[-99:], loss.detach()]
    return float(torch.stack(recent).mean())


@torch.no_grad()
def forced(model: Pretraining, examples: list[Example], pad: int) -> dict[str, float]:
    """Teacher-forced: share of examples with every ACT token right, and the mean loss of ACT tokens."""
    device = next(model.parameters()).device
    right, total, count = 0, 0.0, 0
    for ids, spans, documents in batches(examples, 32, pad, device):
        losses, hits = token_losses(model, ids, documents)
        act = spans[:, 1:] == ACT
        right += int((hits | ~act).all(1).sum())
        total += float(losses[act].sum())
        count += int(act.sum())
    return {"forced": right / len(examples), "nll": total / count}


@torch.no_grad()
def free(model: Qwen3MoeForCausalLM, examples: list[Example], pad: int, stop: int) -> float:
    """Share of examples whose first step, generated greedily, ends with the expert's own action."""
    device = model.device
    right = 0
    for start in range(0, len(examples), 64):
        chunk = [example.first_step() for example in examples[start : start + 64]]
        width = max(len(prompt) for prompt, _ in chunk)
        ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt, _ in chunk], device=device)
        mask = (
            torch.arange(width, device=device)[None]
            >= width - torch.tensor([[len(p)] for p, _ in chunk], device=device)
        ).long()
        made = model.generate(  # type: ignore[misc]
            ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=stop, pad_token_id=pad
        )[:, width:].tolist()
        for row, (_, act) in zip(made, chunk, strict=True):
            turn = row[: row.index(stop) + 1] if stop in row else row
            wanted = act[: act.index(stop) + 1] if stop in act else act
            right += turn[-len(wanted) :] == wanted
    return right / len(examples)


def probe(
    base: Path, splits: dict[str, list[Example]], *, rate: float, epochs: int, limit: int, save: Path | None = None
) -> dict[str, object]:
    """Fine-tune one base and measure every held-out split; the student is kept in `save`, where given."""
    began = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    model: Any = Qwen3MoeForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    model.to(device)
    pad, stop = int(tokenizer.pad_token_id), int(tokenizer.eos_token_id)
    training = Pretraining(model)
    loss = fine_tune(training, splits["train"][: limit or None], rate, epochs, pad)
    model.eval()
    result: dict[str, object] = {"base": str(base), "examples": limit or len(splits["train"]), "sad_loss": loss}
    for name, examples in splits.items():
        if name != "train":
            result[name] = forced(training, examples, pad) | {"free": free(model, examples, pad, stop)}
    if save is not None:
        model.to(torch.bfloat16).save_pretrained(save, max_shard_size="15MB")
        tokenizer.save_pretrained(save)
    return result | {"seconds": time.monotonic() - began}


def probe_all(arguments: argparse.Namespace) -> None:
    """Probe bases one after another, with each number of examples, and print one JSON line each."""
    splits = read_splits(arguments.examples)
    for base, limit in itertools.product(arguments.base, arguments.limit):
        save = arguments.save / f"{base.name}-{limit}" if arguments.save else None
        found = probe(base, splits, rate=arguments.learning_rate, epochs=arguments.epochs, limit=limit, save=save)
        line = json.dumps(found)
        print(line, flush=True)
        if arguments.out is not None:
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
