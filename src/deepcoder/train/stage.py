"""The train stage: load, resume, train, save."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback, TrainingArguments

from deepcoder.config import Config, TrainConfig
from deepcoder.errors import TrainingError
from deepcoder.models.quiet import quieten_transformers
from deepcoder.runs import RunFolder
from deepcoder.train import checkpoints
from deepcoder.train.arguments import check_config, training_arguments
from deepcoder.train.batches import plan_batches, plan_evaluation
from deepcoder.train.curriculum import easy_first
from deepcoder.train.examples import Collator, hold_out, read_examples
from deepcoder.train.export import end_of_turn, save_base, save_final
from deepcoder.train.log import LogFile, TensorBoard, read_log, rewind_log
from deepcoder.train.packing import check_separation
from deepcoder.train.panel import ConsoleProgress
from deepcoder.train.parallel import global_batch, sharded
from deepcoder.train.plots import write_plots
from deepcoder.train.preflight import check_memory
from deepcoder.train.shape import peak_flops, shape_of, training_flops
from deepcoder.train.signals import StopRequest
from deepcoder.train.stored import read_stored
from deepcoder.train.student import Student, load_student
from deepcoder.train.trainer import SadTrainer
from deepcoder.train.weights import read_weights
from deepcoder.train.white_box import LocalTeacher, load_teacher

Counts = dict[str, int | float | str]
LOG, PLOTS = "log.jsonl", "plots"


def run(config: Config, folder: RunFolder, console: Console) -> Counts:
    """Train the student on RUN/examples; resumes from the last whole checkpoint.

    After SIGINT (KeyboardInterrupt) or SIGTERM (SystemExit) the step at hand is saved: the next call goes
    on from it, with the losses that an uninterrupted run would have had. Under torchrun every rank calls
    this; the first one writes.
    """
    try:
        counts = _run(config, folder, console)
        if torch.distributed.is_initialized():  # the first rank writes while the others are done
            torch.distributed.barrier()
        return counts
    finally:
        if torch.distributed.is_initialized():  # its threads would abort the interpreter at its end
            gc.collect()  # a sharded model, part of many cycles, holds the group, too
            torch.distributed.destroy_process_group()


def _run(config: Config, folder: RunFolder, console: Console) -> Counts:
    place = folder.stage("train")
    place.mkdir(parents=True, exist_ok=True)
    check_config(config.train)
    quieten_transformers()
    torch.set_num_threads(config.train.threads or len(os.sched_getaffinity(0)))
    arguments = training_arguments(config, place)
    main = arguments.process_index == 0
    if not main:
        console = Console(quiet=True)

    def keep_base(model: PreTrainedModel | None, tokenizer: PreTrainedTokenizerBase, origin: str) -> None:
        if main:
            save_base(place / "base", model, tokenizer, config.student.model, origin)

    examples = read_examples(folder.stage("prepare"), mask_error_steps=config.train.mask_error_steps)
    check_memory(config, int(examples.lengths.max()), arguments.device, console)
    student = load_student(config, keep_base)
    end_of_turn(student.tokenizer)
    examples.check_vocabulary(_vocabulary(student))
    sizes = {"parameters": student.parameters, "trained": student.trainable}  # merging adapters changes them
    console.print(
        f"{len(examples):,} examples, {len(examples.tokens):,} tokens; {config.student.model}: {student.origin}, "
        f"{sizes['parameters']:,} parameters, {sizes['trained']:,} trained",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    scores = None
    if config.train.teacher_scores == "stored":
        scores = read_stored(folder.stage("score"), examples, vocabulary=_vocabulary(student))
    teacher = None
    if config.train.teacher_scores == "local":
        teacher = load_teacher(config, student.tokenizer, _vocabulary(student), arguments.device)
    collator = Collator(examples, student.tokenizer.pad_token_id, scores)
    chosen = _train(config, arguments, student, collator, teacher, console)
    if main:
        if sharded(config.train):  # no rank has it whole, but the checkpoint is
            student = load_student(config, lambda *_: None)
            read_weights(student.model, chosen)
        save_final(place / "final", student.model, student.tokenizer, student.reference)
        write_plots(read_log(place / LOG), place / PLOTS)
    return _summary(read_log(place / LOG), place) | sizes | {"student": student.origin}


def outputs(folder: RunFolder) -> list[Path]:
    """The trained student's files."""
    return sorted(path for path in (folder.stage("train") / "final").rglob("*") if path.is_file())


def _train(
    config: Config,
    arguments: TrainingArguments,
    student: Student,
    collator: Collator,
    teacher: LocalTeacher | None,
    console: Console,
) -> Path:
    """Train to the end of the plan, from the last whole checkpoint on; raises where a signal ended it.

    The checkpoint that `train.final` asks for. The model has its weights, unless it is sharded.
    """
    train, place, examples = config.train, Path(str(arguments.output_dir)), collator.examples
    among, held_out = hold_out(examples, train.eval_fraction)
    capacity = config.student.max_length if train.packing else None
    plan = plan_batches(
        examples.lengths, batch_size=train.batch_size, accumulation=train.gradient_accumulation,
        ranks=arguments.world_size, epochs=train.epochs, max_steps=train.max_steps,
        group_by_length=train.group_by_length, seed=config.run.seed, among=among,
        easy=easy_first(train.curriculum, collator), capacity=capacity,
    )  # fmt: skip
    arguments.max_steps = len(plan.steps)
    arguments.warmup_steps = math.ceil(train.warmup_ratio * len(plan.steps))
    if train.packing:
        head: nn.Module = student.model.get_output_embeddings()  # type: ignore[operator]
        check_separation(student.model, head, _vocabulary(student), by_lengths=train.backend == "unsloth")
    resume = _last_checkpoint(place, console)
    if resume is not None:
        checkpoints.check_batch(resume, global_batch(train))
    if sharded(train) and resume is not None:
        read_weights(student.model, resume)
    callbacks, progress = _callbacks(config, arguments, len(among), resume, console)
    with StopRequest(console) as stop:
        trainer = SadTrainer(
            model=student.model, args=arguments, config=train, plan=plan, stop_requested=stop, callbacks=callbacks,
            collator=collator, tokenizer=student.tokenizer, least_seconds=_least_seconds(train, arguments, student),
            teacher=teacher,
            held_out=plan_evaluation(examples.lengths, held_out, batch_size=train.batch_size, capacity=capacity),
        )  # fmt: skip
        try:
            trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
        finally:
            progress.close()
        if trainer.state.global_step < len(plan.steps):
            console.print(f"saved as checkpoint-{trainer.state.global_step}; the same command goes on from there")
            stop.raise_if_received()
            raise KeyboardInterrupt  # the signal reached another rank
    best = checkpoints.best(place) if train.eval_fraction and train.final == "best" else None
    last = place / f"checkpoint-{len(plan.steps)}"
    if best is None or best == last:
        return last
    _load_best(trainer, best, console)
    return best


def _load_best(trainer: SadTrainer, best: Path, console: Console) -> None:
    if (reason := checkpoints.damage(best)) is not None:
        raise TrainingError(
            f"{best}, the best checkpoint by its held-out loss, is damaged: {reason}",
            hint="delete that folder, then run the same command: the next best one becomes final/",
        )
    trainer.load_weights(best)
    console.print(
        f"final/ is made of {best.name}: held-out loss {checkpoints.held_out_loss(best):.4f}", highlight=False
    )


def _least_seconds(
    train: TrainConfig, arguments: TrainingArguments, student: Student
) -> Callable[[dict[str, float]], float] | None:
    """The seconds that these devices need at their peak for an interval's counts; None where it is unknown."""
    peak = peak_flops(arguments.device, train.peak_tflops)
    if peak is None:
        return None
    shape, full = shape_of(student.model.config), train.method == "full"
    together: float = peak * arguments.world_size

    def seconds(counts: dict[str, float]) -> float:
        flops = training_flops(
            shape, tokens=counts["tokens"], trained=counts["reason"] + counts["act"], pairs=counts["pairs"], full=full
        )
        return flops / together

    return seconds


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
    return [LogFile(place / LOG, examples), TensorBoard(place / "tensorboard", step), progress], progress


def _vocabulary(student: Student) -> int:
    return int(student.model.get_input_embeddings().weight.shape[0])  # type: ignore[operator]


def _summary(lines: list[dict[str, float]], place: Path) -> Counts:
    tokens, seconds = sum(line["tokens"] for line in lines), sum(line["seconds"] for line in lines)
    last, best = lines[-1], checkpoints.best(place)
    held_out: Counts = {}
    if best is not None:
        held_out = {"eval_loss": round(checkpoints.held_out_loss(best), 4), "best_step": checkpoints.step_of(best)}
    return {
        "steps": int(last["step"]),
        "examples": int(sum(line["examples"] for line in lines)),
        "tokens": int(tokens),
        "tokens_per_s": round(tokens / max(seconds, 1e-9), 1),
        **{name: round(last[name], 4) for name in ("loss_reason", "loss_act") if name in last},
        **held_out,
    }
