"""Time and peak memory of the SAD loss, forward and backward, beside its peers.

    python benchmarks/sad_loss.py                                  # small on a CPU, the Qwen3-30B-A3B head on a GPU
    python benchmarks/sad_loss.py --rows 4096 --trained 0.5 --chunk-rows 256 512 1024

A row of `--rows` tokens, of which the share `--trained` is trained; hidden states in, their gradient out,
the head frozen (as under LoRA) unless --train-head. Peers are run as they are used by default (all rows,
untrained labels -100) and with the untrained rows removed first ("rows removed"). Memory is what is
allocated beyond the inputs at the peak; time is the median. "gradient error" is the distance from the
gradient of the same loss in fp64, relative to its norm. Liger, cut-cross-entropy and Unsloth take part
where they are installed.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from deepcoder.losses import ACT, REASON, sad_loss, select_rows

Loss = Callable[[], Tensor]


@dataclass
class Case:
    """One row of tokens: hidden (1, T, d) and head (V, d) of the given dtype, ids and spans (1, T)."""

    hidden: Tensor
    head: Tensor
    input_ids: Tensor
    span_ids: Tensor

    @property
    def labels(self) -> Tensor:
        """As the peers take them: unshifted, -100 where untrained."""
        return self.input_ids.masked_fill((self.span_ids != REASON) & (self.span_ids != ACT), -100)

    @property
    def counts(self) -> tuple[int, int]:
        """Trained tokens of REASON and of ACT."""
        trained = self.span_ids[:, 1:]
        return int((trained == REASON).sum()), int((trained == ACT).sum())


def make_case(args: argparse.Namespace, rows: int, trained: float, device: str) -> Case:
    generator = torch.Generator(device).manual_seed(0)
    dtype = getattr(torch, args.dtype)
    hidden = torch.randn(1, rows, args.hidden, device=device, generator=generator).to(dtype).requires_grad_()
    head = (torch.randn(args.vocabulary, args.hidden, device=device, generator=generator) * args.hidden**-0.5).to(dtype)
    ids = torch.randint(args.vocabulary, (1, rows), device=device, generator=generator)
    # alternating stretches of REASON and ACT, then context up to the next turn
    period = torch.arange(rows, device=device) % 256
    share = int(256 * trained)
    spans = torch.where(period < share // 2, REASON, torch.where(period < share, ACT, 3))[None]
    return Case(hidden, head.requires_grad_(args.train_head), ids, spans)


# --- the contenders: each gives the token-mean cross entropy of the trained tokens -----------------------


def ours(case: Case, chunk_rows: int) -> Loss:
    n_reason, n_act = case.counts

    def loss() -> Tensor:
        rows, targets, spans = select_rows(case.hidden, case.input_ids, case.span_ids)
        return sad_loss(
            rows, case.head, targets, spans, lambda_reason=1.0, lambda_act=1.0, n_reason=n_reason, n_act=n_act,
            normalization="token", chunk_rows=chunk_rows,
        ).loss  # fmt: skip

    return loss


def all_rows(case: Case) -> tuple[Callable[[], Tensor], Tensor]:
    """Every row but the last, and the labels that they predict."""
    return lambda: case.hidden[0, :-1], case.labels[0, 1:].contiguous()


def trained_rows(case: Case) -> tuple[Callable[[], Tensor], Tensor]:
    """The predicting rows alone, removed within the measured time."""
    _, targets, _ = select_rows(case.hidden.detach(), case.input_ids, case.span_ids)
    return lambda: select_rows(case.hidden, case.input_ids, case.span_ids)[0], targets


def dense(case: Case, rows: Callable[[], Tensor], labels: Tensor) -> Loss:
    return lambda: cross_entropy((rows() @ case.head.T).float(), labels)


def liger(case: Case, rows: Callable[[], Tensor], labels: Tensor) -> Loss:
    from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

    function = LigerFusedLinearCrossEntropyLoss()
    return lambda: function(case.head, rows(), labels)


def cut(case: Case, rows: Callable[[], Tensor], labels: Tensor) -> Loss:
    from cut_cross_entropy import linear_cross_entropy

    return lambda: linear_cross_entropy(rows(), case.head, labels)


def unsloth(case: Case, rows: Callable[[], Tensor], labels: Tensor) -> Loss:
    import unsloth  # noqa: F401  (it patches what follows)
    from unsloth_zoo.loss_utils import unsloth_fused_ce_loss

    # It shifts by itself: a label in front, a row behind.
    shifted = torch.cat([labels.new_full((1,), -100), labels])[None]
    n_items = (labels != -100).sum()

    def loss() -> Tensor:
        found = rows()
        padded = torch.cat([found, found.new_zeros(1, found.shape[1])])[None]
        value: Tensor = unsloth_fused_ce_loss(
            trainer=None, hidden_states=padded, lm_head_weight=case.head, lm_head_bias=None, labels=shifted,
            n_items=n_items,
        )  # fmt: skip
        return value

    return loss


PEERS = {
    "dense": ("torch", dense),
    "Liger": ("liger_kernel", liger),
    "cut-cross-entropy": ("cut_cross_entropy", cut),
    "Unsloth": ("unsloth", unsloth),
}


def contenders(case: Case, chunk_rows: list[int], peers: list[str]) -> Iterator[tuple[str, Callable[[], Loss]]]:
    for size in chunk_rows:
        yield f"SAD, chunks of {size}", partial(ours, case, size)
    for name in peers:
        module, make = PEERS[name]
        if importlib.util.find_spec(module) is not None:
            yield f"{name}, as used by default", partial(make, case, *all_rows(case))
            yield f"{name}, rows removed", partial(make, case, *trained_rows(case))


# --- measuring ----------------------------------------------------------------------------------------


def step(case: Case, loss: Loss) -> float:
    """One forward and backward; the loss."""
    case.hidden.grad = case.head.grad = None
    value = loss()
    value.backward()
    return value.item()


def seconds(case: Case, loss: Loss, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step(case, loss)  # .item() waits for the device
        if case.hidden.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_bytes(case: Case, loss: Loss) -> int:
    """The most that one step allocates beyond what is there before it."""
    case.hidden.grad = case.head.grad = None
    gc.collect()
    if case.hidden.is_cuda:
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step(case, loss)
        return torch.cuda.max_memory_allocated() - before
    # No such counter on a CPU: add up the profiler's allocations and releases in their order.
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step(case, loss)
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def reference_gradient(case: Case) -> Tensor:
    wide = Case(
        case.hidden.detach().double().requires_grad_(), case.head.detach().double(), case.input_ids, case.span_ids
    )
    step(wide, ours(wide, 128))
    assert wide.hidden.grad is not None
    return wide.hidden.grad


def show(name: str, *values: str) -> None:
    """One line of the table (plain text: a GPU machine may have torch and little else)."""
    print(f"| {name:<36} |" + "|".join(f" {value:>14} " for value in values) + "|", flush=True)


def measure(case: Case, args: argparse.Namespace, title: str) -> None:
    print(f"\n{title}")
    show("loss function", "ms", "peak MiB", "loss", "gradient error")
    reference = reference_gradient(case)
    for name, make in contenders(case, args.chunk_rows, args.peers):
        try:
            loss = make()
            value = step(case, loss)  # compiles
            assert case.hidden.grad is not None
            error = ((case.hidden.grad.double() - reference).norm() / reference.norm()).item()
            peak = peak_bytes(case, loss)
            took = seconds(case, loss, args.repeats)
            show(name, f"{1e3 * took:.2f}", f"{peak / 2**20:.0f}", f"{value:.5f}", f"{error:.1e}")
        except torch.OutOfMemoryError:
            show(name, "out of memory", "", "", "")
        except Exception as problem:  # a peer that breaks must not take the table with it
            if name.startswith("SAD"):
                raise
            show(name, "failed", "", "", "")
            print(f"    {type(problem).__name__}: {problem}"[:300])


def main() -> None:
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=2048 if gpu else 256)
    parser.add_argument("--vocabulary", type=int, default=151_936 if gpu else 4096)
    parser.add_argument("--rows", type=int, nargs="+", default=[1024, 4096, 16_384] if gpu else [1024])
    parser.add_argument("--trained", type=float, nargs="+", default=[0.1, 0.5, 1.0])
    parser.add_argument("--chunk-rows", type=int, nargs="+", default=[256, 512, 1024] if gpu else [64, 256])
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16" if gpu else "float32")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--train-head", action="store_true")
    parser.add_argument("--repeats", type=int, default=10 if gpu else 5)
    args = parser.parse_args()
    device = "cuda" if gpu else "cpu"
    machine = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    print(f"{machine}, torch {torch.__version__}, hidden {args.hidden}, vocabulary {args.vocabulary}, {args.dtype}")
    for rows in args.rows:
        for trained in args.trained:
            case = make_case(args, rows, trained, device)
            measure(case, args, f"{rows} tokens, {sum(case.counts)} trained")


if __name__ == "__main__":
    main()
