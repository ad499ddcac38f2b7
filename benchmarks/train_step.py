"""One training step, tokens a second, beside its peers, on the same batches in the same process.

    python benchmarks/train_step.py                          # nano on the CPU
    python benchmarks/train_step.py --checkpoint DIR         # a large student through Unsloth, on a GPU
    python benchmarks/train_step.py --examples RUN/examples  # real lengths and spans

CPU peers: transformers' own step (labels in, all logits made), as it is used by default (batches in random
order) and with our length buckets; and ours with packed rows, and without length buckets. GPU peer: Unsloth's
own step on the same model with the same optimizer: its own packed rows, and what its trainer does by default
(micro-batches of two examples, one after the other without padding).
Steps of all peers take turns, so that a busy machine slows all of them alike: read the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from deepcoder.config import Config, LoraConfig, StudentConfig, TrainConfig
from deepcoder.losses import ACT, REASON, sad_loss, select_rows, trained_positions
from deepcoder.models.nano import load_nano
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator, ExampleSet, read_examples
from deepcoder.train.hidden import hidden_states, packed_hidden_states, sequence_lengths
from deepcoder.train.preflight import GIB, estimate, student_config
from deepcoder.train.unsloth_import import HIDDEN_STATES

Batch = dict[str, Tensor]


@dataclass
class Contender:
    """A way to train: its own model and optimizer, the loss of a batch, its batches."""

    name: str
    model: nn.Module
    loss: Callable[[nn.Module, Batch], Tensor]
    batches: Iterator[Batch]
    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    peak: int = 0

    def step(self, optimizer: torch.optim.Optimizer, *, warm: bool) -> None:
        """Train on the next batch, and note time, tokens and, once `warm`, the most memory of the GPU."""
        batch = next(self.batches)
        _wait()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        self.loss(self.model, batch).backward()
        torch.nn.utils.clip_grad_norm_((p for p in self.model.parameters() if p.requires_grad), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        _wait()
        self.seconds.append(time.perf_counter() - start)
        self.tokens.append(int(batch["attention_mask"].sum()))
        places = batch.get("position_ids")
        self.examples.append(
            len(batch["input_ids"]) if places is None else int(((places == 0) * batch["attention_mask"]).sum())
        )
        if warm and torch.cuda.is_available():
            self.peak = max(self.peak, torch.cuda.max_memory_allocated())

    def rate(self, skip: int) -> float:
        """Real (unpadded) tokens a second over all but the first steps."""
        return sum(self.tokens[skip:]) / sum(self.seconds[skip:])


def ours(model: nn.Module, batch: Batch) -> Tensor:
    """SAD from hidden states of the trained rows."""
    head: nn.Linear = model.get_output_embeddings()  # type: ignore[operator]
    ids, positions = batch["input_ids"], trained_positions(batch["span_ids"])
    if "position_ids" in batch:
        hidden = packed_hidden_states(model, head, ids, batch["position_ids"], by_lengths=ids.is_cuda)
    else:
        hidden, _ = hidden_states(model, head, ids)
    rows, targets, spans = select_rows(hidden, ids, batch["span_ids"], positions)
    return sad_loss(
        rows, head.weight, targets, spans, lambda_reason=1.0, lambda_act=1.0,
        n_reason=(spans == REASON).sum(), n_act=(spans == ACT).sum(), chunk_rows=256 if ids.is_cuda else 1024,
    ).loss  # fmt: skip


def theirs(model: nn.Module, batch: Batch) -> Tensor:
    """The model's own loss over labels, as transformers' and Unsloth's trainers take it."""
    spans = batch["span_ids"]
    labels = batch["input_ids"].masked_fill((spans != REASON) & (spans != ACT), -100)
    how = {"attention_mask": batch["attention_mask"]}
    if "position_ids" in batch:
        lengths = sequence_lengths(batch["position_ids"]).cpu()
        how = {"position_ids": batch["position_ids"], "packed_seq_lengths": lengths}
    hidden = os.environ.get(HIDDEN_STATES, "0")
    os.environ[HIDDEN_STATES] = "0"  # read by Unsloth at each call
    try:
        loss: Tensor = model(input_ids=batch["input_ids"], labels=labels, **how).loss
    finally:
        os.environ[HIDDEN_STATES] = hidden
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


def take_turns(
    contenders: list[Contender], steps: int, warmup: int, shared: torch.optim.Optimizer | None = None
) -> None:
    """`shared`: the one optimizer where all contenders train one model."""
    optimizers = [
        shared or torch.optim.AdamW([p for p in c.model.parameters() if p.requires_grad], lr=1e-4, fused=True)
        for c in contenders
    ]
    for number in range(warmup + steps):
        for contender, optimizer in zip(contenders, optimizers, strict=True):
            contender.step(optimizer, warm=number >= warmup)


def on_cpu(args: argparse.Namespace) -> None:
    examples = read_examples(args.examples) if args.examples else synthetic_examples(800, 400, 4096)

    def contender(
        name: str, loss: Callable[[nn.Module, Batch], Tensor], *, grouped: bool, experts: str, packed: bool = False
    ) -> Contender:
        model = load_nano(checkpoint=Path("random weights")).model
        model.set_experts_implementation(experts)
        size, capacity = (2, int(4 * examples.lengths.mean())) if packed else (8, None)  # as many tokens a step
        batches = batches_of(examples, size, grouped=grouped, device="cpu", capacity=capacity)
        return Contender(name, model.train(), loss, batches)

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
        list(rates.items()),
    )


def on_gpu(args: argparse.Namespace) -> None:
    """Ours beside Unsloth's own step: one process, one model, one optimizer, steps in turns; then what saving takes."""
    from deepcoder.train.shape import shape_of
    from deepcoder.train.unsloth_backend import enable_packed_attention, load_unsloth

    if args.gib:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(args.gib * 2**30 / total)
    config = Config(
        student=StudentConfig(model=str(args.checkpoint), max_length=args.tokens, tokenizer=args.checkpoint),
        train=TrainConfig(
            backend="unsloth", method="lora", load_in_4bit=True, dtype="bfloat16", batch_size=1, packing=True,
            lora=LoraConfig(rank=args.rank, alpha=2 * args.rank, targets=args.lora), loss_chunk_rows=256,
        ),
    )  # fmt: skip
    start = time.perf_counter()
    model = load_unsloth(config).model.train()
    enable_packed_attention()
    loaded = torch.cuda.memory_allocated() / GIB
    print(f"loaded in {time.perf_counter() - start:.0f} s, {loaded:.2f} GiB", flush=True)
    found = estimate(shape_of(student_config(config)), config, args.tokens)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)
    title = f"{args.checkpoint}, 4 bit, LoRA r{args.rank} on {args.lora}"

    text = one_text(args.tokens)
    ways = [Contender(name, model, loss, repeat(text)) for name, loss in (("ours", ours), ("Unsloth's own", theirs))]
    take_turns(ways, args.steps, args.warmup, optimizer)
    show_gpu(f"{title}: one text of {args.tokens} tokens, half of it trained", ways, args.warmup)

    examples = read_examples(args.examples) if args.examples else synthetic_examples(2000, 600, 150_000)
    plan = plan_batches(examples.lengths, batch_size=1, capacity=args.tokens)
    rows = plan.rows or ()
    order = np.random.default_rng(0).permutation(len(examples))
    pairs = [tuple(pair) for pair in order[: len(order) // 2 * 2].reshape(-1, 2).tolist()]
    ways = [
        Contender("ours, packed", model, ours, packed_batches(examples, rows)),
        Contender("Unsloth's own, the same packed rows", model, theirs, packed_batches(examples, rows)),
        Contender("Unsloth's default: 2 examples, no padding", model, theirs, packed_batches(examples, pairs)),
    ]
    take_turns(ways, args.steps, args.warmup, optimizer)
    show_gpu(f"{title}: real lengths, {examples.lengths.mean():.0f} tokens an example", ways, args.warmup)

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
    seconds = time.perf_counter() - start
    print(f"adapter saved in {seconds:.0f} s; all of it within {args.gib or 'the device'} GiB")
    print(f"estimate beforehand: {found.loaded / GIB:.2f} GiB loaded, {found.peak / GIB:.2f} at peak", flush=True)
    print(expert_load(model, next(packed_batches(examples, rows))))


def one_text(tokens: int) -> Batch:
    """One row of random tokens, a quarter of each span."""
    ids = torch.randint(10, 2000, (1, tokens), device="cuda")
    spans = torch.tensor([0, 1, 2, 3], device="cuda").repeat_interleave(tokens // 4)[None]
    return {"input_ids": ids, "span_ids": spans, "attention_mask": torch.ones_like(ids)}


def packed_batches(examples: ExampleSet, rows: Sequence[tuple[int, ...]]) -> Iterator[Batch]:
    """Micro-batches of one row each, examples one after the other."""
    collate = Collator(examples, 3)
    for row in rows:
        yield {name: value.to("cuda") for name, value in collate([row]).items()}


@torch.no_grad()
def expert_load(model: nn.Module, batch: Batch) -> str:
    """How evenly the router loads the experts: random weights do it very unevenly (docs/train.md has the figures)."""
    counts: list[Tensor] = []

    def note(module: nn.Module, inputs: object, output: tuple[Tensor, Tensor, Tensor]) -> None:
        counts.append(torch.bincount(output[2].flatten(), minlength=output[0].shape[-1]).float())

    gates = [module for name, module in model.named_modules() if name.endswith("mlp.gate")]
    hooks = [gate.register_forward_hook(note) for gate in gates]
    try:
        with torch.compiler.set_stance("force_eager"):
            ours(model, batch)
    finally:
        for hook in hooks:
            hook.remove()
    loads = torch.stack(counts)
    busiest = loads.amax(1) / loads.mean(1)
    return (
        f"load per expert in {len(loads)} layers: busiest {busiest.median():.2f} times the mean (median of layers), "
        f"{busiest.max():.2f} at most; {(loads == 0).sum(1).float().mean():.1f} of {loads.shape[1]} idle in a layer"
    )


def show_gpu(title: str, ways: list[Contender], skip: int) -> None:
    table = Table(title=title)
    for heading in ("step", "tokens/s", "trajectories/s", "ratio", "peak GiB", "slowest / median step, s"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    base = ways[1].rate(skip)
    for way in ways:
        seconds = way.seconds[skip:]
        slowest = f"{max(seconds):.3f} / {statistics.median(seconds):.3f}"
        table.add_row(
            way.name, f"{way.rate(skip):,.0f}", f"{sum(way.examples[skip:]) / sum(seconds):.2f}",
            f"{way.rate(skip) / base:.3f}", f"{way.peak / GIB:.3f}", slowest,
        )  # fmt: skip
    Console(width=130).print(table)


def show(title: str, rows: list[tuple[str, float]]) -> None:
    table = Table(title=title)
    for heading in ("step", "tokens/s", "ratio"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for name, rate in rows:
        table.add_row(name, f"{rate:,.0f}", f"{rate / rows[-1][1]:.2f}")
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
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0)))))
    if args.checkpoint:
        on_gpu(args)
    else:
        on_cpu(args)


if __name__ == "__main__":
    main()
