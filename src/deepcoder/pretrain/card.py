"""The model card, written from the run's own facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepcoder.pretrain.train import Run

_CARD = """# nano: a base model for DeepCoder's demonstration

A Qwen3 mixture of experts with {parameters:.1f} M parameters (shape `{shape}`: {hidden} wide, {layers} layers,
{experts} experts of which {used} are used, vocabulary {vocabulary}), pre-trained from scratch by DeepCoder's own recipe
(`python -m deepcoder.pretrain`, docs/nano.md). Apache-2.0.

## What it is for
The embedded student of `deepcoder demo`: small enough that two CPU cores train it with SAD in minutes and run it. It is
a base for fine-tuning, nothing else: it follows no instructions by itself.

## Training
| | |
|---|---|
| tokens | {tokens:.0f} M in {steps} steps of {step_tokens} |
| time | {seconds:.0f} s on {device}, {speed:.2f} M tokens/s |
| ended | {ended} |
| optimizer | {optimizer}, learning rate {rate}, warm-up {warmup} steps, linear decay over the last {decay:.0%} |
| rows | {length} tokens, documents packed and kept apart in attention ({attention}) |
| seed | {seed} |
| held-out loss, source | {source_loss:.4f} nats a token |
| held-out loss, synthetic | {synthetic_loss:.4f} nats a token |

## Data
- {source_tokens:.1f} M tokens of Python source and documentation of packages under permissive licences ({licences}),
  {source_share:.0%} of the rows before the decay, {final_source_share:.0%} in it. The table of packages, versions and
  licences is `deepcoder/pretrain/sources.py`; what was used is listed in `training.json`.
- Synthetic text of our own: instructions with Python that solves them and what it printed, copying exercises,
  questions about documentation entries, mended programs. Instruction, code and answer of the procedural training
  problems are part of it; nothing is in the agent's format, no held-out wording is in it.

## Limits
- It knows no facts, converses in no language and writes only short programs of the kinds that it has seen.
- Rows had {length} tokens: beyond that it is not trained. {context}
  Long rare words are sometimes miscopied.
- {labels}
- No safety training of any kind. Run what it writes in the sandbox only.
"""

_UNSEEN = """The agent's labels and the marks of a turn are tokens of its vocabulary that pre-training never showed it.
  Their embeddings all stand where `<|pad|>` stands, far from every prediction."""
_ALONE = """The agent's labels and the marks of a turn are tokens that it has seen alone, among any others on lines that
  it had to copy, never in their use."""


def _context(run: Run) -> str:
    if not run.context:
        return "What it does there was not measured."
    from deepcoder.pretrain.context import usable

    near = [f"{loss:.2f} ({first:,} to {last:,})" for first, last, loss in run.context if first >= 1536]
    tokens = usable(run.context, run.settings["length"])
    return f"Its loss by position in long source files:\n  {', '.join(near)}; some {tokens:,} tokens are usable."


def model_card(run: Run) -> str:
    """The card of a finished run."""
    from deepcoder.pretrain.shapes import SHAPES

    settings, shape = run.settings, SHAPES[run.settings["shape"]]
    licences = sorted({package["licence"] for package in run.corpus.get("packages", ())})
    return _CARD.format(
        parameters=run.parameters / 1e6,
        shape=settings["shape"],
        hidden=shape["hidden_size"],
        layers=shape["num_hidden_layers"],
        experts=shape["num_experts"],
        used=shape["num_experts_per_tok"],
        vocabulary=run.corpus.get("vocabulary", "as in config.json"),
        tokens=run.tokens / 1e6,
        steps=run.steps,
        step_tokens=settings["rows"] * settings["length"],
        seconds=run.seconds,
        device=run.device,
        speed=run.tokens / max(run.seconds, 1e-9) / 1e6,
        ended=run.ended,
        optimizer=settings["optimizer"],
        rate=settings["learning_rate"],
        warmup=settings["warmup"],
        decay=settings["decay"],
        length=settings["length"],
        context=_context(run),
        labels=_ALONE if run.settings.get("token_lines") else _UNSEEN,
        attention=run.attention,
        seed=settings["seed"],
        source_loss=run.losses["source"],
        synthetic_loss=run.losses["synthetic"],
        source_tokens=run.source_tokens / 1e6,
        licences=", ".join(licences) or "see corpus.json",
        source_share=settings["source_share"],
        final_source_share=settings["final_source_share"],
    )
