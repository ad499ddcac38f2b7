"""What the config means to transformers' Trainer, and what it cannot mean."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from transformers import TrainingArguments

from deepcoder.config import Config, TrainConfig
from deepcoder.errors import TrainingError
from deepcoder.train.parallel import ranks, sharded


def check_config(train: TrainConfig) -> None:
    """Raise TrainingError on settings that do not go together, before anything is loaded."""
    if train.packing and train.router_aux_coefficient:
        raise TrainingError(
            "train.packing and train.router_aux_coefficient do not go together: the balancing loss needs an attention "
            "mask, with which packed examples would see each other",
            hint="set one of them to its default",
        )
    if "wandb" in train.report_to and importlib.util.find_spec("wandb") is None:
        raise TrainingError("train.report_to names wandb, which is not installed", hint="pip install wandb")


def training_arguments(config: Config, place: Path) -> TrainingArguments:
    """What the config means to transformers' Trainer."""
    train = config.train
    arguments = TrainingArguments(
        output_dir=str(place),
        per_device_train_batch_size=train.batch_size,
        gradient_accumulation_steps=train.gradient_accumulation,
        max_steps=1,  # this and the warm-up are set from the plan
        learning_rate=train.learning_rate,
        lr_scheduler_type="constant_with_warmup" if train.schedule == "constant" else train.schedule,
        weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm,
        optim="adamw_8bit" if train.optimizer == "adamw_8bit" else "adamw_torch_fused",
        bf16=train.dtype == "bfloat16",
        logging_steps=train.logging_steps,
        logging_nan_inf_filter=False,  # a loss that is not a number must be seen
        save_strategy="steps",
        save_steps=train.save_steps,
        report_to=[name for name in train.report_to if name != "tensorboard"] or "none",
        disable_tqdm=True,
        seed=config.run.seed,
        remove_unused_columns=False,
        use_cpu=not torch.cuda.is_available(),
        ddp_backend="gloo" if ranks() > 1 and not torch.cuda.is_available() else None,
        fsdp=sharded(train) or None,  # type: ignore[arg-type]  # the annotation is older than the switch
        fsdp_config={"version": 2} if sharded(train) else None,
        log_level_replica="error",  # "warning" by default: the other ranks would say what the first does not
    )
    _ = arguments.device  # decides n_gpu; one process uses one GPU, several GPUs need torchrun
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
