"""transformers' Trainer, with the SAD loss in it.

What differs from the Trainer, and why:

- The batches follow a plan made before training (deepcoder.train.batches).
- `get_batch_samples` counts the trained tokens of the whole optimizer step, over every micro-batch and
  rank, so that the losses of the micro-batches add up to the step's loss: accumulation and ranks change
  nothing. The request to stop (a signal) is agreed on in the same reduction.
- `compute_loss` takes the final hidden states and gives only the trained rows to the head.
- Checkpoints are written atomically, and the model is read back through `from_pretrained`: transformers 5
  stores the experts of an MoE under other names than the module's, and the Trainer's own non-strict
  loading would leave them untouched without a word. A sharded training stores what one process would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME

from deepcoder.config import TrainConfig
from deepcoder.errors import TrainingError
from deepcoder.losses import SadOutput, lambda_at, sad_loss, select_rows, trained_positions
from deepcoder.train import checkpoints
from deepcoder.train.batches import BatchPlan, PlannedBatches, Row
from deepcoder.train.examples import Collator
from deepcoder.train.hidden import hidden_states, packed_hidden_states
from deepcoder.train.parallel import (
    average_gradients,
    begin_alike,
    global_batch,
    load_whole_state,
    share_on_cpus,
    whole_state,
    whole_weights,
)
from deepcoder.train.stored import teacher_of
from deepcoder.train.tally import COUNTS, Tally, count
from deepcoder.train.weights import read_weights
from deepcoder.train.white_box import LocalTeacher


class SadTrainer(Trainer):
    """`stop_requested()` is asked once an optimizer step; `stopped` says whether training ended by it."""

    def __init__(
        self,
        *,
        model: nn.Module,
        args: TrainingArguments,
        config: TrainConfig,
        plan: BatchPlan,
        collator: Collator,
        tokenizer: PreTrainedTokenizerBase,
        stop_requested: Callable[[], bool] = lambda: False,
        callbacks: list[TrainerCallback] | None = None,
        held_out: Sequence[list[Row]] = (),
        least_seconds: Callable[[dict[str, float]], float] | None = None,
        teacher: LocalTeacher | None = None,
    ) -> None:
        super().__init__(
            model=model, args=args, train_dataset=collator.examples, data_collator=collator,
            processing_class=tokenizer, callbacks=[_Bookkeeping(self), *(callbacks or [])],
        )  # fmt: skip
        self.remove_callback(PrinterCallback)  # deepcoder.train.log shows the lines
        self.model_accepts_loss_kwargs = True  # compute_loss normalises by the whole step: divide by nothing else
        self.config = config
        self.plan = plan
        self.head: nn.Linear = model.get_output_embeddings()  # type: ignore[operator]
        self.stop_requested = stop_requested
        self.stopped = False
        self.held_out = held_out
        self.teacher = teacher
        self.tally = Tally(args.device, least_seconds)
        self._evaluation: dict[str, float] = {}
        self._staging: Path | None = None
        if self.is_fsdp_enabled:
            _reduce_in_fp32(self.accelerator.state.fsdp_plugin)

    def create_accelerator_and_postprocess(self) -> None:
        """The Trainer's; ranks on CPUs, for which accelerate passes its FSDP plugin by, get it too."""
        super().create_accelerator_and_postprocess()
        if self.args.fsdp_plugin_args is not None and not self.is_fsdp_enabled:
            share_on_cpus(self.accelerator.state, self.args.fsdp_plugin_args)
            self.is_fsdp_enabled = True
        self.averages = self.args.world_size > 1 and not self.is_fsdp_enabled
        if self.averages:  # accelerate wraps no model in DistributedDataParallel that is "for evaluation"
            self.accelerator.prepare_model = partial(self.accelerator.prepare_model, evaluation_mode=True)

    # --- batches ------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The plan's micro-batches of this rank. No accelerate wrapper: the plan is already split by ranks."""
        micro_batches = PlannedBatches(self.plan.micro_batches(self.args.process_index))
        return DataLoader(self.train_dataset, batch_sampler=micro_batches, collate_fn=self.data_collator)  # type: ignore[arg-type]

    def get_batch_samples(
        self, epoch_iterator: Iterator[dict[str, Tensor]], num_batches: int, device: torch.device
    ) -> tuple[list[dict[str, Tensor]], Tensor]:
        """The micro-batches of one optimizer step, and (N_R, N_A) over all of them on all ranks."""
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        counts = torch.cat([count(batches), torch.tensor([float(self.stop_requested())])])
        if self.args.world_size > 1:
            counts = self.accelerator.reduce(counts.to(device), "sum").cpu()
        self.stopped = bool(counts[-1] > 0)  # the same answer on every rank
        self.tally.begin_step(counts[:-1])
        return batches, counts[:2].to(device)

    # --- the loss -----------------------------------------------------------------------------

    def lambdas(self, step: int) -> tuple[float, float]:
        """(lambda_reason, lambda_act) of an optimizer step, counted from 0."""
        progress = step / max(1, self.state.max_steps - 1)
        reason, act = self.config.lambda_reason, self.config.lambda_act
        return lambda_at(progress, reason.start, reason.end), lambda_at(progress, act.start, act.end)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """This micro-batch's share of the step's loss; its sum over micro-batches and ranks is the loss.

        Right padding needs no attention mask under causal attention: no token sees what follows it.
        """
        counts = num_items_in_batch
        if counts is None:
            raise TrainingError("SadTrainer needs the token counts of the whole step: call it through train()")
        # Found now: to look for them after the forward pass would wait for all of it, with nothing else queued.
        positions = trained_positions(inputs["span_ids"])
        hidden, balance = self._hidden(model, inputs)
        out = self._sad(hidden, inputs, self.lambdas(self.state.global_step), counts, positions)
        self.tally.add(out)
        loss = out.loss
        if balance is not None:
            share = inputs["attention_mask"].sum() / self.tally.step_counts[COUNTS.index("tokens")].item()
            loss = loss + self.config.router_aux_coefficient * share * balance
        loss = loss * self.args.world_size  # gradients are averaged over the ranks, the loss is their sum
        return (loss, hidden) if return_outputs else loss

    def training_step(self, model: nn.Module, *args: Any, **named: Any) -> Tensor:
        """The Trainer's; after the step's last micro-batch the ranks' gradients are averaged."""
        loss = super().training_step(model, *args, **named)
        if self.averages and self.accelerator.sync_gradients:
            average_gradients(model.parameters())
        return loss

    def _sad(
        self,
        hidden: Tensor,
        inputs: dict[str, Tensor],
        lambdas: tuple[float, float],
        counts: Tensor,
        positions: tuple[Tensor, Tensor],
    ) -> SadOutput:
        """The SAD loss of a micro-batch; `counts`: (N_R, N_A) to divide by, `positions`: its `trained_positions`."""
        rows, targets, spans = select_rows(hidden, inputs["input_ids"], inputs["span_ids"], positions)
        return sad_loss(
            rows, self.head.weight, targets, spans,
            lambda_reason=lambdas[0], lambda_act=lambdas[1], n_reason=counts[0], n_act=counts[1],
            normalization=self.config.normalization, chunk_rows=self.config.loss_chunk_rows,
            teacher=teacher_of(inputs) if self.teacher is None else self.teacher.of(inputs, positions[0]),
        )  # fmt: skip

    def _hidden(self, model: nn.Module, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        if "position_ids" in inputs:  # packed: the borders are found by them, and by no mask being given
            by_lengths = self.config.backend == "unsloth"
            packed = packed_hidden_states(
                model, self.head, inputs["input_ids"], inputs["position_ids"], by_lengths=by_lengths
            )
            return packed, None
        if self.config.router_aux_coefficient == 0:
            return hidden_states(model, self.head, inputs["input_ids"])
        return hidden_states(
            model, self.head, inputs["input_ids"],
            attention_mask=inputs["attention_mask"], output_router_logits=True,
        )  # fmt: skip

    # --- held-out examples ----------------------------------------------------------------------

    @torch.no_grad()
    def evaluate_held_out(self) -> dict[str, float]:
        """eval_loss, eval_loss_reason, eval_loss_act over the held-out micro-batches, shared among the ranks.

        eval_loss weighs both spans by the lambdas at the end of training, so that checkpoints can be compared
        though the lambdas move. Nothing random is drawn: a run with and one without it train alike.
        """
        sums = torch.zeros(4, dtype=torch.float64, device=self.args.device)
        model: nn.Module = self.model  # type: ignore[assignment]
        training = model.training
        model.eval()
        mine = self.held_out[self.args.process_index :: self.args.world_size]
        # A sharded model's forward pass is a collective: a rank with fewer micro-batches goes through one more.
        idle = -(-len(self.held_out) // self.args.world_size) - len(mine) if self.is_fsdp_enabled else 0
        for number, rows in enumerate([*mine, *self.held_out[:idle]]):
            inputs = self._prepare_inputs(self.data_collator(rows))  # type: ignore[arg-type]
            with self.compute_loss_context_manager():
                positions = trained_positions(inputs["span_ids"])
                hidden, _ = self._hidden(model, inputs)
                out = self._sad(hidden, inputs, (1.0, 1.0), torch.ones(2), positions)
            if number < len(mine):
                sums += torch.stack([out.sum_reason, out.sum_act, out.n_reason, out.n_act]).to(sums)
        model.train(training)
        if self.args.world_size > 1:
            sums = self.accelerator.reduce(sums, "sum")
        reason, act, n_reason, n_act = sums.tolist()
        if n_reason + n_act == 0:
            return {}  # nothing held out is trained: no loss, not a loss of 0
        lambda_reason, lambda_act = self.lambdas(self.state.max_steps - 1)
        per_reason, per_act = (n_reason + n_act,) * 2 if self.config.normalization == "token" else (n_reason, n_act)
        losses = {"eval_loss": lambda_reason * reason / max(per_reason, 1) + lambda_act * act / max(per_act, 1)}
        losses |= {"eval_loss_reason": reason / n_reason} if n_reason else {}
        return losses | ({"eval_loss_act": act / n_act} if n_act else {})

    def before_checkpoint(self) -> None:
        """Take the held-out loss where the plan has a checkpoint; not for a stop in between, which shall be quick."""
        due = self.state.global_step % self.config.save_steps == 0 or self.state.global_step == self.state.max_steps
        self._evaluation = self.evaluate_held_out() if due and self.held_out else {}

    # --- what is logged -------------------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the interval's metrics to a line of training."""
        if "loss" in logs:
            sums = self.tally.sums()
            if self.args.world_size > 1:
                sums = self.accelerator.reduce(sums, "sum")
            lambda_reason, lambda_act = self.lambdas(self.state.global_step - 1)
            logs |= self.tally.drain(sums) | {"lambda_reason": lambda_reason, "lambda_act": lambda_act}
            logs |= self._evaluation
        super().log(logs, start_time)

    def floating_point_ops(self, inputs: dict[str, Tensor | Any]) -> int:
        """Not counted: the Trainer's estimate takes every expert for active, and milliseconds a step."""
        return 0

    # --- checkpoints ----------------------------------------------------------------------------

    def load_weights(self, checkpoint: Path) -> None:
        """The weights of a checkpoint into the model; optimizer and position stay."""
        self._load_from_checkpoint(str(checkpoint))

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._staging or self.args.output_dir)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Let the Trainer write into a staging folder, and rename what is whole."""
        folder = Path(str(self.args.output_dir))
        name = f"checkpoint-{self.state.global_step}"
        self._staging = folder / checkpoints.STAGING
        try:
            if self.args.should_save:
                checkpoints.clear_staging(folder)
            self.accelerator.wait_for_everyone()
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()  # every rank has written its random state
            if self.args.should_save:
                batch = {"global_batch": global_batch(self.config)}
                (self._staging / name / checkpoints.BATCH).write_text(json.dumps(batch))
                if self._evaluation:
                    (self._staging / name / checkpoints.EVALUATION).write_text(json.dumps(self._evaluation))
                checkpoints.publish(self._staging / name, folder / name)
                checkpoints.prune(folder, self.config.keep_checkpoints)
            self.accelerator.wait_for_everyone()
        finally:
            self._staging = None
            self._evaluation = {}

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Weights through `from_pretrained`, which knows how they were stored; adapters as the Trainer does."""
        model = self.model if model is None else model
        if self.is_fsdp_enabled:
            return  # the stage has read them before the model was sharded
        if isinstance(model, PreTrainedModel):
            read_weights(model, Path(resume_from_checkpoint))
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """As the Trainer does; of a sharded model the whole weights, or its adapters."""
        if not self.is_fsdp_enabled:
            super().save_model(output_dir, _internal_call)
            return
        state = whole_weights(self.model, trained=not isinstance(self.model, PreTrainedModel))  # type: ignore[arg-type]
        if self.args.should_save:
            self._save(output_dir, state_dict=state)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """As the Trainer does; a sharded optimizer as the whole one that one process would have."""
        if not self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        state = whole_state(self.optimizer)  # type: ignore[arg-type]
        if self.args.should_save:
            torch.save(state, Path(output_dir) / OPTIMIZER_NAME)
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER_NAME)  # type: ignore[union-attr]

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if self.args.world_size == 1 or checkpoint is None:
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        # To the CPU first: of a rank on one, torch cannot read to where the Trainer would ("cpu:0").
        state = torch.load(Path(checkpoint) / OPTIMIZER_NAME, map_location="cpu", weights_only=True)
        load_whole_state(self.optimizer, state)  # type: ignore[arg-type]
        scheduler = torch.load(Path(checkpoint) / SCHEDULER_NAME, weights_only=True)
        self.lr_scheduler.load_state_dict(scheduler)  # type: ignore[union-attr]


def _reduce_in_fp32(plugin: Any) -> None:
    """Sum gradients over ranks in fp32 also where layers are gathered in bf16, as DDP does with fp32 masters."""
    from torch.distributed.fsdp import MixedPrecisionPolicy

    if plugin.mixed_precision_policy is not None:
        gathered = plugin.mixed_precision_policy.param_dtype
        plugin.mixed_precision_policy = MixedPrecisionPolicy(param_dtype=gathered, reduce_dtype=torch.float32)


class _Bookkeeping(TrainerCallback):
    """Stops the clock, ends training on request, and logs wherever a checkpoint is written."""

    def __init__(self, trainer: SadTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ranks begin with the same weights, whatever each has read or drawn."""
        if self._trainer.averages:
            begin_alike(self._trainer.model.parameters())  # type: ignore[union-attr]

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Decide what follows this step."""
        self._trainer.tally.end_step()
        if self._trainer.stopped:
            control.should_save = control.should_training_stop = True
        if control.should_save or control.should_training_stop:
            control.should_log = True  # a checkpoint ends a logging interval: a resumed log has no half of one
            self._trainer.before_checkpoint()
        return control
