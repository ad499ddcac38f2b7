"""Training on stored scores: the step is the dense reference's, and nothing but the loss is another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import Qwen3MoeForCausalLM

from deepcoder.config import Config, LambdaConfig, TrainConfig
from deepcoder.errors import StageError
from deepcoder.losses import TopKTeacher, sad_loss_dense, select_rows
from deepcoder.losses.dense import divergence_dense
from deepcoder.models.nano import load_tokenizer
from deepcoder.scores import Scores, example_hash, trained_tokens, write_scores
from deepcoder.train.arguments import training_arguments
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator, ExampleSet
from deepcoder.train.log import read_log
from deepcoder.train.stored import StoredScores, read_stored
from deepcoder.train.trainer import SadTrainer
from tests.train.ranks import with_ranks
from tests.train.students import example_set, random_rows, save_tiny_student, tiny_model
from tests.train.test_stage import config_for
from tests.train.test_trainer import Gradients, train_lines

Rows = list[tuple[list[int], list[int]]]
K = 6


def sharp_teacher() -> Qwen3MoeForCausalLM:
    """Fresh weights give nearly uniform distributions; this one has preferences."""
    model = tiny_model(seed=9)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(20)
    return model


def scores_of(teacher: Qwen3MoeForCausalLM, rows: Rows, k: int = K) -> list[Scores]:
    """What `deepcoder score` stores of them."""
    out = []
    for ids, spans in rows:
        with torch.no_grad():
            log_q = torch.log_softmax(teacher(input_ids=torch.tensor([ids])).logits[0], -1)
        top = log_q[torch.from_numpy(trained_tokens(np.array(spans, np.int8))) - 1].topk(k)
        name = example_hash(np.array(ids, np.int32), np.array(spans, np.int8))
        out.append(Scores(name, top.indices.int().numpy(), top.values.half().numpy()))
    return out


def stored(folder: Path, rows: Rows, examples: ExampleSet) -> StoredScores:
    unique = {each.example: each for each in scores_of(sharp_teacher(), rows)}
    write_scores(folder, list(unique.values()), K)
    return read_stored(folder, examples, vocabulary=4096)


def trainer_for(folder: Path, rows: Rows, *, packed: bool = False, **settings: Any) -> tuple[SadTrainer, Gradients]:
    settings = {"max_grad_norm": 1e9, "report_to": [], "logging_steps": 1, "save_steps": 1000} | settings
    train = TrainConfig(teacher_scores="stored", **settings)
    arguments = training_arguments(Config(train=train), folder)
    plan = plan_batches(
        [len(ids) for ids, _ in rows], batch_size=train.batch_size, accumulation=train.gradient_accumulation,
        max_steps=train.max_steps, epochs=train.epochs, capacity=64 if packed else None,
    )  # fmt: skip
    arguments.max_steps = len(plan.steps)
    gradients, examples = Gradients(), example_set(rows)
    trainer = SadTrainer(
        model=tiny_model(), args=arguments, config=train, plan=plan, tokenizer=load_tokenizer(), callbacks=[gradients],
        collator=Collator(examples, 3, stored(folder / "scores", rows, examples)),
    )  # fmt: skip
    return trainer, gradients


def by_hand(rows: Rows) -> tuple[Tensor, Tensor, Tensor, dict[int, int]]:
    """Sums of D_t over REASON and over ACT, from the formula, token by token; the loss's gradient; counts."""
    model, sums, counts = tiny_model(), {1: torch.zeros(()), 2: torch.zeros(())}, {1: 0, 2: 0}
    for (ids, spans), scores in zip(rows, scores_of(sharp_teacher(), rows), strict=True):
        log_p = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0], -1)
        row = 0
        for t in range(1, len(ids)):
            if spans[t] not in sums:
                continue
            top, q = torch.from_numpy(scores.ids[row]).long(), torch.from_numpy(scores.log_probs[row]).float().exp()
            row += 1
            p = log_p[t - 1].exp()
            tail_q, tail_p = 1 - q.sum(), 1 - p[top].sum()
            kl = (q * (q.log() - p[top].log())).sum() + tail_q * (tail_q / tail_p).log()
            sums[spans[t]] = sums[spans[t]] + kl
            counts[spans[t]] += 1
    loss = 0.5 * sums[1] / counts[1] + 2.0 * sums[2] / counts[2]
    (gradient,) = torch.autograd.grad(loss, [model.get_parameter("model.layers.0.self_attn.q_proj.weight")])
    return sums[1].detach(), sums[2].detach(), gradient, counts


LAMBDAS = {"lambda_reason": LambdaConfig(start=0.5), "lambda_act": LambdaConfig(start=2.0)}


@pytest.mark.parametrize(("batch", "accumulation"), [(4, 1), (1, 4)])
def test_the_step_is_the_kl_of_the_formula(tmp_path: Path, batch: int, accumulation: int) -> None:
    rows = random_rows(4)
    trainer, gradients = trainer_for(
        tmp_path, rows, batch_size=batch, gradient_accumulation=accumulation, max_steps=1, **LAMBDAS
    )
    line = train_lines(trainer)[0]
    reason, act, gradient, counts = by_hand(rows)
    assert line["loss_reason"] > 0.1
    assert line["loss_reason"] == pytest.approx(float(reason) / counts[1], rel=1e-5)
    assert line["loss_act"] == pytest.approx(float(act) / counts[2], rel=1e-5)
    assert line["loss"] == pytest.approx(0.5 * float(reason) / counts[1] + 2.0 * float(act) / counts[2], rel=1e-5)
    found = gradients.steps[0]["model.layers.0.self_attn.q_proj.weight"]
    torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)


def test_the_step_is_the_dense_references(tmp_path: Path) -> None:
    rows = random_rows(5, seed=2)
    trainer, _ = trainer_for(tmp_path, rows, batch_size=5, max_steps=1)
    batch = trainer.data_collator(list(range(5)))
    model = tiny_model()
    with torch.no_grad():
        hidden = model.model(input_ids=batch["input_ids"]).last_hidden_state
    chosen, targets, spans = select_rows(hidden, batch["input_ids"], batch["span_ids"])
    teacher = TopKTeacher(batch["teacher_ids"], batch["teacher_log_probs"])
    out = sad_loss_dense(
        chosen, model.lm_head.weight.detach(), targets, spans, lambda_reason=1.0, lambda_act=1.0,
        n_reason=(spans == 1).sum(), n_act=(spans == 2).sum(), teacher=teacher,
    )  # fmt: skip
    assert train_lines(trainer)[0]["loss"] == pytest.approx(float(out.loss), rel=1e-5)


@pytest.mark.parametrize("normalization", ["span", "token"])
def test_accumulation_changes_nothing(tmp_path: Path, normalization: str) -> None:
    results = []
    for batch, accumulation in ((8, 1), (1, 8), (2, 4)):
        trainer, gradients = trainer_for(
            tmp_path, random_rows(8), batch_size=batch, gradient_accumulation=accumulation, max_steps=1,
            normalization=normalization,
        )  # fmt: skip
        results.append((train_lines(trainer)[0], gradients.steps[0]))
    (line, step), *others = results
    for other_line, other_step in others:
        assert other_line["loss"] == pytest.approx(line["loss"], rel=1e-6)
        for name, gradient in step.items():
            torch.testing.assert_close(other_step[name], gradient, rtol=1e-5, atol=1e-6)


def test_scores_stay_with_their_tokens_in_padded_packed_and_masked_batches(tmp_path: Path) -> None:
    rows = [*random_rows(6), ([7, 8], [0, 0]), ([9, 8], [2, 0])]  # the last two have nothing that is predicted
    masked = np.random.default_rng(1).random(sum(len(ids) for ids, _ in rows)) < 0.3
    plain = example_set(rows)
    examples = ExampleSet(plain.tokens, plain.spans, plain.offsets, plain.problem_ids, masked)
    scores = stored(tmp_path, rows[:6], examples)
    teacher = scores_of(sharp_teacher(), rows[:6])
    for batch in ([4, 6, 0, 7, 2], [(4, 0), (6, 7), (2, 5, 1)]):
        expected = []
        for index in (each for row in batch for each in (row if isinstance(row, tuple) else (row,))):
            positions = trained_tokens(np.array(rows[index][1], np.int8))
            hidden = masked[plain.offsets[index] : plain.offsets[index + 1]]
            expected += [teacher[index].ids[row].tolist() for row, at in enumerate(positions) if not hidden[at]]
        tensors = Collator(examples, 3, scores)(batch)
        assert tensors["teacher_ids"].tolist() == expected
        chosen, _, _ = select_rows(tensors["input_ids"][..., None].float(), tensors["input_ids"], tensors["span_ids"])
        assert len(chosen) == len(expected) == len(tensors["teacher_log_probs"])


def test_a_one_hot_teacher_is_the_text(tmp_path: Path) -> None:
    """KL to a teacher that is sure of the text's own tokens is cross entropy."""
    log_p = torch.log_softmax(torch.randn(4, 30), -1)
    targets = torch.tensor([3, 0, 29, 5])
    sure = TopKTeacher(targets[:, None], torch.zeros(4, 1))
    torch.testing.assert_close(divergence_dense(log_p, targets, sure), divergence_dense(log_p, targets, None))


def test_scores_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    rows = random_rows(3)
    examples, scores = example_set(rows), scores_of(sharp_teacher(), rows)
    with pytest.raises(StageError, match=r"3 of 3 examples have no scores .*p0"):
        read_stored(tmp_path, examples, vocabulary=4096)
    write_scores(tmp_path, scores[:2], K)
    with pytest.raises(StageError, match=r"1 of 3 examples have no scores .*p2"):
        read_stored(tmp_path, examples, vocabulary=4096)
    write_scores(tmp_path, scores[2:], K)
    assert read_stored(tmp_path, examples, vocabulary=4096)
    with pytest.raises(StageError, match="does not exist in the student's vocabulary of 50"):
        read_stored(tmp_path, examples, vocabulary=50)
    write_scores(tmp_path, scores_of(sharp_teacher(), random_rows(1, seed=7), k=3), 3)
    with pytest.raises(StageError, match="different k"):
        read_stored(tmp_path, examples, vocabulary=4096)


@pytest.mark.slow
def test_two_ranks_learn_from_stored_scores_like_one(tmp_path: Path) -> None:
    found = []
    for ranks, batch in ((1, 4), (2, 2)):
        folder = tmp_path / str(ranks)
        settings = ["train.teacher_scores=stored", "train.gradient_accumulation=2", f"train.batch_size={batch}"]
        config = config_for(folder, save_tiny_student(tmp_path / "student"), *settings, "train.max_steps=2")
        write_scores(folder / "scores", scores_of(sharp_teacher(), random_rows(24)), K)
        with_ranks(folder, config, ranks)
        found.append(read_log(folder / "checkpoints" / "log.jsonl"))
    for one, two in zip(*found, strict=True):
        for name in ("loss", "loss_reason", "loss_act", "grad_norm"):
            assert two[name] == pytest.approx(one[name], rel=1e-5)
