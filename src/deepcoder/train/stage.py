"""The train stage: load, resume, train, save."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from rich.console import Console
from transformers import TrainingArguments

from deepcoder.config import Config
from deepcoder.models.quiet import quieten_transformers
from deepcoder.runs import RunFolder
from deepcoder.train import checkpoints
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator, ExampleSet, read_examples
from deepcoder.train.export import end_of_turn, save_base, save_final
from deepcoder.train.log import ConsoleProgress, LogFile, TensorBoard, plot_losses, read_log, rewind_log
from deepcoder.train.signals import StopRequest
from deepcoder.train.student import Student, load_student
from deepcoder.train.trainer import SadTrainer

Counts = dict[str, int | float | str]


def run(config: Config, folder: RunFolder, console: Console) -> Counts:
    """Train the student on RUN/examples; resumes from the last whole checkpoint.

    After SIGINT (KeyboardInterrupt) or SIGTERM (SystemExit) the step at hand is saved: the next call goes
    on from it, with the losses that an uninterrupted run would have had.
    """
    place = folder.stage("train")
    place.mkdir(parents=True, exist_ok=True)
    quieten_transformers()
    _use_threads(config.train.threads)
    student = load_student(
        config, lambda model, words, origin: save_base(place / "base", model, words, config.student.model, origin)
    )
    end_of_turn(student.tokenizer)
    sizes = {"parameters": student.parameters, "trained": student.trainable}  # merging adapters changes them
    examples = read_examples(folder.stage("prepare"), vocabulary=_vocabulary(student))
    console.print(
        f"{len(examples):,} examples, {len(examples.tokens):,} tokens; {config.student.model}: {student.origin}, "
        f"{sizes['parameters']:,} parameters, {sizes['trained']:,} trained",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    resume, skipped = checkpoints.last_good(place)
    for line in skipped:
        console.print(f"skipped a damaged checkpoint: {line}", soft_wrap=True)
    step = 0 if resume is None else int(resume.name.split("-")[1])
    if resume is not None:
        console.print(f"resuming from {resume.name}")
    _train(config, place, student, examples, resume, step, console)
    save_final(place / "final", student.model, student.tokenizer)
    lines = read_log(place / "log.jsonl")
    plot_losses(lines, place / "loss.png")
    return _summary(lines) | sizes | {"student": student.origin}


def outputs(folder: RunFolder) -> list[Path]:
    """The trained student's files."""
    return sorted(path for path in (folder.stage("train") / "final").rglob("*") if path.is_file())


def _train(
    config: Config,
    place: Path,
    student: Student,
    examples: ExampleSet,
    resume: Path | None,
    step: int,
    console: Console,
) -> None:
    train = config.train
    arguments = training_arguments(config, place)
    plan = plan_batches(
        examples.lengths, batch_size=train.batch_size, accumulation=train.gradient_accumulation,
        ranks=arguments.world_size, epochs=train.epochs, max_steps=train.max_steps,
        group_by_length=train.group_by_length, seed=config.run.seed,
    )  # fmt: skip
    arguments.max_steps = len(plan.steps)
    rewind_log(place / "log.jsonl", step)
    progress = ConsoleProgress(console)
    callbacks = [LogFile(place / "log.jsonl", len(examples)), progress]
    if "tensorboard" in train.report_to:
        callbacks.append(TensorBoard(place / "tensorboard", step))
    pad = student.tokenizer.pad_token_id
    with StopRequest(console) as stop:
        trainer = SadTrainer(
            model=student.model, args=arguments, config=train, plan=plan, collator=Collator(examples, pad),
            tokenizer=student.tokenizer, stop_requested=stop, callbacks=callbacks,
        )  # fmt: skip
        try:
            trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
        finally:
            progress.close()
        if trainer.state.global_step < len(plan.steps):
            plot_losses(read_log(place / "log.jsonl"), place / "loss.png")
            stop.raise_if_received()


def training_arguments(config: Config, place: Path) -> TrainingArguments:
    """What the config means to transformers' Trainer."""
    train = config.train
    arguments = TrainingArguments(
        output_dir=str(place),
        per_device_train_batch_size=train.batch_size,
        gradient_accumulation_steps=train.gradient_accumulation,
        max_steps=1,  # set from the plan
        learning_rate=train.learning_rate,
        lr_scheduler_type="constant_with_warmup" if train.schedule == "constant" else train.schedule,
        warmup_steps=train.warmup_ratio if train.warmup_ratio < 1 else 1.0,
        weight_decay=train.weight_decay,
        max_grad_norm=train.max_grad_norm,
        optim="adamw_8bit" if train.optimizer == "adamw_8bit" else "adamw_torch_fused",
        bf16=train.dtype == "bfloat16" and torch.cuda.is_available(),
        logging_steps=train.logging_steps,
        logging_nan_inf_filter=False,  # a loss that is not a number must be seen
        save_strategy="steps",
        save_steps=train.save_steps,
        report_to=[name for name in train.report_to if name != "tensorboard"] or "none",
        disable_tqdm=True,
        seed=config.run.seed,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    _ = arguments.device  # decides n_gpu; one process uses one GPU, several GPUs need torchrun
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def _vocabulary(student: Student) -> int:
    return int(student.model.get_input_embeddings().weight.shape[0])  # type: ignore[operator]


def _summary(lines: list[dict[str, float]]) -> Counts:
    tokens, seconds = sum(line["tokens"] for line in lines), sum(line["seconds"] for line in lines)
    last = lines[-1]
    return {
        "steps": int(last["step"]),
        "examples": int(sum(line["examples"] for line in lines)),
        "tokens": int(tokens),
        "tokens_per_s": round(tokens / max(seconds, 1e-9), 1),
        **{name: round(last[name], 4) for name in ("loss_reason", "loss_act") if name in last},
    }


def _use_threads(threads: int | None) -> None:
    torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
