"""The pre-training loop.

    python -m deepcoder.pretrain train --corpus DIR --out DIR [--config SHAPE] [--minutes M]

One process, one device. Ends early, with a checkpoint, on SIGTERM or SIGINT.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import Qwen3MoeForCausalLM

from deepcoder.pretrain.checkpoint import save_checkpoint
from deepcoder.pretrain.forward import Mask, Pretraining, document_numbers, flex_mask, visible_mask
from deepcoder.pretrain.muon import Muon
from deepcoder.pretrain.settings import Settings
from deepcoder.pretrain.shapes import shape_config
from deepcoder.pretrain.streams import Rows, Tokens, Workshop, rows_of
from deepcoder.pretrain.tokenizer import END_OF_TEXT, IM_END, PAD, token_id

LOG_EVERY = 20


@dataclass
class Run:
    """What a run came to; written to training.json and told in the model card."""

    settings: dict[str, Any]
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    parameters: int = 0
    device: str = ""
    attention: str = ""
    ended: str = "all tokens seen"
    source_tokens: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    context: list[tuple[int, int, float]] = field(default_factory=list)  # see deepcoder.pretrain.context
    history: list[dict[str, float]] = field(default_factory=list)
    corpus: dict[str, Any] = field(default_factory=dict)


def build_model(settings: Settings, tokenizer: Tokenizer) -> Qwen3MoeForCausalLM:
    """A freshly initialised model: normal(0, 0.02), the outputs of blocks scaled down by sqrt(2 * layers)."""
    torch.manual_seed(settings.seed)
    config = shape_config(
        settings.shape,
        tokenizer.get_vocab_size(),
        pad_token_id=token_id(tokenizer, PAD),
        eos_token_id=token_id(tokenizer, IM_END),
    )
    model = Qwen3MoeForCausalLM(config)  # type: ignore[no-untyped-call]
    scale = 0.02 / math.sqrt(2 * config.num_hidden_layers)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=scale if "o_proj" in name or "down_proj" in name else 0.02)
    return model


def build_optimizers(model: nn.Module, settings: Settings) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the matrices and AdamW for embedding, routers and norms."""
    fused = next(model.parameters()).is_cuda
    matrices = [p for n, p in model.named_parameters() if p.ndim > 1 and "embed" not in n and "gate.weight" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim > 1 and ("embed" in n or "gate.weight" in n)]
    norms = [p for p in model.parameters() if p.ndim == 1]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "muon":
        groups = [{"params": others, "weight_decay": 0.0}, {"params": norms, "weight_decay": 0.0}]
        adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=fused)
        return [Muon(matrices, rate, weight_decay=decay), adam]
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
        {"params": norms, "weight_decay": 0.0},
    ]
    return [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=fused)]


def rate_at(step: int, progress: float, settings: Settings) -> float:
    """The learning rate at `progress` in [0, 1) of the run."""
    warm = min(1.0, (step + 1) / settings.warmup)
    cool = min(1.0, max(0.0, (1 - progress) / settings.decay))
    return settings.learning_rate * warm * cool


class Data:
    """Batches of the two phases."""

    def __init__(self, settings: Settings, workshop: Workshop) -> None:
        self.settings = settings
        broad = max(1, round(settings.unique * (1 - settings.decay) / settings.shard))
        rich = max(1, round(settings.unique * settings.decay / settings.shard))
        self.source, self.held_out_source = workshop.source()
        self._rows = {
            "source": Rows([self.source], settings.length, settings.seed),
            "broad": Rows(workshop.shards("broad", broad), settings.length, settings.seed + 1),
            "rich": Rows(workshop.shards("rich", rich), settings.length, settings.seed + 2),
        }
        self._carry = 0.0

    def batch(self, progress: float) -> NDArray[np.uint16]:
        """(rows, length + 1): source and synthetic rows in the phase's shares."""
        final = progress >= 1 - self.settings.decay
        share = self.settings.final_source_share if final else self.settings.source_share
        self._carry += share * self.settings.rows
        source = int(self._carry)
        self._carry -= source
        synthetic = self._rows["rich" if final else "broad"].take(self.settings.rows - source)
        return np.concatenate((self._rows["source"].take(source), synthetic)) if source else synthetic


class Stepper:
    """Runs the model on rows: device, precision, mask, compilation."""

    def __init__(self, model: Qwen3MoeForCausalLM, settings: Settings, separator: int) -> None:
        self.separator = separator
        self.device = next(model.parameters()).device
        self.cuda = self.device.type == "cuda"
        self.plain = Pretraining(model, experts=settings.experts)
        self.may_compile = settings.compile and self.cuda
        self._run: Any = self.plain
        self._mask: Callable[[Tensor], Mask] = visible_mask

    def _split(self, rows: NDArray[np.uint16]) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, targets (-100 where there is nothing to learn) and document numbers."""
        ids = torch.from_numpy(rows.astype(np.int64))
        ids = (ids.pin_memory() if self.cuda else ids).to(self.device, non_blocking=True)
        inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
        # What follows a separator is another document: nothing to learn there.
        return inputs, targets.masked_fill(inputs == self.separator, -100), document_numbers(inputs, self.separator)

    def loss(self, rows: NDArray[np.uint16]) -> tuple[Tensor, Tensor, Tensor]:
        """Cross-entropy, logit penalty and balance loss of rows."""
        inputs, targets, documents = self._split(rows)
        mask = self._mask(documents)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.cuda):
            result: tuple[Tensor, Tensor, Tensor] = self._run(inputs, targets, mask)
        return result

    def settle(self, rows: NDArray[np.uint16]) -> str:
        """Find the fastest way to compute the loss that runs here, on some rows; all of them compute the same."""
        ways: list[tuple[str, Callable[[Any], Any], Callable[[Tensor], Mask]]] = [
            ("explicit mask", lambda run: run, visible_mask)
        ]
        if self.may_compile:
            compiled_mask: Any = torch.compile(flex_mask)
            ways = [
                ("flex, compiled", torch.compile, compiled_mask),
                ("flex, compiled, eager mask", torch.compile, flex_mask),
                ("explicit mask, compiled", torch.compile, visible_mask),
                *ways,
            ]
        for name, wrap, mask in ways[:-1]:
            self._run, self._mask = wrap(self.plain), mask
            try:
                loss, penalty, balance = self.loss(rows)
                (loss + penalty + balance).backward()  # type: ignore[no-untyped-call]
                self.plain.zero_grad(set_to_none=True)
                return name
            except Exception as error:
                print(f"attention '{name}' does not run here: {type(error).__name__}: {error}"[:600], flush=True)
                torch._dynamo.reset()
        name, _, self._mask = ways[-1]
        self._run = self.plain
        return name

    @torch.no_grad()
    def held_out(self, tokens: Tokens, length: int, size: int = 16) -> float:
        """Mean loss in nats a token over whole rows, computed plainly (no compilation, explicit mask)."""
        rows = rows_of(tokens, length)
        losses, counts = [], []
        for start in range(0, len(rows), size):
            inputs, targets, documents = self._split(rows[start : start + size])
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.cuda):
                losses.append(self.plain(inputs, targets, visible_mask(documents))[0].item())
            counts.append(int((targets != -100).sum()))
        return float(np.average(losses, weights=counts)) if losses else math.nan


@contextlib.contextmanager
def stop_signals() -> Iterator[list[str]]:
    """A list that receives the name of the signal that asks to stop."""
    asked: list[str] = []
    old = {name: signal.signal(name, lambda number, _: asked.append(signal.Signals(number).name)) for name in _SIGNALS}
    try:
        yield asked
    finally:
        for name, handler in old.items():
            signal.signal(name, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def pretrain(
    settings: Settings, corpus: Path, out: Path, *, began: float | None = None, cache: Path | None = None
) -> Run:
    """Train, measure the held-out losses, write the checkpoint to `out`. `began`: start of the time limit.

    `cache`: a folder in which synthetic shards are kept for later runs with the same seed and corpus.
    """
    began = time.monotonic() if began is None else began
    tokenizer = Tokenizer.from_file(str(corpus / "tokenizer.json"))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")
    model: Any = build_model(settings, tokenizer)
    model.to(device)
    manifest = corpus / "corpus.json"
    run = Run(
        asdict(settings),
        parameters=sum(p.numel() for p in model.parameters()),
        device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        corpus=json.loads(manifest.read_text()) if manifest.is_file() else {},
    )
    stepper = Stepper(model, settings, token_id(tokenizer, END_OF_TEXT))
    workshop = Workshop(
        corpus,
        workers=settings.workers,
        seed=settings.seed,
        shard=settings.shard,
        worked=settings.worked,
        token_lines=settings.token_lines,
        cache=cache,
    )
    with workshop:
        # The workers load and make text while this thread compiles.
        with ThreadPoolExecutor(1) as aside:
            validation = workshop.validation("rich", settings.validation)  # before the shards: they are served in order
            preparing = aside.submit(Data, settings, workshop)
            run.attention = stepper.settle(random_rows(settings, tokenizer.get_vocab_size()))
            data = preparing.result()
        synthetic = validation.result()
        run.source_tokens = len(data.source)
        print(f"{run.parameters / 1e6:.2f} M parameters, {run.source_tokens / 1e6:.1f} M source tokens", flush=True)
        with stop_signals() as asked:
            loop(settings, model, stepper, data, run, began, asked)
    model.eval()
    run.losses = {
        "source": stepper.held_out(data.held_out_source, settings.length),
        "synthetic": stepper.held_out(synthetic, settings.length),
    }
    print(f"held-out loss: {run.losses}", flush=True)
    save_checkpoint(model, corpus, out, run)
    return run


def random_rows(settings: Settings, vocabulary: int) -> NDArray[np.uint16]:
    """(rows, length + 1) of any tokens, to compile with."""
    shape = (settings.rows, settings.length + 1)
    return np.random.default_rng(0).integers(0, vocabulary, shape, dtype=np.uint16)


def loop(
    settings: Settings,
    model: Qwen3MoeForCausalLM,
    stepper: Stepper,
    data: Data,
    run: Run,
    began: float,
    asked: list[str],
) -> None:
    """Steps until the tokens or the minutes are used up, or a signal asks to stop."""
    optimizers = build_optimizers(model, settings)
    steps = max(1, settings.tokens // settings.step_tokens)
    limit = settings.minutes * 60
    start = time.monotonic()
    model.train()
    for step in range(steps):
        used = (time.monotonic() - start) / max(1e-9, limit - (start - began)) if limit else 0.0
        progress = max(step / steps, used)
        if progress >= 1 or asked:
            run.ended = f"stopped by {asked[0]}" if asked else "time limit"
            break
        rate = rate_at(step, progress, settings)
        loss, penalty, balance = stepper.loss(data.batch(progress))
        (loss + penalty + settings.balance * balance).backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        run.steps, run.tokens = step + 1, (step + 1) * settings.step_tokens
        if step % LOG_EVERY == 0 or step == steps - 1:
            run.seconds = time.monotonic() - start
            entry = {"step": step, "loss": loss.item(), "balance": balance.item(), "norm": float(norm), "rate": rate}
            entry["tokens_per_s"] = run.tokens / max(1e-9, time.monotonic() - start)
            run.history.append(entry)
            if step % (LOG_EVERY * 10) == 0 or step == steps - 1:
                print(" ".join(f"{key}={value:.4g}" for key, value in entry.items()), f"{progress:.0%}", flush=True)
    run.seconds = time.monotonic() - start
