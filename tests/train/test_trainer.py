from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import TrainerCallback

from deepcoder.config import Config, LambdaConfig, TrainConfig
from deepcoder.models.nano import load_tokenizer
from deepcoder.train import checkpoints
from deepcoder.train.arguments import training_arguments
from deepcoder.train.batches import Row, plan_batches
from deepcoder.train.examples import Collator
from deepcoder.train.tally import MEASURED
from deepcoder.train.trainer import SadTrainer
from tests.train.students import example_set, random_rows, tiny_model

Rows = list[tuple[list[int], list[int]]]
CAPACITY = 400


class Gradients(TrainerCallback):
    """The gradients of each optimizer step, before they are applied."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []

    def on_pre_optimizer_step(self, *args: Any, model: Any, **kwargs: Any) -> None:
        self.steps.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})


def trainer_for(
    folder: Path,
    rows: Rows,
    dtype: torch.dtype = torch.float32,
    *,
    held_out: Sequence[list[Row]] = (),
    least_seconds: Any = None,
    **settings: Any,
) -> tuple[SadTrainer, Gradients]:
    train = TrainConfig(**{"max_grad_norm": 1e9, "report_to": [], "logging_steps": 1, "save_steps": 1000} | settings)
    config = Config(train=train)
    arguments = training_arguments(config, folder)
    plan = plan_batches(
        [len(ids) for ids, _ in rows], batch_size=train.batch_size, accumulation=train.gradient_accumulation,
        max_steps=train.max_steps, epochs=train.epochs, capacity=CAPACITY if train.packing else None,
    )  # fmt: skip
    arguments.max_steps = len(plan.steps)
    gradients = Gradients()
    trainer = SadTrainer(
        model=tiny_model(dtype=dtype), args=arguments, config=train, plan=plan,
        collator=Collator(example_set(rows), 3), tokenizer=load_tokenizer(), callbacks=[gradients],
        held_out=held_out, least_seconds=least_seconds,
    )  # fmt: skip
    return trainer, gradients


def train_lines(trainer: SadTrainer) -> list[dict[str, float]]:
    trainer.train()
    return [line for line in trainer.state.log_history if "loss" in line]


def test_the_step_is_the_sad_loss_of_the_formula(tmp_path: Path) -> None:
    rows = random_rows(4)
    settings = {"lambda_reason": LambdaConfig(start=0.5), "lambda_act": LambdaConfig(start=2.0)}
    trainer, _ = trainer_for(tmp_path, rows, batch_size=4, max_steps=1, **settings)
    model = tiny_model()
    sums, counts = {1: 0.0, 2: 0.0}, {1: 0, 2: 0}
    for ids, spans in rows:
        with torch.no_grad():
            log_p = F.log_softmax(model(input_ids=torch.tensor([ids])).logits[0], -1)
        for t in range(1, len(ids)):
            if spans[t] in sums:
                sums[spans[t]] -= float(log_p[t - 1, ids[t]])
                counts[spans[t]] += 1
    line = train_lines(trainer)[0]
    assert line["loss_reason"] == pytest.approx(sums[1] / counts[1], rel=1e-5)
    assert line["loss_act"] == pytest.approx(sums[2] / counts[2], rel=1e-5)
    assert line["loss"] == pytest.approx(0.5 * sums[1] / counts[1] + 2.0 * sums[2] / counts[2], rel=1e-5)
    assert (line["tokens_reason"], line["tokens_act"]) == (counts[1], counts[2])
    assert line["tokens"] == sum(len(ids) for ids, _ in rows)


@pytest.mark.parametrize("normalization", ["span", "token"])
def test_accumulation_changes_nothing(tmp_path: Path, normalization: str) -> None:
    results = []
    for batch, accumulation in ((8, 1), (1, 8), (2, 4)):
        trainer, gradients = trainer_for(
            tmp_path, random_rows(16), batch_size=batch, gradient_accumulation=accumulation, max_steps=2,
            normalization=normalization,
        )  # fmt: skip
        results.append((train_lines(trainer), gradients.steps))
    (lines, steps), *others = results
    for other_lines, other_steps in others:
        for line, other in zip(lines, other_lines, strict=True):
            assert other["loss"] == pytest.approx(line["loss"], rel=1e-6)
            assert other["loss_act"] == pytest.approx(line["loss_act"], rel=1e-6)
        # The second step's are taken after an Adam step, which magnifies rounding: the first is the test.
        for name, gradient in steps[0].items():
            torch.testing.assert_close(other_steps[0][name], gradient, rtol=1e-5, atol=1e-6)


def test_an_untrained_example_trains_nothing_and_stops_nothing(tmp_path: Path) -> None:
    untrained = [(ids, [0] * len(ids)) for ids, _ in random_rows(4)]
    trainer, gradients = trainer_for(tmp_path, untrained, batch_size=2, gradient_accumulation=2, max_steps=1)
    line = train_lines(trainer)[0]
    assert line["loss"] == 0.0
    assert "loss_act" not in line
    assert len(gradients.steps[0]) == len(list(trainer.model.parameters()))
    assert all(not gradient.any() for gradient in gradients.steps[0].values())


def test_untrained_micro_batches_beside_trained_ones_change_nothing(tmp_path: Path) -> None:
    rows = random_rows(2)
    untrained = [(ids, [0] * len(ids)) for ids, _ in rows]
    _, alone = first_step(tmp_path, rows, batch_size=2)
    _, beside = first_step(tmp_path, rows + untrained, batch_size=1, gradient_accumulation=4)
    for name, gradient in alone.items():
        torch.testing.assert_close(beside[name], gradient, rtol=1e-5, atol=1e-6)


def first_step(folder: Path, rows: Rows, **settings: Any) -> tuple[list[dict[str, float]], dict[str, Tensor]]:
    trainer, gradients = trainer_for(folder, rows, max_steps=1, **settings)
    return train_lines(trainer), gradients.steps[0]


def test_lambdas_follow_their_schedule(tmp_path: Path) -> None:
    trainer, _ = trainer_for(
        tmp_path, random_rows(4), batch_size=2, max_steps=3, lambda_reason=LambdaConfig(start=1.0, end=0.0)
    )
    lines = train_lines(trainer)
    assert [line["lambda_reason"] for line in lines] == [1.0, 0.5, 0.0]
    assert [line["lambda_act"] for line in lines] == [1.0, 1.0, 1.0]
    assert lines[2]["loss"] == pytest.approx(lines[2]["loss_act"], rel=1e-6)


def test_both_spans_are_logged_over_the_whole_interval(tmp_path: Path) -> None:
    single, _ = trainer_for(tmp_path, random_rows(8), batch_size=2, max_steps=4)
    lines = train_lines(single)
    grouped, _ = trainer_for(tmp_path, random_rows(8), batch_size=2, max_steps=4, logging_steps=4)
    (line,) = train_lines(grouped)
    act = sum(one["loss_act"] * one["tokens_act"] for one in lines) / sum(one["tokens_act"] for one in lines)
    assert line["loss_act"] == pytest.approx(act, rel=1e-6)
    assert line["examples"] == 8
    assert line["tokens_per_s"] > 0


def test_the_load_balancing_loss_is_added_where_asked(tmp_path: Path) -> None:
    plain, _ = first_step(tmp_path, random_rows(4), batch_size=4)
    balanced, gradient = first_step(tmp_path, random_rows(4), batch_size=4, router_aux_coefficient=0.1)
    assert balanced[0]["loss"] > plain[0]["loss"] + 0.1  # the balancing loss is 1 or more, times top-k
    assert gradient["model.layers.0.mlp.gate.weight"].any()


def test_experts_survive_a_checkpoint(tmp_path: Path) -> None:
    """transformers stores experts under other names than the module's: its own Trainer would not load them."""
    trainer, _ = trainer_for(tmp_path, random_rows(8), batch_size=4, max_steps=2, save_steps=2)
    trainer.train()
    trained = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    fresh, _ = trainer_for(tmp_path, random_rows(8), batch_size=4, max_steps=2)
    fresh._load_from_checkpoint(str(tmp_path / "checkpoint-2"))
    for name, value in fresh.model.state_dict().items():
        assert torch.equal(value, trained[name]), name
    assert not torch.equal(trained["model.layers.0.mlp.experts.gate_up_proj"],
                           tiny_model().state_dict()["model.layers.0.mlp.experts.gate_up_proj"])  # fmt: skip


def test_a_stopped_run_resumes_to_the_same_losses_and_weights(tmp_path: Path) -> None:
    rows = random_rows(12)
    settings: dict[str, Any] = {"batch_size": 2, "gradient_accumulation": 2, "max_steps": 6}
    whole, _ = trainer_for(tmp_path / "whole", rows, **settings)
    expected = train_lines(whole)

    first, _ = trainer_for(tmp_path / "cut", rows, **settings)
    first.stop_requested = lambda: first.state.global_step == 2  # asked during the third step
    first.train()
    assert first.stopped
    assert first.state.global_step == 3
    second, _ = trainer_for(tmp_path / "cut", rows, **settings)
    second.train(resume_from_checkpoint=str(tmp_path / "cut" / "checkpoint-3"))
    lines = [line for line in second.state.log_history if "loss" in line]
    for line, other in zip(expected, lines, strict=True):
        assert {k: v for k, v in line.items() if k not in MEASURED} == {
            k: v for k, v in other.items() if k not in MEASURED
        }
    for (name, value), (_, other_value) in zip(
        whole.model.state_dict().items(), second.model.state_dict().items(), strict=True
    ):
        assert torch.equal(value, other_value), name


def test_a_packed_step_is_the_step_of_its_examples(tmp_path: Path) -> None:
    rows = random_rows(8)
    plain, expected = first_step(tmp_path, rows, batch_size=8)
    packed, found = first_step(tmp_path, rows, batch_size=1, packing=True)  # all 8 in one row
    for name in ("loss", "loss_reason", "loss_act"):
        assert packed[0][name] == pytest.approx(plain[0][name], rel=1e-5)
    for name in ("tokens", "tokens_reason", "tokens_act", "examples"):
        assert packed[0][name] == plain[0][name]
    assert packed[0]["padding"] == 0 < plain[0]["padding"]
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_accumulation_changes_nothing_with_packing(tmp_path: Path) -> None:
    rows = random_rows(60)
    (whole,), expected = first_step(tmp_path, rows, batch_size=2, packing=True)
    (split,), found = first_step(tmp_path, rows, batch_size=1, gradient_accumulation=2, packing=True)
    assert split["loss"] == pytest.approx(whole["loss"], rel=1e-6)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6)


# --- held-out examples ----------------------------------------------------------------------------


def test_the_held_out_loss_is_that_of_training_before_the_step(tmp_path: Path) -> None:
    rows = random_rows(6)
    settings = {"lambda_reason": LambdaConfig(start=0.5), "lambda_act": LambdaConfig(start=2.0)}
    (line,), _ = first_step(tmp_path, rows, batch_size=6, **settings)
    for held_out in ([[0, 1, 2], [3, 4], [5]], [[(0, 1, 2, 3), (4, 5)]]):
        trainer, _ = trainer_for(tmp_path, rows, held_out=held_out, batch_size=6, max_steps=1, **settings)
        losses = trainer.evaluate_held_out()
        for name in ("loss", "loss_reason", "loss_act"):
            assert losses[f"eval_{name}"] == pytest.approx(line[name], rel=1e-5)


def test_holding_out_examples_changes_no_step(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"batch_size": 2, "max_steps": 5, "save_steps": 2}
    plain, _ = trainer_for(tmp_path / "plain", random_rows(10), **settings)
    watched, _ = trainer_for(tmp_path / "watched", random_rows(10), held_out=[[0, 1], [2]], **settings)
    lines, others = train_lines(plain), train_lines(watched)
    assert [line["step"] for line in others if "eval_loss" in line] == [2, 4, 5]
    for line, other in zip(lines, others, strict=True):
        assert {k: v for k, v in line.items() if k not in MEASURED} == {
            k: v for k, v in other.items() if k not in MEASURED and not k.startswith("eval_")
        }
    stored = json.loads((tmp_path / "watched" / "checkpoint-4" / checkpoints.EVALUATION).read_text())
    assert stored["eval_loss"] == others[3]["eval_loss"]
    assert checkpoints.damage(tmp_path / "watched" / "checkpoint-4") is None


def test_held_out_examples_without_a_trained_token_have_no_loss(tmp_path: Path) -> None:
    rows = [(ids, [0] * len(ids)) for ids, _ in random_rows(2)]
    trainer, _ = trainer_for(tmp_path, rows, held_out=[[0, 1]], batch_size=2, max_steps=1)
    assert trainer.evaluate_held_out() == {}


def test_a_stop_between_checkpoints_is_saved_without_a_held_out_loss(tmp_path: Path) -> None:
    trainer, _ = trainer_for(tmp_path, random_rows(10), held_out=[[0, 1]], batch_size=2, max_steps=5, save_steps=2)
    trainer.stop_requested = lambda: trainer.state.global_step == 2
    trainer.train()
    assert not (tmp_path / "checkpoint-3" / checkpoints.EVALUATION).exists()
    assert (tmp_path / "checkpoint-2" / checkpoints.EVALUATION).is_file()


# --- what is measured -----------------------------------------------------------------------------


def test_mfu_is_the_share_of_the_time_that_the_peak_would_need(tmp_path: Path) -> None:
    seen = []

    def least_seconds(counts: dict[str, float]) -> float:
        seen.append(counts)
        return 0.25

    rows = random_rows(4)
    trainer, _ = trainer_for(tmp_path, rows, least_seconds=least_seconds, batch_size=2, max_steps=2)
    lines = train_lines(trainer)
    assert all(line["mfu"] == pytest.approx(0.25 / line["seconds"]) for line in lines)
    assert sum(counts["pairs"] for counts in seen) == sum(len(ids) * (len(ids) + 1) / 2 for ids, _ in rows)
    packed, _ = trainer_for(tmp_path, rows, least_seconds=least_seconds, batch_size=1, max_steps=1, packing=True)
    train_lines(packed)
    assert seen[2]["pairs"] == seen[0]["pairs"] + seen[1]["pairs"]


def test_each_line_has_the_memory_in_use(tmp_path: Path) -> None:
    (line,), _ = first_step(tmp_path, random_rows(4), batch_size=4)
    assert line["memory_resident_gib"] > 0.05
    assert "mfu" not in line  # the peak of this CPU is unknown
