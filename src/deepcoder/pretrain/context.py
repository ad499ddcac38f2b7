"""How much context a base really supports, beside what its config allows, and its card that says so.

Mean loss by position on long files of the running Python's standard library, most of which it was trained on: the trend
counts, not the height. What a student trained on short prompts keeps of it is another question.
"""

from __future__ import annotations

import itertools
import json
import sysconfig
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

from deepcoder.errors import DeepCoderError
from deepcoder.pretrain.card import model_card
from deepcoder.pretrain.checkpoint import write_sums
from deepcoder.pretrain.train import Run

EDGES = (0, 256, 512, 1024, 1536, 2048, 2560, 3072, 4096)
TOLERATED = 1.1  # a range of positions is usable up to so many times the loss just below the rows' length

Losses = list[tuple[int, int, float]]


@torch.inference_mode()
def losses_by_position(base: Path, files: int, edges: tuple[int, ...] = EDGES) -> Losses:
    """(first position, last position + 1, mean loss in nats) over `files` rows of edges[-1] tokens."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).train(False)
    total, rows = torch.zeros(edges[-1]), 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"), key=lambda path: -path.stat().st_size):
        ids = tokenizer(path.read_text(errors="replace")[:60_000], return_tensors="pt").input_ids[:, : edges[-1] + 1]
        if ids.shape[1] <= edges[-1]:
            continue
        logits = model(ids[:, :-1]).logits[0].float()
        total += F.cross_entropy(logits, ids[0, 1:], reduction="none")
        rows += 1
        if rows == files:
            break
    if not rows:
        raise DeepCoderError(f"no file of the standard library has more than {edges[-1]:,} tokens")
    mean = total / rows
    return [(a, b, float(mean[a:b].mean())) for a, b in itertools.pairwise(edges)]


def usable(losses: Losses, length: int) -> int:
    """The end of the last range before the loss exceeds TOLERATED times that of the range which ends at `length`."""
    [trained] = [loss for _, last, loss in losses if last == length]
    beyond = itertools.takewhile(lambda each: each[1] <= length or each[2] <= TOLERATED * trained, losses)
    return max(last for _, last, _ in beyond)


def tell_context(base: Path, files: int) -> Run:
    """Measure a base and say so in its training.json, card and hashes."""
    facts = json.loads((base / "training.json").read_text(encoding="utf-8"))
    run = Run(**facts | {"context": losses_by_position(base, files)})
    (base / "training.json").write_text(json.dumps(vars(run), indent=1) + "\n", encoding="utf-8")
    (base / "MODEL_CARD.md").write_text(model_card(run), encoding="utf-8")
    write_sums(base)
    return run
