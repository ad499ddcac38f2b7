"""The student: its examples, stored scores and training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from deepcoder.config.section import Section


class StudentConfig(Section):
    """The model to be trained. `nano`, a directory or a Hugging Face name."""

    model: str = "nano"
    tokenizer: Path | None = None
    template: Literal["chatml", "native"] = "chatml"
    instructions: Literal["full", "short", "bare"] = "bare"
    max_length: int = Field(default=4096, ge=16, description="tokens of a whole example")


class PrepareConfig(Section):
    """Trajectories to token ids and span ids."""

    shard_rows: int = Field(default=20_000, ge=1)


class ScoreConfig(Section):
    """A model of the student's vocabulary that scores the teacher's text, behind vLLM's `prompt_logprobs`."""

    base_url: str = Field(default="http://127.0.0.1:8000/v1", description="ends where /completions begins")
    model: str | None = Field(default=None, description="as the server calls it; needed by `deepcoder score`")
    api_key_env: str | None = None
    k: int = Field(default=20, ge=1, description="likeliest tokens kept of each; vLLM allows 20 unless --max-logprobs")
    concurrency: int = Field(default=8, ge=1, description="requests at once")
    shard_rows: int = Field(default=256, ge=1, description="examples a file; what a kill costs at most")
    timeout_s: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1, description="tries of one request on 5xx and transport faults")
    max_wait_s: float = Field(default=3600.0, ge=0, description="the longest wait a 429 may ask for")
    max_outage_s: float = Field(default=1800.0, ge=0, description="a server that only fails is probed for so long")


class LambdaConfig(Section):
    """Weight of one span: constant, or linear from `start` to `end` over training."""

    start: float = Field(default=1.0, ge=0)
    end: float | None = Field(default=None, ge=0)


class LoraConfig(Section):
    """LoRA adapters."""

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    targets: Literal["attention", "attention+experts"] = "attention"


class CurriculumConfig(Section):
    """Easy examples first: cost = alpha * |REASON| + beta * |ACT| + gamma * H(teacher), in tokens and nats."""

    enabled: bool = False
    alpha: float = Field(default=1.0, ge=0, description="cost of one trained REASON token")
    beta: float = Field(default=1.0, ge=0, description="cost of one trained ACT token")
    gamma: float = Field(default=0.0, ge=0, description="cost of one nat of the teacher's entropy; needs stored scores")
    epochs: int = Field(default=1, ge=1, description="epochs that go easy first; later ones are in random order")


class LocalTeacherConfig(Section):
    """train.teacher_scores=local: a model of the student's vocabulary, whose whole distribution is learned."""

    model: str | None = Field(default=None, description="a directory or a Hugging Face name; a student's folder too")
    divergence: Literal["forward", "reverse", "jsd"] = Field(
        default="forward", description="KL(q || p), KL(p || q) or generalised JSD; q: teacher, p: student"
    )
    beta: float = Field(default=0.5, gt=0, lt=1, description="of jsd: share of the teacher in the mixture")


class TrainConfig(Section):
    """SAD training."""

    backend: Literal["transformers", "unsloth"] = "transformers"
    method: Literal["full", "lora"] = "full"
    load_in_4bit: bool = False
    lora: LoraConfig = LoraConfig()
    lambda_reason: LambdaConfig = LambdaConfig()
    lambda_act: LambdaConfig = LambdaConfig()
    normalization: Literal["span", "token"] = "span"
    teacher_scores: Literal["none", "stored", "local"] = Field(
        default="none",
        description="what is learned in place of the text's own tokens. stored: KL to the distributions that "
        "`deepcoder score` made; local: to those of train.teacher.model, run beside the student",
    )
    teacher: LocalTeacherConfig = LocalTeacherConfig()
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=8, ge=1)
    gradient_accumulation: int = Field(default=1, ge=1)
    parallel: Literal["ddp", "fsdp2"] = Field(
        default="ddp",
        description="under torchrun. ddp: the whole model on every GPU; fsdp2: a share of it on each (transformers)",
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_ratio: float = Field(default=0.05, ge=0, le=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    dtype: Literal["float32", "bfloat16"] = "float32"
    loss_chunk_rows: int = Field(default=1024, ge=1)
    group_by_length: bool = Field(default=True, description="examples of like length share a step: less padding")
    packing: bool = Field(
        default=False,
        description="batch_size counts rows of student.max_length tokens, each filled with whole examples kept apart",
    )
    curriculum: CurriculumConfig = CurriculumConfig()
    mask_error_steps: Literal["none", "act", "all"] = Field(
        default="none", description="of steps whose observation is an error, leave the action (act) or all untrained"
    )
    eval_fraction: float = Field(
        default=0.0, ge=0, lt=1, description="share of the problems held out; their loss is taken at every checkpoint"
    )
    final: Literal["best", "last"] = Field(
        default="best", description="the checkpoint that final/ is made of, where eval_fraction says which is best"
    )
    max_memory_gb: float | None = Field(
        default=None, gt=0, description="GiB of the device that training may take; refused beforehand where too little"
    )
    peak_tflops: float | None = Field(
        default=None, gt=0, description="of the device in train.dtype, for the MFU; unset: known GPUs by name"
    )
    save_steps: int = Field(default=100, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)
    logging_steps: int = Field(default=10, ge=1)
    report_to: list[str] = Field(
        default_factory=list, description="beside TensorBoard, which is always written: wandb and its like, by name"
    )
    optimizer: Literal["adamw", "adamw_8bit"] = Field(default="adamw", description="adamw_8bit needs bitsandbytes")
    router_aux_coefficient: float = Field(default=0.0, ge=0, description="weight of the load-balancing loss of an MoE")
    gradient_checkpointing: bool = Field(default=False, description="unsloth always checkpoints, in its own way")
    experts_implementation: Literal["auto", "eager", "grouped_mm"] = "auto"
    threads: int | None = Field(default=None, ge=1, description="CPU threads; unset: one a core")
