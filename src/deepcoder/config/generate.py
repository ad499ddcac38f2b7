"""Problems, the teacher and the generation of trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from deepcoder.config.rounds import RolloutConfig
from deepcoder.config.section import Section


class ProblemsConfig(Section):
    """Which problems. `source`: procedural, mbpp, humaneval, jsonl or huggingface."""

    source: Literal["procedural", "mbpp", "humaneval", "jsonl", "huggingface"] = "procedural"
    path: Path | None = None
    name: str | None = Field(default=None, description="Hugging Face dataset name")
    subset: str | None = Field(default=None, description="a Hugging Face dataset's configuration, such as GSM8K's main")
    dataset_split: str = "train"
    revision: str | None = Field(default=None, description="a Hugging Face dataset's branch, tag or commit")
    streaming: bool = Field(default=False, description="read a Hugging Face dataset row by row up to the limit")
    fields: dict[str, str] = Field(default_factory=dict, description="record field -> dataset column")
    levels: dict[str, int] = Field(
        default_factory=dict, description="numbers for a difficulty column of words: {easy: 1, hard: 2}"
    )
    answer_after: str | None = Field(
        default=None, description="in the answer column the answer is what follows the last one of these, such as ####"
    )
    families: list[str] = Field(default_factory=list, description="procedural families; empty: all")
    shares: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="weights of families among training problems, in place of their own"
    )
    train: int = Field(default=1600, ge=1, description="procedural training problems")
    held_out: int = Field(default=60, ge=1, description="procedural problems in each held-out split")
    sealed: bool = Field(
        default=False, description="held-out splits of the sealed half, on which no choice of a recipe is made"
    )
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0


class TeacherConfig(Section):
    """A teacher as `provider:model`, or `expert`."""

    model: str = "expert"
    base_url: str | None = None
    api_key_env: str | None = None
    temperature: float = Field(default=0.6, ge=0, le=2)
    max_tokens: int = Field(default=2048, ge=1)
    timeout_s: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1, description="tries of one request on 5xx and transport faults")
    max_wait_s: float = Field(
        default=3600.0,
        ge=0,
        description="the longest wait a 429 may ask for; beyond it (a daily quota) the run stops; 90000 waits it out",
    )
    max_outage_s: float = Field(
        default=1800.0, ge=0, description="a provider that only fails is probed for so long, then the run stops"
    )
    requests_per_minute: float | None = Field(default=None, gt=0, description="the provider's limit, kept to")
    tokens_per_minute: float | None = Field(default=None, gt=0, description="the provider's limit, kept to")
    requests_per_day: float | None = Field(default=None, gt=0, description="for --dry-run; its 429s are obeyed anyway")
    tokens_per_day: float | None = Field(default=None, gt=0, description="for --dry-run; its 429s are obeyed anyway")
    reasoning: Literal["record", "thought", "drop"] = Field(
        default="record",
        description="reasoning apart from the text is kept in the record, becomes the thought, or is not stored",
    )
    input_price: float = Field(default=0.0, ge=0, description="price of a million input tokens")
    output_price: float = Field(default=0.0, ge=0, description="price of a million output tokens")
    cached_price: float | None = Field(
        default=None, ge=0, description="price of a million input tokens from the provider's cache; unset: input_price"
    )
    stop: list[str] = Field(default_factory=list, description="stop sequences; some reasoning models refuse them")
    seed: int | None = None


class QualityConfig(Section):
    """What a verified run must also be; a limit of none is not checked."""

    enabled: bool = True
    min_steps: int = Field(default=1, ge=1)
    max_steps: int | None = Field(default=None, ge=1, description="stricter than the agent's own budget")
    max_step_chars: int | None = Field(default=20_000, ge=1, description="thought and input of one step")
    max_chars: int | None = Field(default=60_000, ge=1, description="all steps and observations")
    allow_truncated: bool = Field(default=False, description="keep runs with a step that hit the token limit")
    max_unreadable: int | None = Field(default=2, ge=0, description="steps in which no action could be read")
    require_thought: bool = Field(default=True, description="at least one step has a thought")
    allow_template_tokens: bool = Field(default=False, description="keep <|im_end|>, </think> and their kind in steps")
    max_repeats: int | None = Field(default=2, ge=1, description="how often one action may have the same input")
    max_repetition: float | None = Field(
        default=0.5, ge=0, le=1, description="share of a step's runs of 8 words that it said before; 0.5: twice at most"
    )
    invented_observations: Literal["used", "any", "keep"] = Field(
        default="used", description="reject runs that answer from an Observation the model wrote, or all that wrote one"
    )
    max_copied_words: int | None = Field(
        default=50, ge=1, description="longest run of words that a thought may copy from an observation"
    )


class DuplicatesConfig(Section):
    """Of trajectories with the same problem and solution, one is kept."""

    enabled: bool = True
    near: bool = Field(default=True, description="near duplicates too; exact ones always")
    threshold: float = Field(default=0.9, gt=0, lt=1, description="Jaccard similarity of a near duplicate")
    shingle: int = Field(default=5, ge=1, description="compared are the sets of runs of so many words and signs")
    permutations: int = Field(default=128, ge=16, description="the estimate's deviation is at most 0.5 / its root")


class DecontaminateConfig(Section):
    """Problems and solutions of benchmarks are kept out of the training data."""

    enabled: bool = True
    benchmarks: list[str] = Field(
        default_factory=lambda: ["humaneval", "mbpp-test"], description="shipped names, or problem files"
    )
    ngram: int = Field(default=13, ge=4, description="words in a run; the shipped benchmarks are made of 13")
    code_overlap: float = Field(
        default=0.5, gt=0, le=1, description="share of a reference solution's runs of tokens that makes a hit"
    )


class GenerateConfig(Section):
    """Trajectory generation."""

    concurrency: int = Field(default=8, ge=1, description="agent runs at once")
    workers_ray: int | None = Field(
        default=None, ge=1, description="solve over Ray in so many workers, each `concurrency` runs at once"
    )
    max_cost: float | None = Field(
        default=None, gt=0, description="stop at this cost, by teacher.input_price and output_price"
    )
    max_failed: int = Field(
        default=0, ge=0, description="problems that may stay without a run (provider or sandbox failed) at the end"
    )
    attempts: int = Field(default=1, ge=1, description="runs of a problem at most, the good one is kept")
    keep: Literal["first", "shortest"] = Field(
        default="first", description="end at the first good run, or make all attempts and keep the shortest good one"
    )
    attempt_temperature: float | None = Field(
        default=None, ge=0, le=2, description="of the second attempt and later ones; unset: teacher.temperature"
    )
    corrections: int = Field(
        default=0, ge=0, description="how often a run that did not pass goes on anew from its first failing step"
    )
    first_thought: Literal["off", "ask", "reasoning"] = Field(
        default="off", description="what the first thought begins with: words asked for beforehand, or the reasoning"
    )
    first_thought_chars: int = Field(default=600, ge=40, description="its longest beginning, in whole sentences")
    quality: QualityConfig = QualityConfig()
    duplicates: DuplicatesConfig = DuplicatesConfig()
    decontaminate: DecontaminateConfig = DecontaminateConfig()
    rollout: RolloutConfig = RolloutConfig()
