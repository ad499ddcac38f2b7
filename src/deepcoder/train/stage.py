"""The train stage: load, resume, train, save."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch
from rich.console import Console
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback, TrainingArguments

from deepcoder.config import Config
from deepcoder.models.quiet import quieten_transformers
from deepcoder.runs import RunFolder
from deepcoder.train import checkpoints
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator, read_examples
from deepcoder.train.export import end_of_turn, save_base, save_final
from deepcoder.train.log import ConsoleProgress, LogFile, TensorBoard, plot_losses, read_log, rewind_log
from deepcoder.train.signals import StopRequest
from deepcoder.train.stored import read_stored
from deepcoder.train.student import Student, load_student
from deepcoder.train.trainer import SadTrainer

Counts = dict[str, int | float | str]
LOG, PLOT = "log.jsonl", "loss.png"


def run(config: Config, folder: RunFolder, console: Console) -> Counts:
    """Train the student on RUN/examples; resumes from the last whole checkpoint.

    After SIGINT (KeyboardInterrupt) or SIGTERM (SystemExit) the step at hand is saved: the next call goes
    on from it, with the losses that an uninterrupted run would have had. Under torchrun every rank calls
    this; the first one writes.
    """
    place = folder.stage("train")
    place.mkdir(parents=True, exist_ok=True)
    quieten_transformers()
    torch.set_num_threads(config.train.threads or len(os.sched_getaffinity(0)))
    arguments = training_arguments(config, place)
    main = arguments.process_index == 0
    if not main:
        console = Console(quiet=True)

    def keep_base(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, origin: str) -> None:
        if main:
            save_base(place / "base", model, tokenizer, config.student.model, origin)

    student = load_student(config, keep_base)
    end_of_turn(student.tokenizer)
    sizes = {"parameters": student.parameters, "trained": student.trainable}  # merging adapters changes them
    examples = read_examples(
        folder.stage("prepare"), vocabulary=_vocabulary(student), mask_error_steps=config.train.mask_error_steps
    )
    console.print(
        f"{len(examples):,} examples, {len(examples.tokens):,} tokens; {config.student.model}: {student.origin}, "
        f"{sizes['parameters']:,} parameters, {sizes['trained']:,} trained",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    scores = None
    if config.train.teacher_scores == "stored":
        scores = read_stored(folder.stage("score"), examples, vocabulary=_vocabulary(student))
    _train(config, arguments, student, Collator(examples, student.tokenizer.pad_token_id, scores), console)
    if main:
        save_final(place / "final", student.model, student.tokenizer, student.reference)
        plot_losses(read_log(place / LOG), place / PLOT)
    return _summary(read_log(place / LOG)) | sizes | {"student": student.origin}


def outputs(folder: RunFolder) -> list[Path]:
    """The trained student's files."""
    return sorted(path for path in (folder.stage("train") / "final").rglob("*") if path.is_file())


def _train(
    config: Config, arguments: TrainingArguments, student: Student, collator: Collator, console: Console
) -> None:
    """Train to the end of the plan, from the last whole checkpoint on; raises where a signal ended it."""
    train, place, examples = config.train, Path(str(arguments.output_dir)), collator.examples
    plan = plan_batches(
        examples.lengths, batch_size=train.batch_size, accumulation=train.gradient_accumulation,
        ranks=arguments.world_size, epochs=train.epochs, max_steps=train.max_steps,
        group_by_length=train.group_by_length, seed=config.run.seed,
    )  # fmt: skip
    arguments.max_steps = len(plan.steps)
    arguments.warmup_steps = math.ceil(train.warmup_ratio * len(plan.steps))
    resume = _last_checkpoint(place, console)
    callbacks, progress = _callbacks(config, arguments, len(examples), resume, console)
    with StopRequest(console) as stop:
        trainer = SadTrainer(
            model=student.model, args=arguments, config=train, plan=plan, stop_requested=stop, callbacks=callbacks,
            collator=collator, tokenizer=student.tokenizer,
        )  # fmt: skip
        try:
            trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
        finally:
            progress.close()
        if trainer.state.global_step < len(plan.steps):
            stop.raise_if_received()
            raise KeyboardInterrupt  # the signal reached another rank


def _last_checkpoint(place: Path, console: Console) -> Path | None:
    resume, skipped = checkpoints.last_good(place)
    for line in skipped:
        console.print(f"skipped a damaged checkpoint: {line}", soft_wrap=True)
    if resume is not None:
        console.print(f"resuming from {resume.name}")
    return resume


def _callbacks(
    config: Config, arguments: TrainingArguments, examples: int, resume: Path | None, console: Console
) -> tuple[list[TrainerCallback], ConsoleProgress]:
    """What the first rank shows and writes."""
    progress = ConsoleProgress(console)
    if arguments.process_index != 0:
        return [], progress
    place = Path(str(arguments.output_dir))
    step = 0 if resume is None else checkpoints.step_of(resume)
    rewind_log(place / LOG, step)
    callbacks: list[TrainerCallback] = [LogFile(place / LOG, examples), progress]
    if "tensorboard" in config.train.report_to:
        callbacks.append(TensorBoard(place / "tensorboard", step))
    return callbacks, progress


def training_arguments(config: Config, place: Path) -> TrainingArguments:
    """What the config means to transformers' Trainer."""
    train = config.train
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
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
        ddp_backend="gloo" if ranks > 1 and not torch.cuda.is_available() else None,
        # Every parameter has a gradient, and the head's comes from outside the wrapped forward: with the
        # search for unused ones, DDP would take the head for unused and then see it used.
        ddp_find_unused_parameters=False,
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
