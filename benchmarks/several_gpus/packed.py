"""Packed rows on one GPU: our step beside Unsloth's own in turns, a packed row beside its parts, what adapters do."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import torch
import torch.nn.functional as F
from benchmarks.several_gpus.process import Notes
from benchmarks.train_step import Batch, Contender, ours, take_turns, theirs
from torch import Tensor

from deepcoder.config import Config
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator, read_examples
from deepcoder.train.hidden import hidden_states, packed_hidden_states
from deepcoder.train.preflight import GIB
from deepcoder.train.student import load_student

Figures = dict[str, float]


class Bench:
    """The student of a recipe with its adapters, and rows of examples."""

    def __init__(self, config: Config) -> None:
        self.steps = 3 * (config.train.max_steps or 20)
        self.model: Any = load_student(config, lambda *_: None).model.train()
        self.head = self.model.get_output_embeddings()  # type: ignore[operator]
        self.examples = read_examples(config.run.dir / "examples")
        plan = plan_batches(self.examples.lengths, batch_size=1, capacity=config.student.max_length)
        self.rows = plan.rows or ()

    def batches(self) -> Iterator[Batch]:
        """Micro-batches of one row each, without end."""
        collate = Collator(self.examples, 3)
        for row in cycle(self.rows):
            yield {name: value.to(self.head.weight.device) for name, value in collate([row]).items()}

    def turns(self) -> Figures:
        """Steps of both on the same rows, model and optimizer: A B, B A, ..."""
        optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-4, fused=True)
        pair = [Contender(loss.__name__, self.model, loss, self.batches()) for loss in (ours, theirs)]
        skip = max(2, self.steps // 10)
        take_turns(pair, 0, skip, optimizer)  # compiles
        for number in range(self.steps):
            take_turns(pair[:: 1 - 2 * (number % 2)], 1, 0, optimizer)
        a, b = pair
        ratios = [y / x for x, y in zip(a.seconds[skip:], b.seconds[skip:], strict=True)]
        first, median, third = statistics.quantiles(ratios)
        quartiles = {"seconds, theirs / ours": median, "quartiles": first, "and": third}
        rates = {f"{way.name}, tokens/s": way.rate(skip) for way in pair}
        return quartiles | rates | {f"{way.name}, peak GiB": way.peak / GIB for way in pair}

    def adapter(self) -> Figures:
        """How far, relatively, the final hidden states move when the adapters are switched on; and in an equal call."""
        ids = torch.arange(10, 74, device=self.head.weight.device)[None]
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            on, again = (hidden_states(self.model, self.head, ids)[0].float() for _ in range(2))
            with self.model.disable_adapter():
                off = hidden_states(self.model, self.head, ids)[0].float()
        return {"moves": float((on - off).norm() / off.norm()), "equal call": float((again - on).norm() / off.norm())}

    def row_beside_parts(self) -> Figures:
        """Each token's loss in packed rows less that in its example alone; and where the row is read as one text."""
        apart, joined, means = [], [], []
        for row, batch in zip(self.rows[:3], self.batches(), strict=False):
            ids, places, start = batch["input_ids"], batch["position_ids"], 0
            packed = self._losses(ids, places)
            one_text = self._losses(ids, torch.arange(ids.shape[1], device=ids.device)[None])
            for length in self.examples.lengths[list(row)].tolist():
                inside = slice(start, start + length - 1)
                alone = self._losses(ids[:, start : start + length])
                apart.append(packed[inside] - alone)
                joined.append(one_text[inside] - alone)
                means.append(float((apart[-1].mean() / alone.mean()).abs()))
                start += length
        gaps, seen = torch.cat(apart), torch.cat(joined)
        figures = {
            "rms": gaps.square().mean().sqrt(),
            "largest": gaps.abs().max(),
            "as one text, rms": seen.square().mean().sqrt(),
        }
        return {name: float(value) for name, value in figures.items()} | {"an example's mean, relative": max(means)}

    def _losses(self, ids: Tensor, places: Tensor | None = None) -> Tensor:
        """(T - 1,) fp32 cross entropy of each next token; `places`: position ids of a packed row."""
        if places is None:
            hidden = hidden_states(self.model, self.head, ids)[0].detach()
        else:
            hidden = packed_hidden_states(self.model, self.head, ids, places, by_lengths=ids.is_cuda).detach()
        weight, targets = self.head.weight.detach().T, torch.split(ids[0, 1:], 256)
        parts = zip(torch.split(hidden[0, :-1], 256), targets, strict=True)
        return torch.cat([F.cross_entropy((rows @ weight).float(), target, reduction="none") for rows, target in parts])


def measure(config: Config, note: Notes) -> None:
    """Note the figures of each part."""
    bench = Bench(config)
    parts: dict[str, Callable[[], Figures]] = {
        "adapter, untrained": bench.adapter, "steps in turns": bench.turns, "adapter, trained": bench.adapter,
        "packed row beside its parts, nats": bench.row_beside_parts,
    }  # fmt: skip
    for name, part in parts.items():
        try:
            note("figures", of=name, figures=part())
        except Exception as error:  # the next part is worth having all the same
            note("figures", of=name, figures={}, error=f"{type(error).__name__}: {error}"[:600])
