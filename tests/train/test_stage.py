from __future__ import annotations

import importlib.util
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from deepcoder.config import Config, load_config
from deepcoder.errors import StageError, TrainingError
from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.runs import RunFolder
from deepcoder.train import outputs, run
from deepcoder.train.checkpoints import damage
from deepcoder.train.log import read_log
from deepcoder.train.tally import MEASURED
from deepcoder.train.trainer import SadTrainer
from tests.train.ranks import CHILD, environment, with_ranks, write_recipe
from tests.train.students import random_rows, save_tiny_student, write_examples


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_student(tmp_path_factory.mktemp("student"))


def config_for(folder: Path, student: Path, *overrides: str) -> Config:
    write_examples(folder / "examples", random_rows(24))
    return load_config(
        None,
        [
            f"run.dir={folder}", f"student.model={student}", "train.batch_size=2", "train.epochs=1",
            "train.logging_steps=1", "train.save_steps=4", "train.threads=1", *overrides,
        ],
    )  # fmt: skip


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def losses(folder: Path) -> list[dict[str, float]]:
    return [
        {k: v for k, v in line.items() if k not in MEASURED} for line in read_log(folder / "checkpoints" / "log.jsonl")
    ]


def test_a_run_leaves_everything_the_other_stages_need(tmp_path: Path, student: Path) -> None:
    config = config_for(tmp_path, student)
    console = quiet()
    counts = run(config, RunFolder(config), console)
    place = tmp_path / "checkpoints"
    assert counts["steps"] == 12
    assert counts["examples"] == 24
    assert counts["tokens"] == sum(len(ids) for ids, _ in random_rows(24))
    assert counts["loss_act"] == round(read_log(place / "log.jsonl")[-1]["loss_act"], 4)
    assert [path.name for path in sorted(place.glob("checkpoint-*"))] == ["checkpoint-12", "checkpoint-8"]
    assert (place / "plots" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert list((place / "tensorboard").glob("events.*"))
    for folder in (place / "base", place / "final"):
        assert damage(folder) is None
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert tokenizer.chat_template == CHATML_TEMPLATE
        assert GenerationConfig.from_pretrained(folder).eos_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert {path.name for path in outputs(RunFolder(config))} >= {"config.json", "model.safetensors", "tokenizer.json"}
    base, final, origin = (
        load_file(folder / "model.safetensors") for folder in (place / "base", place / "final", student)
    )
    assert all(torch.equal(value, origin[name]) for name, value in base.items())
    assert not any(torch.equal(value, origin[name]) for name, value in final.items() if "experts" in name)
    assert "step 12/12" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_finished_training_is_not_repeated(tmp_path: Path, student: Path) -> None:
    config = config_for(tmp_path, student)
    first = run(config, RunFolder(config), quiet())
    weights = load_file(tmp_path / "checkpoints" / "final" / "model.safetensors")
    again = run(config, RunFolder(config), quiet())  # as after a crash between `final` and the manifest
    assert first == again
    for name, value in load_file(tmp_path / "checkpoints" / "final" / "model.safetensors").items():
        assert torch.equal(value, weights[name])


def test_a_damaged_checkpoint_costs_only_the_steps_since_the_one_before(tmp_path: Path, student: Path) -> None:
    config = config_for(tmp_path, student)
    run(config, RunFolder(config), quiet())
    expected = losses(tmp_path)
    os.truncate(tmp_path / "checkpoints" / "checkpoint-12" / "optimizer.pt", 100)
    console = quiet()
    run(config, RunFolder(config), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "checkpoint-12: optimizer.pt is damaged" in text
    assert "resuming from checkpoint-8" in text
    assert losses(tmp_path) == expected


def test_examples_of_another_tokenizer_are_refused(tmp_path: Path, student: Path) -> None:
    config = config_for(tmp_path, student)
    write_examples(tmp_path / "examples", [([5, 70_000], [0, 2])], "part-00001.parquet")
    with pytest.raises(StageError, match="70000 does not exist"):
        run(config, RunFolder(config), quiet())


def test_lora_leaves_an_adapter_and_a_merged_model_that_differs_from_the_base(tmp_path: Path, student: Path) -> None:
    config = config_for(
        tmp_path, student, "train.method=lora", "train.lora={rank: 4, alpha: 8, targets: attention+experts}"
    )
    counts = run(config, RunFolder(config), quiet())
    assert 0 < int(counts["trained"]) < int(counts["parameters"]) / 4
    place = tmp_path / "checkpoints"
    assert (place / "final" / "adapter" / "adapter_model.safetensors").is_file()
    ids = torch.tensor([random_rows(1)[0][0]])
    with torch.no_grad():
        base, final = (
            AutoModelForCausalLM.from_pretrained(place / name)(input_ids=ids).logits for name in ("base", "final")
        )
    assert (base - final).abs().max() > 1e-3
    merged, origin = load_file(place / "final" / "model.safetensors"), load_file(student / "model.safetensors")
    changed = {name for name, value in merged.items() if not torch.equal(value, origin[name])}
    assert any("experts" in name for name in changed)
    assert any("q_proj" in name for name in changed)
    assert not any("embed" in name or "norm" in name or "gate.weight" in name for name in changed)


def test_lora_resumes_to_the_same_losses(tmp_path: Path, student: Path) -> None:
    settings = ("train.method=lora", "train.lora={rank: 4, alpha: 8, targets: attention+experts}")
    config = config_for(tmp_path, student, *settings)
    run(config, RunFolder(config), quiet())
    expected = losses(tmp_path)
    os.truncate(tmp_path / "checkpoints" / "checkpoint-12" / "optimizer.pt", 100)
    run(config, RunFolder(config), quiet())
    assert losses(tmp_path) == expected


# --- held-out examples, the best checkpoint -------------------------------------------------------


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_best_checkpoint_becomes_final(
    tmp_path: Path, student: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {4: 2.0, 8: 1.0, 9: 3.0}
    monkeypatch.setattr(
        SadTrainer, "evaluate_held_out", lambda trainer: {"eval_loss": given[trainer.state.global_step]}
    )
    config = config_for(
        tmp_path, student, f"train.method={method}", "train.eval_fraction=0.25", "train.keep_checkpoints=1",
        "train.max_steps=9",
    )  # fmt: skip
    console = quiet()
    counts = run(config, RunFolder(config), console)
    place = tmp_path / "checkpoints"
    assert (counts["best_step"], counts["eval_loss"]) == (8, 1.0)
    assert sorted(path.name for path in place.glob("checkpoint-*")) == ["checkpoint-8", "checkpoint-9"]
    assert "final/ is made of checkpoint-8" in console.file.getvalue()  # type: ignore[attr-defined]
    name, inner = ("model", "") if method == "full" else ("adapter_model", "adapter")
    final, best, last = (
        load_file(folder / f"{name}.safetensors")
        for folder in (place / "final" / inner, place / "checkpoint-8", place / "checkpoint-9")
    )
    assert all(torch.equal(value, best[key]) for key, value in final.items())
    assert not all(torch.equal(value, last[key]) for key, value in final.items())

    os.truncate(place / "checkpoint-8" / "optimizer.pt", 10)
    with pytest.raises(TrainingError, match=r"checkpoint-8, the best .* is damaged"):
        run(config, RunFolder(config), quiet())


def test_final_is_the_last_one_where_that_is_asked_for(
    tmp_path: Path, student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        SadTrainer, "evaluate_held_out", lambda trainer: {"eval_loss": float(trainer.state.global_step)}
    )
    config = config_for(
        tmp_path, student, "train.eval_fraction=0.25", "train.final=last", "train.max_steps=6", "train.save_steps=3"
    )
    assert run(config, RunFolder(config), quiet())["best_step"] == 3
    place = tmp_path / "checkpoints"
    final, last = (load_file(place / name / "model.safetensors") for name in ("final", "checkpoint-6"))
    assert all(torch.equal(value, last[key]) for key, value in final.items())


# --- what is refused before anything is loaded ----------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.packing=true", "train.router_aux_coefficient=0.1"], "do not go together"),
        (["train.report_to=[wandb]"], "wandb, which is not installed"),
        (["train.max_memory_gb=0.1"], "training would take"),
        (["train.packing=true", "student.max_length=16"], "does not fit a row of 16"),
        (["train.curriculum={enabled: true, gamma: 1}"], "needs the teacher's stored scores"),
    ],
)
def test_what_cannot_go_well_is_refused_before_the_first_step(
    tmp_path: Path, student: Path, overrides: list[str], message: str
) -> None:
    if "wandb" in message and importlib.util.find_spec("wandb"):
        pytest.skip("wandb is installed")
    config = config_for(tmp_path, student, *overrides)
    with pytest.raises(TrainingError, match=message):
        run(config, RunFolder(config), quiet())
    assert not list((tmp_path / "checkpoints").glob("checkpoint-*"))


def test_a_run_goes_on_at_its_own_global_batch_only(tmp_path: Path, student: Path) -> None:
    settings = ("train.gradient_accumulation=1", "train.max_steps=2", "train.save_steps=1")
    config = config_for(tmp_path, student, "train.batch_size=4", *settings)
    run(config, RunFolder(config), quiet())
    for name in ("final", "checkpoint-2"):
        shutil.rmtree(tmp_path / "checkpoints" / name)
    smaller = config_for(tmp_path, student, "train.batch_size=2", *settings)  # as two ranks' settings in one process
    with pytest.raises(TrainingError, match=r"checkpoint-1 was trained on 4 examples a step over all ranks.* take 2"):
        run(smaller, RunFolder(smaller), quiet())
    split = config_for(tmp_path, student, "train.batch_size=2", "train.gradient_accumulation=2", *settings[1:])
    run(split, RunFolder(split), quiet())
    assert [line["step"] for line in losses(tmp_path)] == [1, 2]


# --- a process that dies --------------------------------------------------------------------------


def start(folder: Path, config: Config, until: str) -> subprocess.Popen[str]:
    """A training process, once the file `until` is there."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(write_recipe(folder, config))], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=environment(),
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not (folder / "checkpoints" / until).exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the training process has not come this far"
        time.sleep(0.005)
    return process


LONG = ("train.epochs=6", "train.save_steps=10")  # 72 steps
SWITCHES = (
    "train.packing=true", "student.max_length=48", "train.batch_size=1", "train.eval_fraction=0.25",
    "train.mask_error_steps=all", "train.curriculum={enabled: true, epochs: 2}",
    "train.lambda_reason={start: 1, end: 0.5}",
)  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, student: Path) -> Callable[[tuple[str, ...]], Path]:
    """The folder of a whole run with these settings."""

    @cache
    def whole(settings: tuple[str, ...]) -> Path:
        folder = tmp_path_factory.mktemp("whole")
        config = config_for(folder, student, *settings)
        run(config, RunFolder(config), quiet())
        return folder

    return whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "settings"),
    [
        (signal.SIGKILL, LONG), (signal.SIGINT, LONG),
        (signal.SIGKILL, LONG + SWITCHES), (signal.SIGTERM, LONG + SWITCHES),
    ],
)  # fmt: skip
def test_a_process_that_is_killed_resumes_to_the_same_losses(
    tmp_path: Path,
    student: Path,
    uninterrupted: Callable[[tuple[str, ...]], Path],
    number: signal.Signals,
    settings: tuple[str, ...],
) -> None:
    whole = uninterrupted(settings) / "checkpoints"
    config = config_for(tmp_path, student, *settings)
    process = start(tmp_path, config, "checkpoint-10/seal.json")
    process.send_signal(number)
    out, _ = process.communicate(timeout=120)
    place = tmp_path / "checkpoints"
    reached = int(read_log(place / "log.jsonl")[-1]["step"])
    assert reached < read_log(whole / "log.jsonl")[-1]["step"], "it ended before the signal came"
    if number is not signal.SIGKILL:
        assert process.returncode == (-signal.SIGINT if number is signal.SIGINT else 143), out
        assert "finishing this step and saving" in out
        assert f"saved as checkpoint-{reached}; the same command goes on" in out
        assert (place / f"checkpoint-{reached}").is_dir()
    console = quiet()
    run(config, RunFolder(config), console)
    assert "resuming from checkpoint-" in console.file.getvalue()  # type: ignore[attr-defined]
    assert losses(tmp_path) == losses(whole.parent)
    assert any("eval_loss" in line for line in losses(tmp_path)) == (settings != LONG)
    weights = load_file(whole / "final" / "model.safetensors")
    others = load_file(place / "final" / "model.safetensors")
    assert all(torch.equal(value, others[name]) for name, value in weights.items())


@pytest.mark.slow
@pytest.mark.parametrize("settings", [(), ("train.packing=true", "student.max_length=32", "train.eval_fraction=0.25")])
def test_two_ranks_train_like_one_at_the_same_global_batch(
    tmp_path: Path, student: Path, settings: tuple[str, ...]
) -> None:
    one = config_for(tmp_path / "one", student, "train.batch_size=4", "train.gradient_accumulation=2", *settings)
    run(one, RunFolder(one), quiet())
    two = config_for(tmp_path / "two", student, "train.batch_size=2", "train.gradient_accumulation=2", *settings)
    with_ranks(tmp_path, two)
    expected, found = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(found) == len(expected) > 1
    for line, other in zip(expected, found, strict=True):
        assert (other["tokens"], other["tokens_act"]) == (line["tokens"], line["tokens_act"])
        for name in ("loss", "loss_reason", "loss_act", "grad_norm", *(("eval_loss",) if "eval_loss" in line else ())):
            assert other[name] == pytest.approx(line[name], rel=1e-5)
