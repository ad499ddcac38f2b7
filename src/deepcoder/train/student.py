"""The student: loaded as the config says, ready to be trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from deepcoder.config import Config, LoraConfig, TrainConfig
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import student_tokenizer
from deepcoder.models.nano import load_nano

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
EXPERTS = ("gate_up_proj", "down_proj")


@dataclass(frozen=True)
class Student:
    """`model`: what is trained (a PeftModel with LoRA). `origin`: what its weights are, in words.

    `reference`: where the untouched weights can be loaded from again; None where they are only here.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    origin: str
    reference: str | None

    @property
    def trainable(self) -> int:
        """Trainable parameters."""
        return sum(_count(parameter) for parameter in self.model.parameters() if parameter.requires_grad)

    @property
    def parameters(self) -> int:
        """All parameters."""
        return sum(_count(parameter) for parameter in self.model.parameters())


def _count(parameter: nn.Parameter) -> int:
    """Numbers in a parameter; of one in 4 bit, which is packed, those that it stands for."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else math.prod(state.shape)


def load_student(
    config: Config, keep_base: Callable[[PreTrainedModel | None, PreTrainedTokenizerBase, str], None]
) -> Student:
    """The student of `config`, with adapters where it says so.

    `keep_base(model, tokenizer, origin)` is called with the untouched model, before adapters change it; None for one
    that is loaded in 4 bit, which is not what others are to open.
    Raises TrainingError where the backend, the model or the device cannot do what is asked.
    """
    if config.train.backend == "unsloth":
        from deepcoder.train.unsloth_backend import load_unsloth

        student = load_unsloth(config)
        keep_base(None, student.tokenizer, student.origin)
        return student
    if config.train.load_in_4bit:
        raise TrainingError(
            "train.load_in_4bit needs train.backend=unsloth",
            hint="with transformers alone the experts of a mixture stay in bf16, without a word",
        )
    model, tokenizer, origin = _load(config)
    keep_base(model, tokenizer, origin)
    if config.train.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    trained: nn.Module = model
    if config.train.method == "lora":
        torch.manual_seed(config.run.seed)  # the trainer's own comes too late for the adapters
        trained = add_adapters(model, config.train.lora)
    reference = None if config.student.model == "nano" else config.student.model
    return Student(trained, tokenizer, origin, reference)


def add_adapters(model: PreTrainedModel, lora: LoraConfig) -> nn.Module:
    """`model` with LoRA adapters on the attention, and on the experts where asked.

    Experts are 3-D parameters, not modules: they are named as `target_parameters`. gate and up are one
    fused parameter, so its adapter has one rank for both.
    """
    from peft import LoraConfig as PeftConfig
    from peft import get_peft_model

    experts = _expert_parameters(model) if lora.targets == "attention+experts" else []
    if lora.targets == "attention+experts" and not experts:
        raise TrainingError(
            "train.lora.targets=attention+experts, but the student has no experts",
            hint="train.lora.targets=attention",
        )
    config = PeftConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
        target_modules=list(ATTENTION), target_parameters=experts or None,
    )  # fmt: skip
    return get_peft_model(model, config)


def _expert_parameters(model: nn.Module) -> list[str]:
    suffixes = {".".join(name.split(".")[-2:]) for name, p in model.named_parameters() if p.dim() == 3}
    return sorted(name for name in suffixes if name.split(".")[-1] in EXPERTS)


def _load(config: Config) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, str]:
    student, train = config.student, config.train
    tokenizer = student_tokenizer(student)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is never trained: see Collator
    if student.model == "nano":
        nano = load_nano(seed=config.run.seed, tokenizer=student.tokenizer)
        nano.model.set_experts_implementation(_experts(train))
        return nano.model, tokenizer, nano.origin
    # Adapters are trained on weights in the asked precision; full training keeps fp32 masters and autocasts.
    dtype = getattr(torch, train.dtype) if train.method == "lora" else torch.float32
    try:
        model = AutoModelForCausalLM.from_pretrained(
            student.model, dtype=dtype, attn_implementation="sdpa", experts_implementation=_experts(train)
        )
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"student.model={student.model} cannot be loaded: {error}",
            hint="name `nano`, a directory with config.json and weights, or a model on the Hugging Face hub",
        ) from error
    return model, tokenizer, student.model


def _experts(train: TrainConfig) -> str:
    return "grouped_mm" if train.experts_implementation == "auto" else train.experts_implementation
