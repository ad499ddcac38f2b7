"""What a logging interval saw: sums over steps, micro-batches and (in the end) ranks."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from deepcoder.losses import ACT, REASON, SadOutput, trained_positions
from deepcoder.train.preflight import GIB, resident_memory

# What differs between two runs of the same training.
MEASURED = frozenset(
    {"seconds", "tokens_per_s", "mfu", "memory_allocated_gib", "memory_reserved_gib", "memory_resident_gib"}
)


class Tally:
    """Counts of the step at hand, sums since the last `drain`.

    The sums of D_t stay on their device, so that a step waits for nothing. `least_seconds`: the seconds
    that the device would need at its peak for an interval's counts (by COUNTS), MFU being their share of the seconds
    it took; None where the peak is unknown.
    """

    def __init__(self, device: torch.device, least_seconds: Callable[[dict[str, float]], float] | None = None) -> None:
        self.device = device
        self._least_seconds = least_seconds
        self.step_counts = torch.zeros(len(COUNTS), dtype=torch.float64)
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self._counts = torch.zeros(len(COUNTS), dtype=torch.float64)
        self._seconds = 0.0
        self._started = time.perf_counter()

    def begin_step(self, counts: Tensor) -> None:
        """`counts`: those of `count`, summed over the micro-batches and ranks of one optimizer step."""
        self.step_counts = counts
        self._counts += counts
        self._started = time.perf_counter()

    def add(self, out: SadOutput) -> None:
        """The loss sums of one micro-batch."""
        self._sums += torch.stack([out.sum_reason, out.sum_act]).to(self._sums)

    def end_step(self) -> None:
        """Stop the clock: saving and logging are not training time."""
        self._seconds += time.perf_counter() - self._started

    def sums(self) -> Tensor:
        """(2,) sums of D_t over REASON and ACT on this rank; reset."""
        sums, self._sums = self._sums, torch.zeros_like(self._sums)
        return sums

    def drain(self, sums: Tensor) -> dict[str, float]:
        """The interval's metrics, `sums` being those of all ranks. A span without tokens has no loss entry."""
        counts = dict(zip(COUNTS, self._counts.tolist(), strict=True))
        sum_reason, sum_act = sums.tolist()
        metrics: dict[str, float] = {}
        if counts["reason"]:
            metrics["loss_reason"] = sum_reason / counts["reason"]
        if counts["act"]:
            metrics["loss_act"] = sum_act / counts["act"]
        metrics |= {
            "tokens_reason": counts["reason"],
            "tokens_act": counts["act"],
            "tokens": counts["tokens"],
            "padding": 1 - counts["tokens"] / max(1.0, counts["positions"]),
            "examples": counts["examples"],
            "seconds": self._seconds,
            "tokens_per_s": counts["tokens"] / max(self._seconds, 1e-9),
        }
        if self._least_seconds is not None:
            metrics["mfu"] = self._least_seconds(counts) / max(self._seconds, 1e-9)
        self._counts = torch.zeros_like(self._counts)
        self._seconds = 0.0
        return metrics | memory_in_use(self.device)


def memory_in_use(device: torch.device) -> dict[str, float]:
    """GiB: on CUDA the peaks, since training began, of what is allocated and reserved; else what is resident now."""
    if device.type != "cuda":
        return {"memory_resident_gib": resident_memory() / GIB}
    return {
        "memory_allocated_gib": torch.cuda.max_memory_allocated(device) / GIB,
        "memory_reserved_gib": torch.cuda.max_memory_reserved(device) / GIB,
    }


COUNTS = ("reason", "act", "tokens", "positions", "examples", "pairs")


def count(batches: list[dict[str, Tensor]]) -> Tensor:
    """(6,) float64 in the order of COUNTS: what micro-batches hold.

    positions: with padding; pairs: of a token and one that it attends to, n (n + 1) / 2 for an example of n tokens.
    """
    counts = torch.zeros(len(COUNTS), dtype=torch.float64)
    for batch in batches:
        ids, spans, mask = batch["input_ids"], batch["span_ids"], batch["attention_mask"]
        places = batch["position_ids"] if "position_ids" in batch else torch.arange(ids.shape[1]).expand_as(ids)
        trained = spans.flatten()[trained_positions(spans)[1]]
        counts += torch.stack(
            [
                (trained == REASON).sum(), (trained == ACT).sum(), mask.sum(), torch.tensor(ids.numel()),
                ((places == 0) * mask).sum(), ((places + 1) * mask).sum(),
            ]
        )  # fmt: skip
    return counts
