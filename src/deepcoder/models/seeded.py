"""Sampling by a seed of each row's own: what is drawn does not hang on what else is in the batch.

The token with the largest `z_i / temperature + g_i`, g_i independent Gumbel(0, 1), is a draw from
softmax(z / temperature). So the noise of a row is made from its seed, and decoding goes on greedily.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.generation.logits_process import LogitsProcessor


class SeededNoise(LogitsProcessor):
    """Adds each row's noise to its logits. `prompt`: tokens of the padded prompts, from which positions are counted.

    A row's noise at its t-th new token comes from (its seed, t) alone, drawn on the CPU: the same on every device.
    """

    def __init__(self, seeds: Sequence[int], temperature: float, prompt: int) -> None:
        self._seeds, self._temperature, self._prompt = list(seeds), temperature, prompt
        self._generator = torch.Generator()

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, V) logits -> (B, V) of which the largest of a row is its draw."""
        position = input_ids.shape[1] - self._prompt
        noise = torch.stack([self._gumbel(seed + position, scores.shape[1]) for seed in self._seeds])
        return scores.float() / self._temperature + noise.to(scores.device)

    def _gumbel(self, seed: int, size: int) -> Tensor:
        self._generator.manual_seed(seed)
        uniform = torch.rand(size, generator=self._generator, dtype=torch.float64)  # k / 2^53, never 1
        return -(-uniform.clamp_min(2.0**-54).log()).log().float()


def seed_of(seed: int, prompt_ids: Sequence[int]) -> int:
    """A seed of 62 bits for one prompt: the steps of a run, which share `seed`, draw independently."""
    content = f"{seed}:{','.join(map(str, prompt_ids))}"
    return int.from_bytes(hashlib.blake2b(content.encode(), digest_size=8).digest()) >> 2
