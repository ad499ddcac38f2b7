"""The student through Unsloth: QLoRA of a large mixture of experts on one CUDA GPU.

Unsloth quantizes the fused experts of an MoE to 4 bit, which transformers alone leaves in bf16 without
a word; `check_quantized` makes sure that it did. With UNSLOTH_RETURN_HIDDEN_STATES=1 its forward
returns the hidden states in place of the logits, which is what the loss wants.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import torch
from torch import nn

from deepcoder.config import Config
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import student_tokenizer
from deepcoder.train.student import ATTENTION, EXPERTS, Student


def load_unsloth(config: Config, *, hidden_states: bool = True) -> Student:
    """The student in 4 bit (or bf16) with LoRA adapters; raises TrainingError where that cannot be.

    `hidden_states=False` leaves Unsloth's forward with its own loss, for measurements beside ours.
    """
    train, student = config.train, config.student
    _check_config(config)
    language_model = _import(hidden_states)
    model, _ = language_model.from_pretrained(
        student.model, max_seq_length=student.max_length, load_in_4bit=train.load_in_4bit,
        dtype=getattr(torch, train.dtype), full_finetuning=False,
    )  # fmt: skip
    if train.load_in_4bit:
        check_quantized(model)
    targets = [*ATTENTION, *(EXPERTS if train.lora.targets == "attention+experts" else ())]
    model = language_model.get_peft_model(
        model, r=train.lora.rank, lora_alpha=train.lora.alpha, lora_dropout=0, bias="none",
        target_modules=targets, use_gradient_checkpointing="unsloth", random_state=config.run.seed,
    )  # fmt: skip
    tokenizer = student_tokenizer(student)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Student(model, tokenizer, student.model, student.model)


def check_quantized(model: nn.Module) -> None:
    """Raise TrainingError where an expert's weights are left in 16 bit or more after loading in 4 bit.

    An expert weight is a floating-point parameter below `experts` with two dimensions or more. Its
    4-bit form is uint8, packed; scales and codebooks have one dimension or are buffers.
    """
    loose = [
        name for name, parameter in model.named_parameters()
        if ".experts" in name and parameter.is_floating_point() and parameter.dim() >= 2
    ]  # fmt: skip
    if loose:
        raise TrainingError(
            f"train.load_in_4bit, but {len(loose)} expert weights are not quantized ({loose[0]}, ...)",
            hint="this version of unsloth or bitsandbytes does not quantize fused experts: see docs/train.md",
        )


def _check_config(config: Config) -> None:
    train = config.train
    if train.method != "lora":
        raise TrainingError("train.backend=unsloth trains adapters only", hint="train.method=lora")
    if config.student.model == "nano":
        raise TrainingError("train.backend=unsloth does not train nano", hint="train.backend=transformers")
    if train.router_aux_coefficient > 0:
        raise TrainingError("train.router_aux_coefficient needs train.backend=transformers")


def _import(hidden_states: bool) -> Any:
    hint = "on a machine with a CUDA GPU: pip install 'deepcoder[gpu]'; without one: train.backend=transformers"
    if not torch.cuda.is_available():
        raise TrainingError("train.backend=unsloth needs a CUDA GPU, and there is none", hint=hint)
    if importlib.util.find_spec("unsloth") is None:
        raise TrainingError("train.backend=unsloth needs the package unsloth, which is not installed", hint=hint)
    if hidden_states:
        os.environ["UNSLOTH_RETURN_HIDDEN_STATES"] = "1"  # read when unsloth patches the forward
    os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
    from unsloth import FastLanguageModel

    return FastLanguageModel
