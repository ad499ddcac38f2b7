"""A student's model card: README.md with the hub's metadata, written from what its run says of itself.

Only what stands in the run's manifests and evaluation is stated; what is not there is said to be missing. Paths of
this machine are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from deepcoder.runs import Manifest, RunFolder

_SETTINGS = (
    "train.backend", "train.method", "train.load_in_4bit", "train.lora", "train.lambda_reason", "train.lambda_act",
    "train.normalization", "train.teacher_scores", "train.epochs", "train.max_steps", "train.batch_size",
    "train.gradient_accumulation", "train.packing", "train.learning_rate", "train.schedule", "train.dtype", "run.seed",
    "student.instructions", "student.max_length",
)  # fmt: skip
_COUNTS = {
    "steps": "optimizer steps", "examples": "examples seen", "tokens": "tokens seen", "trained": "trained parameters",
    "parameters": "parameters", "loss_reason": "last loss of REASON", "loss_act": "last loss of ACT",
    "eval_loss": "held-out loss",
}  # fmt: skip
_WEIGHTS = {
    16: "The adapter merged into the base, in the base's precision.",
    4: "The adapter merged into the base, then attention and experts rounded to 4 bit in groups of 128 "
    "(compressed-tensors, pack-quantized); what the rounding costs was not measured here.",
}


def student_card(folder: RunFolder, *, bits: int = 16) -> str:
    """The text of README.md for a student of the run in `folder`."""
    train, generate = folder.manifest("train"), folder.manifest("generate")
    base = str((train.settings if train else {}).get("student.model") or "")
    meta: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    if _public(base):
        meta["base_model"] = base
    meta["tags"] = ["agent", "code", "distillation", "tool-use", "deepcoder"]
    parts = [
        f"---\n{yaml.safe_dump(meta, sort_keys=False)}---",
        f"# {folder.path.name}",
        "A coding agent that thinks, calls Python and a documentation search, and finishes: Thought, Action, Action "
        "Input, Observation. Made with DeepCoder by Structured Agent Distillation (arXiv 2505.13820). "
        f"{_WEIGHTS[bits]} No licence is stated here: that of the base applies, and the teacher's terms of use.",
        "## Training",
        _training(train, generate),
        "## Evaluation",
        _evaluation(folder.stage("evaluate") / "summary.json"),
        "## Use",
        "The chat template in this folder is the one that was trained. A server (`vllm serve` on this folder), then "
        "`deepcoder serve CONFIG engine.engine=openai engine.base_url=http://127.0.0.1:8000/v1`. Programs that it "
        "writes are to be run in a sandbox only.",
    ]
    return "\n\n".join(parts) + "\n"


def _training(train: Manifest | None, generate: Manifest | None) -> str:
    if train is None:
        return "The run's record of its training is missing."
    teacher = (generate.settings if generate else {}).get("teacher.model")
    base = train.settings.get("student.model")
    lines = [f"- Base: {base if _public(base) else 'a model on the disk of whoever trained it'}."]
    lines.append(f"- Teacher: {teacher or 'not recorded'}.")
    if teacher == "expert":
        lines.append("- `expert` is a programmatic solver that knows the problems' solutions, not a language model.")
    counted = [f"{label} {train.counts[key]:,}" for key, label in _COUNTS.items() if key in train.counts]
    lines.append(f"- {'; '.join(counted)}.")
    if "mean_of" in train.counts:
        lines.append(
            f"- Its weights are the mean of {len(train.settings['run.seed'])} trainings with the settings below."
        )
    given = {key: train.settings.get(key) for key in _SETTINGS}
    lines.append(
        f"- Settings: {', '.join(f'`{key}={_short(value)}`' for key, value in given.items() if _public(value))}."
    )
    lines.append(f"- Versions: {', '.join(f'{name} {version}' for name, version in train.versions.items())}.")
    return "\n".join(lines)


def _evaluation(summary: Path) -> str:
    try:
        found = json.loads(summary.read_text())
    except (OSError, ValueError):
        return "Not evaluated in this run."
    rows = []
    for name in ("base", "student", "teacher"):
        result = found.get(name) or {}
        if result.get("n"):
            low, high = result["ci95"]
            rows.append(f"| {name} | {result['success']:.1%} | {low:.1%} to {high:.1%} | {result['n']} |")
    if not rows:
        return "Not evaluated in this run."
    head = f"Held-out problems, source `{found.get('source')}`, by hidden checks.\n\n"
    return head + "| | success | 95% interval | problems |\n|---|---|---|---|\n" + "\n".join(rows)


def _short(value: object) -> object:
    """A lambda that stays is one number."""
    if isinstance(value, dict) and value.keys() == {"start", "end"} and value["end"] is None:
        return value["start"]
    return value


def _public(value: object) -> bool:
    """Whether it is stated: it is set, and no path of this machine."""
    if value is None or value in ("", [], {}):
        return False
    return not (isinstance(value, str) and (value.startswith(("/", ".", "~")) or Path(value).exists()))
