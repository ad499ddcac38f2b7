"""nano's decoding on a CPU beside transformers' own `generate`: the same model, prompts and texts, in turns.

    python benchmarks/nano_decode.py [--rounds 5]

Held-out problems as prompts (left-padded), 64 new tokens each, greedy, after one round that warms up. ms of a whole
call; whether both wrote the same tokens.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command line has it

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from deepcoder.config import ProblemsConfig
from deepcoder.models.cpu import roomy_cache, speed_up
from deepcoder.models.nano import load_nano
from deepcoder.problems import open_source

NEW = 64


def prompts(tokenizer: Any, count: int) -> tuple[Tensor, Tensor]:
    """(count, T) ids and mask of the first held-out problems."""
    problems = open_source(ProblemsConfig()).problems("held_out_parameters")
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": p.prompt}], tokenize=False, add_generation_prompt=True
        )
        for p, _ in zip(problems, range(count), strict=False)
    ]
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
    return batch["input_ids"], batch["attention_mask"]


def decode(model: Any, ids: Tensor, mask: Tensor, *, sped: bool) -> tuple[float, Tensor]:
    """Seconds, and the new tokens."""
    usual: dict[str, Any] = {"attention_mask": mask, "max_new_tokens": NEW, "do_sample": False, "eos_token_id": None}
    start = time.perf_counter()
    with torch.inference_mode():
        if sped:
            out = model.generate(ids, past_key_values=roomy_cache(model.config), **usual)
        else:
            out = model.generate(ids, **usual)
    return time.perf_counter() - start, out[:, ids.shape[1] :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    nano = load_nano()
    tokenizer = nano.tokenizer
    models = {False: nano.model.eval(), True: load_nano().model.eval()}
    models[False].set_experts_implementation("grouped_mm")
    models[True].set_experts_implementation("grouped_mm")
    speed_up(models[True])
    table = Table("batch", "transformers, ms", "deepcoder, ms", "times as fast", "same tokens", title=nano.origin)
    for size in (1, 8, 32):
        ids, mask = prompts(tokenizer, size)
        seconds: dict[bool, list[float]] = {False: [], True: []}
        same = True
        for number in range(args.rounds + 1):
            written = {}
            for sped in (False, True) if number % 2 else (True, False):
                took, written[sped] = decode(models[sped], ids, mask, sped=sped)
                seconds[sped] += [took] if number else []
            same &= torch.equal(written[False], written[True])
        plain, ours = (1000 * statistics.median(seconds[sped]) for sped in (False, True))
        ratio = statistics.median(a / b for a, b in zip(seconds[False], seconds[True], strict=True))
        table.add_row(str(size), f"{plain:.0f}", f"{ours:.0f}", f"{ratio:.2f}", str(same))
    Console().print(table)
    print(f"load average {os.getloadavg()[0]:.1f}; {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
