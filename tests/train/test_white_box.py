"""Training on a teacher in the same process: the step is the dense reference's, whatever is learned of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor
from transformers import AutoTokenizer

from deepcoder.config import Config, LambdaConfig, TrainConfig, load_config
from deepcoder.errors import TrainingError
from deepcoder.losses import FullTeacher, sad_loss_dense, select_rows
from deepcoder.models.local import load_model
from deepcoder.models.nano import load_tokenizer
from deepcoder.runs import RunFolder
from deepcoder.train import run
from deepcoder.train.arguments import training_arguments
from deepcoder.train.batches import plan_batches
from deepcoder.train.examples import Collator
from deepcoder.train.log import read_log
from deepcoder.train.preflight import estimate
from deepcoder.train.shape import shape_of
from deepcoder.train.trainer import SadTrainer
from deepcoder.train.white_box import LocalTeacher, load_teacher
from tests.train.students import VOCABULARY, example_set, random_rows, save_tiny_student, tiny_model
from tests.train.test_stage import config_for
from tests.train.test_stored import sharp_teacher
from tests.train.test_trainer import Gradients, train_lines

LAMBDAS = {"lambda_reason": LambdaConfig(start=0.5), "lambda_act": LambdaConfig(start=2.0)}


def trainer_for(folder: Path, *, packed: bool = False, divergence: str = "forward", **settings: Any) -> Any:
    settings = {"max_grad_norm": 1e9, "logging_steps": 1, "save_steps": 1000, "max_steps": 1} | settings
    train = TrainConfig(teacher_scores="local", teacher={"divergence": divergence}, **settings)
    arguments, rows = training_arguments(Config(train=train), folder), random_rows(8)
    plan = plan_batches(
        [len(ids) for ids, _ in rows], batch_size=train.batch_size, accumulation=train.gradient_accumulation,
        max_steps=train.max_steps, capacity=96 if packed else None,
    )  # fmt: skip
    arguments.max_steps = len(plan.steps)
    gradients, model = Gradients(), sharp_teacher().eval()
    head = model.get_output_embeddings()
    trainer = SadTrainer(
        model=tiny_model(), args=arguments, config=train, plan=plan, tokenizer=load_tokenizer(), callbacks=[gradients],
        collator=Collator(example_set(rows), 3), teacher=LocalTeacher(model, head, head.weight, train.teacher),
    )  # fmt: skip
    return trainer, gradients


@pytest.mark.parametrize("divergence", ["forward", "reverse", "jsd"])
def test_the_step_is_the_dense_references(tmp_path: Path, divergence: str) -> None:
    trainer, gradients = trainer_for(tmp_path, divergence=divergence, batch_size=8, **LAMBDAS)
    batch = trainer.data_collator(list(range(8)))
    student, teacher = tiny_model(), sharp_teacher()
    hidden = student.model(input_ids=batch["input_ids"]).last_hidden_state
    chosen, targets, spans = select_rows(hidden, batch["input_ids"], batch["span_ids"])
    with torch.no_grad():
        logits, _, _ = select_rows(teacher(batch["input_ids"]).logits, batch["input_ids"], batch["span_ids"])
    out = sad_loss_dense(
        chosen, student.lm_head.weight, targets, spans, lambda_reason=0.5, lambda_act=2.0,
        n_reason=(spans == 1).sum(), n_act=(spans == 2).sum(),
        teacher=FullTeacher(divergence, 0.5, logits=logits),
    )  # fmt: skip
    out.loss.backward()
    loss = out.loss.item()
    assert loss > 0.1
    assert train_lines(trainer)[0]["loss"] == pytest.approx(loss, rel=1e-5)
    name = "model.layers.0.self_attn.q_proj.weight"
    torch.testing.assert_close(gradients.steps[0][name], student.get_parameter(name).grad, rtol=1e-4, atol=1e-6)


def test_accumulation_changes_nothing(tmp_path: Path) -> None:
    results = []
    for batch, accumulation in ((8, 1), (1, 8)):
        trainer, gradients = trainer_for(tmp_path, batch_size=batch, gradient_accumulation=accumulation)
        results.append((train_lines(trainer)[0]["loss"], gradients.steps[0]))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-6)
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(results[1][1][name], gradient, rtol=1e-5, atol=1e-6)


def test_a_packed_row_is_taught_as_its_parts(tmp_path: Path) -> None:
    packed, apart = (_line(tmp_path, packed)["loss"] for packed in (True, False))
    assert packed == pytest.approx(apart, rel=1e-5)


def _line(folder: Path, packed: bool) -> dict[str, float]:
    examples = sum(len(ids) for ids, _ in random_rows(8))
    assert examples > 96, "two rows or more"
    size = {"batch_size": 2, "packed": True} if packed else {"batch_size": 8}
    return train_lines(trainer_for(folder, **size)[0])[0]


def test_a_student_that_is_its_own_teacher_has_nothing_to_learn(tmp_path: Path) -> None:
    student = save_tiny_student(tmp_path / "student")
    config = config_for(
        tmp_path / "run", student, "train.teacher_scores=local", f"train.teacher.model={student}",
        "train.learning_rate=1e-9", "train.max_steps=2",
    )  # fmt: skip
    out = io.StringIO()
    run(config, RunFolder(config), Console(file=out, width=200))
    lines = read_log(tmp_path / "run" / "checkpoints" / "log.jsonl")
    assert all(abs(line["loss"]) < 1e-5 for line in lines)
    assert "teacher" in out.getvalue()


def test_a_teacher_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = save_tiny_student(tmp_path)
    config = load_config(None, ["train.teacher_scores=local", f"train.teacher.model={folder}"])
    own = load_tokenizer()
    with pytest.raises(TrainingError, match="another vocabulary"):
        load_teacher(config, own, VOCABULARY + 1, torch.device("cpu"))
    own.add_tokens(["<one>", "<two>"])
    other = AutoTokenizer.from_pretrained(folder)
    other.add_tokens(["<two>", "<one>"])
    other.save_pretrained(folder)
    with pytest.raises(TrainingError, match=r"'<(one|two)>' is \d+ there and \d+ here"):
        load_teacher(config, own, VOCABULARY, torch.device("cpu"))


def test_a_teacher_that_sees_the_other_examples_of_a_row_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_tiny_student(tmp_path)
    settings = ["train.teacher_scores=local", f"train.teacher.model={folder}"]
    model, own = load_model(str(folder))
    load_teacher(load_config(None, [*settings, "train.packing=true"]), own, VOCABULARY, torch.device("cpu"))

    def masked(self: Any, input_ids: Tensor, **inputs: Any) -> Any:
        return plain(self, input_ids=input_ids, attention_mask=torch.ones_like(input_ids), **inputs)

    plain = type(model).forward
    monkeypatch.setattr(type(model), "forward", masked)
    with pytest.raises(TrainingError, match=r"train\.teacher\.model a packed example sees"):
        load_teacher(load_config(None, [*settings, "train.packing=true"]), own, VOCABULARY, torch.device("cpu"))
    load_teacher(load_config(None, settings), own, VOCABULARY, torch.device("cpu"))


def test_a_teacher_must_be_named(tmp_path: Path) -> None:
    config = config_for(tmp_path, save_tiny_student(tmp_path / "student"), "train.teacher_scores=local")
    with pytest.raises(TrainingError, match="needs a teacher"):
        run(config, RunFolder(config), Console(file=io.StringIO()))


def test_its_weights_are_in_the_estimate() -> None:
    shape, config = shape_of(tiny_model().config), Config()
    alone, taught = (estimate(shape, config, 64, teacher=teacher) for teacher in (None, shape))
    assert taught.peak - alone.peak >= 2 * shape.parameters
    assert "teacher" in taught.describe()
