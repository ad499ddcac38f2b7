"""The student through Unsloth: QLoRA of a large mixture of experts on one CUDA GPU.

Unsloth quantizes the fused experts of an MoE to 4 bit, which transformers alone leaves in bf16 without
a word; `check_quantized` makes sure that it did. With UNSLOTH_RETURN_HIDDEN_STATES=1 its forward
returns the hidden states in place of the logits, which is what the loss wants.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from deepcoder.config import Config
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import student_tokenizer
from deepcoder.train.parallel import ranks
from deepcoder.train.student import ATTENTION, EXPERTS, Student
from deepcoder.train.unsloth_import import import_unsloth


def load_unsloth(config: Config) -> Student:
    """The student in 4 bit (or bf16) with LoRA adapters; raises TrainingError where that cannot be."""
    train, student = config.train, config.student
    _check_config(config)
    language_model = import_unsloth()
    if ranks() > 1:
        checkpoint_as_one_gpu_does()
    model, _ = language_model.from_pretrained(
        student.model, max_seq_length=student.max_length, load_in_4bit=train.load_in_4bit,
        dtype=getattr(torch, train.dtype), full_finetuning=False, local_files_only=Path(student.model).is_dir(),
    )  # fmt: skip
    if train.load_in_4bit:
        check_quantized(model)
    targets = [*ATTENTION, *(EXPERTS if train.lora.targets == "attention+experts" else ())]
    model = language_model.get_peft_model(
        model, r=train.lora.rank, lora_alpha=train.lora.alpha, lora_dropout=0, bias="none",
        target_modules=targets, use_gradient_checkpointing="unsloth", random_state=config.run.seed,
    )  # fmt: skip
    if train.packing:
        enable_packed_attention()
    tokenizer = student_tokenizer(student)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Student(model, tokenizer, student.model, student.model)


def checkpoint_as_one_gpu_does() -> None:
    """Let ranks checkpoint by the autograd function that one GPU uses; raises TrainingError where that cannot be set.

    Under torchrun Unsloth (2026.10.9) takes torch's non-reentrant checkpointing, for DistributedDataParallel, in which
    our ranks are not wrapped. With packed rows no step ever came: while a block is traced, Unsloth tries its attention
    kernel forwards and backwards; that backward pass did not return (docs/LOG.md).
    """
    from unsloth.models import vision  # all models that it compiles block by block are loaded there

    if not hasattr(vision, "vlm_gradient_checkpointing_reentrant"):
        raise TrainingError(
            "this version of unsloth chooses its checkpointing for several GPUs elsewhere: its ranks could stand still",
            hint="the versions of constraints-gpu.txt, or one GPU",
        )
    vision.vlm_gradient_checkpointing_reentrant = lambda: True


def enable_packed_attention() -> None:
    """Let packed rows attend by sequence lengths, with no mask of T x T (Unsloth's own kernel for packed training)."""
    from unsloth.utils.hf_packed_attention import enable_hf_packed_attention

    enable_hf_packed_attention()


def check_quantized(model: nn.Module) -> None:
    """Raise TrainingError where an expert's weights are left in 16 bit or more after loading in 4 bit.

    An expert weight is a parameter below `experts` with two dimensions or more, by its name or by the shape that it
    had before it was packed. In 4 bit it is uint8; scales and codebooks have one dimension or are buffers. A mixture
    in which no such parameter is found cannot be vouched for: that is an error too.
    """
    experts = {
        name: parameter for name, parameter in model.named_parameters()
        if ".experts" in name and (parameter.dim() >= 2 or not parameter.is_floating_point())
    }  # fmt: skip
    loose = [name for name, parameter in experts.items() if parameter.is_floating_point()]
    hint = "this version of unsloth or bitsandbytes does not quantize fused experts: see docs/train.md"
    if loose:
        raise TrainingError(
            f"train.load_in_4bit, but {len(loose)} expert weights are not quantized ({loose[0]}, ...)", hint=hint
        )
    if getattr(getattr(model, "config", None), "num_experts", 0) and not experts:
        raise TrainingError("train.load_in_4bit, but the model shows no expert weights in 4 bit", hint=hint)


def _check_config(config: Config) -> None:
    train = config.train
    if train.method != "lora":
        raise TrainingError("train.backend=unsloth trains adapters only", hint="train.method=lora")
    if config.student.model == "nano":
        raise TrainingError("train.backend=unsloth does not train nano", hint="train.backend=transformers")
    if train.router_aux_coefficient > 0:
        raise TrainingError("train.router_aux_coefficient needs train.backend=transformers")
