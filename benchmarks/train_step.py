"""One training step, tokens a second, beside its peers, on the same batches in the same process.

    python benchmarks/train_step.py                          # nano on the CPU
    python benchmarks/train_step.py --checkpoint DIR         # a large student through Unsloth, on a GPU
    python benchmarks/train_step.py --examples RUN/examples  # real lengths and spans

CPU peers: transformers' own step (labels in, all logits made), as it is used by default (batches in random
order) and with our length buckets; and ours with packed rows, and without length buckets. GPU peer: Unsloth's
own step on the same model; the two forms of its forward are switched by its environment variables, so each
has its process.
Steps of all peers take turns, so that a busy machine slows all of them alike: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from deepcoder.config import Config, LoraConfig, StudentConfig, TrainConfig
from deepcoder.losses import ACT, REASON, sad_loss, select_rows
from deepcoder.models.nano import load_nano
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator, ExampleSet, read_examples
from deepcoder.train.hidden import hidden_states

Batch = dict[str, Tensor]


@dataclass
class Contender:
    """A way to train: its own model and optimizer, the loss of a batch, its batches."""

    name: str
    model: nn.Module
    loss: Callable[[nn.Module, Batch], Tensor]
    batches: Iterator[Batch]
    seconds: list[float]
    tokens: list[int]

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Train on the next batch, and note time and tokens."""
        batch = next(self.batches)
        _wait()
        start = time.perf_counter()
        self.loss(self.model, batch).backward()
        torch.nn.utils.clip_grad_norm_((p for p in self.model.parameters() if p.requires_grad), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        _wait()
        self.seconds.append(time.perf_counter() - start)
        self.tokens.append(int(batch["attention_mask"].sum()))

    def rate(self, skip: int) -> float:
        """Real (unpadded) tokens a second over all but the first steps."""
        return sum(self.tokens[skip:]) / sum(self.seconds[skip:])


def ours(model: nn.Module, batch: Batch) -> Tensor:
    """SAD from hidden states of the trained rows."""
    head: nn.Linear = model.get_output_embeddings()  # type: ignore[operator]
    packed = {name: batch[name] for name in ("position_ids",) if name in batch}
    hidden, _ = hidden_states(model, head, batch["input_ids"], **packed)
    rows, targets, spans = select_rows(hidden, batch["input_ids"], batch["span_ids"])
    return sad_loss(
        rows, head.weight, targets, spans, lambda_reason=1.0, lambda_act=1.0,
        n_reason=int((spans == REASON).sum()), n_act=int((spans == ACT).sum()),
    ).loss  # fmt: skip


def theirs(model: nn.Module, batch: Batch) -> Tensor:
    """The model's own loss over labels, as transformers' and Unsloth's trainers take it."""
    spans = batch["span_ids"]
    labels = batch["input_ids"].masked_fill((spans != REASON) & (spans != ACT), -100)
    loss: Tensor = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
    return loss


def synthetic_examples(count: int, longest: int, vocabulary: int) -> ExampleSet:
    """Random ids; lengths, and spans by turns, like those of the expert's trajectories."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(np.log(longest * 0.45), 0.35, count), longest // 8, longest).astype(np.int64)
    turn = np.repeat([0, 1, 2, 3], [6, 11, 23, 8])
    spans = np.concatenate([np.resize(turn, length) for length in lengths]).astype(np.int8)
    tokens = random.integers(10, vocabulary, len(spans)).astype(np.int32)
    return ExampleSet(tokens, spans, np.concatenate([[0], np.cumsum(lengths)]), tuple(map(str, range(count))))


def batches_of(
    examples: ExampleSet, size: int, *, grouped: bool, device: str, capacity: int | None = None
) -> Iterator[Batch]:
    """Micro-batches without end; with `capacity` of packed rows."""
    plan = plan_batches(examples.lengths, batch_size=size, epochs=20, group_by_length=grouped, capacity=capacity)
    collate = Collator(examples, 3)
    for indices in plan.micro_batches(0):
        yield {name: value.to(device) for name, value in collate(indices).items()}


def take_turns(contenders: list[Contender], steps: int, warmup: int) -> None:
    optimizers = [
        torch.optim.AdamW([p for p in c.model.parameters() if p.requires_grad], lr=1e-4, fused=True) for c in contenders
    ]
    for _ in range(warmup + steps):
        for contender, optimizer in zip(contenders, optimizers, strict=True):
            contender.step(optimizer)


def on_cpu(args: argparse.Namespace) -> None:
    examples = read_examples(args.examples) if args.examples else synthetic_examples(800, 400, 4096)

    def contender(
        name: str, loss: Callable[[nn.Module, Batch], Tensor], *, grouped: bool, experts: str, packed: bool = False
    ) -> Contender:
        model = load_nano(checkpoint=Path("random weights")).model
        model.set_experts_implementation(experts)
        size, capacity = (2, int(4 * examples.lengths.mean())) if packed else (8, None)  # as many tokens a step
        batches = batches_of(examples, size, grouped=grouped, device="cpu", capacity=capacity)
        return Contender(name, model.train(), loss, batches, [], [])

    contenders = [
        contender("ours: length buckets, trained rows, grouped_mm", ours, grouped=True, experts="grouped_mm"),
        contender("ours, packed rows", ours, grouped=False, experts="grouped_mm", packed=True),
        contender("ours, eager experts", ours, grouped=True, experts="eager"),
        contender("ours, random order", ours, grouped=False, experts="grouped_mm"),
        contender("transformers' own loss, length buckets", theirs, grouped=True, experts="grouped_mm"),
        contender("transformers' own loss, random order", theirs, grouped=False, experts="grouped_mm"),
    ]
    take_turns(contenders, args.steps, args.warmup)
    rates = {c.name: c.rate(args.warmup) for c in contenders}
    show(
        f"nano on {torch.get_num_threads()} CPU thread(s), batch 8, {examples.lengths.mean():.0f} tokens an example",
        [(name, rate, None) for name, rate in rates.items()],
    )


def on_gpu(args: argparse.Namespace) -> None:
    """Each contender in a process of its own: Unsloth reads its switches once."""
    rows = []
    for name in ("ours", "unsloth"):
        command = [sys.executable, __file__, "--checkpoint", str(args.checkpoint), "--worker", name]
        command += ["--steps", str(args.steps), "--warmup", str(args.warmup), "--tokens", str(args.tokens)]
        command += ["--lora", args.lora, "--rank", str(args.rank), "--gib", str(args.gib)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1])
        rows.append((name, result["tokens_per_s"], result["peak_gib"]))
    show(f"{args.checkpoint}, 4 bit, LoRA r{args.rank} on {args.lora}, rows of {args.tokens} tokens", rows)


def gpu_worker(args: argparse.Namespace) -> None:
    """One contender on one GPU; the last line of output is JSON."""
    from deepcoder.train.unsloth_backend import load_unsloth

    if args.gib:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(args.gib * 2**30 / total)
    config = Config(
        student=StudentConfig(model=str(args.checkpoint), max_length=args.tokens, tokenizer=args.checkpoint),
        train=TrainConfig(
            backend="unsloth", method="lora", load_in_4bit=True, dtype="bfloat16",
            lora=LoraConfig(rank=args.rank, alpha=2 * args.rank, targets=args.lora),
        ),
    )  # fmt: skip
    model = load_unsloth(config, hidden_states=args.worker == "ours").model.train()
    ids = torch.randint(10, 2000, (1, args.tokens), device="cuda")
    spans = torch.tensor([0, 1, 2, 3], device="cuda").repeat_interleave(args.tokens // 4)[None]
    batch = {"input_ids": ids, "span_ids": spans, "attention_mask": torch.ones_like(ids)}
    contender = Contender(
        args.worker, model, ours if args.worker == "ours" else theirs,
        iter([batch] * (args.steps + args.warmup)), [], [],
    )  # fmt: skip
    torch.cuda.reset_peak_memory_stats()
    take_turns([contender], args.steps, args.warmup)
    median = statistics.median(contender.seconds[args.warmup :])
    print(json.dumps({"tokens_per_s": args.tokens / median, "peak_gib": torch.cuda.max_memory_allocated() / 2**30}))


def show(title: str, rows: list[tuple[str, float, float | None]]) -> None:
    table = Table(title=title)
    for heading in ("step", "tokens/s", "ratio", "peak GiB"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for name, rate, peak in rows:
        table.add_row(name, f"{rate:,.0f}", f"{rate / rows[-1][1]:.2f}", "" if peak is None else f"{peak:.2f}")
    Console(width=110).print(table)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a student's folder: measure Unsloth's backend on a GPU")
    parser.add_argument("--examples", type=Path, help="RUN/examples; default: synthetic lengths")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--lora", choices=["attention", "attention+experts"], default="attention")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--gib", type=float, default=0.0, help="cap the process to this much GPU memory")
    parser.add_argument("--worker", choices=["ours", "unsloth"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0)))))
    if args.worker:
        gpu_worker(args)
    elif args.checkpoint:
        on_gpu(args)
    else:
        on_cpu(args)


if __name__ == "__main__":
    main()
