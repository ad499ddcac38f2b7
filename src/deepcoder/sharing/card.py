"""The data set's card: README.md with the hub's metadata, written from what the run says of itself.

Only facts that stand in the run's manifest and its trajectories are stated. Paths of this machine are not.
"""

from __future__ import annotations

from collections import Counter

import yaml

from deepcoder.runs import Manifest
from deepcoder.sharing.facts import Facts

_SETTINGS = (
    "problems.source", "problems.name", "teacher.model", "teacher.temperature", "teacher.reasoning", "teacher.seed",
    "agent.instructions", "agent.max_steps", "agent.tools", "run.seed",
)  # fmt: skip
_CHECKS = {
    "exact": "the answer equals the hidden answer",
    "isolated": "hidden tests pass, run in another process than the answer's code",
    "in_process": "hidden tests pass, run in the answer's own process",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_FIELDS = """\
| column | |
|---|---|
| `problem_id`, `problem`, `family`, `split` | the problem; its hidden check is not here |
| `messages` | the canonical chat (role, content): one assistant message a step, one user message an observation |
| `steps` | thought, action, input, observation, error, and tokens and seconds where they are known |
| `answer`, `verified`, `verdict` | what the run answered, and what the judge said; here all are verified |
| `prompt` | the first user message as the teacher was sent it |
| `model`, `trajectory_id`, `stop_reason`, `wall_s`, `version` | who ran it, and the record |
| `exact_json` | the row as ASCII JSON, only where a text has a lone surrogate, which Parquet cannot hold |
"""


def card(name: str, facts: Facts, manifest: Manifest | None, *, license: str | None = None) -> str:
    """The text of README.md."""
    meta: dict[str, object] = {
        "pretty_name": name.rpartition("/")[2],
        "task_categories": ["text-generation"],
        "tags": ["agent", "code", "distillation", "tool-use", "deepcoder"],
        "size_categories": [next((size for limit, size in _SIZES if facts.trajectories < limit), "n>1M")],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
    }
    if license:
        meta = {"license": license} | meta
    parts = [
        f"---\n{yaml.safe_dump(meta, sort_keys=False)}---",
        f"# {name.rpartition('/')[2]}",
        f"{facts.trajectories:,} agent runs on programming problems, each of whose answers passed a hidden check: "
        "Thought, Action, Action Input, Observation, step by step, with Python really executed. "
        "Made with DeepCoder for Structured Agent Distillation (arXiv 2505.13820).",
        "" if license else "No licence was stated by whoever uploaded this.",
        "## How it was made",
        _made(facts, manifest),
        "## What is in it",
        _inside(facts),
        "## Columns",
        _FIELDS,
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _made(facts: Facts, manifest: Manifest | None) -> str:
    lines = [f"- Runs by: {_counted(facts.models)}."]
    if "expert" in facts.models:
        lines.append("- `expert` is a programmatic solver that knows the problems' solutions, not a language model.")
    lines += [f"- Verified: {_CHECKS.get(mode, mode)} ({number:,})." for mode, number in facts.checks.most_common()]
    if manifest is not None:
        settings = {key: manifest.settings.get(key) for key in _SETTINGS}
        given = [f"`{key}={value}`" for key, value in settings.items() if _public(value)]
        lines.append(f"- Settings: {', '.join(given)}.")
        rejected = {key: value for key, value in manifest.counts.items() if key.startswith("rejected")}
        if rejected:
            lines.append(f"- Not in it: {', '.join(f'{key} {value}' for key, value in rejected.items())}.")
        against = manifest.counts.get("decontaminated against")
        lines.append(f"- Decontaminated against: {against or 'nothing; no check for benchmark problems is recorded'}.")
        versions = ", ".join(f"{key} {value}" for key, value in manifest.versions.items() if key == "deepcoder")
        lines.append(f"- Versions: {versions or 'not recorded'}.")
    return "\n".join(lines)


def _public(value: object) -> bool:
    """Whether a setting is stated: it is set, and no path of this machine (problems.name may be one)."""
    return value not in (None, [], "") and not (isinstance(value, str) and value.startswith(("/", ".", "~")))


def _inside(facts: Facts) -> str:
    average = facts.steps / max(1, facts.trajectories)
    lengths = Counter({f"{steps} steps": number for steps, number in sorted(facts.lengths.items())})
    lines = [
        f"- Splits of the problem source: {_counted(facts.splits)}.",
        f"- Steps: {facts.steps:,}, {average:.2f} a run ({', '.join(f'{k}: {v:,}' for k, v in lengths.items())}); "
        f"{facts.failed_steps:,} of them failed and were recovered from.",
        f"- Actions: {_counted(facts.tools)}.",
    ]
    if facts.output_tokens:
        lines.append(f"- Tokens written by the teacher: {facts.output_tokens:,}.")
    table = "\n".join(f"| {family} | {number:,} |" for family, number in facts.families.most_common())
    return "\n".join(lines) + f"\n\n| family | runs |\n|---|---|\n{table}"


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counter.most_common())
