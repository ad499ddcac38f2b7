from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from deepcoder.config import Config, load_config
from deepcoder.errors import StageError
from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.runs import RunFolder
from deepcoder.train import outputs, run
from deepcoder.train.checkpoints import damage
from deepcoder.train.log import read_log
from deepcoder.train.tally import MEASURED
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


# --- a process that dies --------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from rich.console import Console
from deepcoder.config import load_config
from deepcoder.runs import RunFolder
from deepcoder.train import run
config = load_config(Path(sys.argv[1]))
run(config, RunFolder(config), Console())
"""


def start(folder: Path, config: Config, until: str) -> subprocess.Popen[str]:
    """A training process, once the file `until` is there."""
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(config.model_dump(mode="json")))
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not (folder / "checkpoints" / until).exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the training process has not come this far"
        time.sleep(0.005)
    return process


LONG = ("train.epochs=6", "train.save_steps=10")  # 72 steps


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, student: Path) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    config = config_for(folder, student, *LONG)
    run(config, RunFolder(config), quiet())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_killed_resumes_to_the_same_losses(
    tmp_path: Path, student: Path, uninterrupted: Path, number: signal.Signals
) -> None:
    config = config_for(tmp_path, student, *LONG)
    process = start(tmp_path, config, "checkpoint-10/seal.json")
    process.send_signal(number)
    out, _ = process.communicate(timeout=120)
    place = tmp_path / "checkpoints"
    reached = int(read_log(place / "log.jsonl")[-1]["step"])
    assert reached < 72, "it ended before the signal came"
    if number is signal.SIGINT:
        assert process.returncode == -signal.SIGINT, out
        assert "finishing this step and saving" in out
        assert (place / f"checkpoint-{reached}").is_dir()
    console = quiet()
    run(config, RunFolder(config), console)
    assert "resuming from checkpoint-" in console.file.getvalue()  # type: ignore[attr-defined]
    assert losses(tmp_path) == losses(uninterrupted)
    weights = load_file(uninterrupted / "checkpoints" / "final" / "model.safetensors")
    others = load_file(place / "final" / "model.safetensors")
    assert all(torch.equal(value, others[name]) for name, value in weights.items())


@pytest.mark.slow
def test_two_ranks_train_like_one_at_the_same_global_batch(tmp_path: Path, student: Path) -> None:
    one = config_for(tmp_path / "one", student, "train.batch_size=4", "train.gradient_accumulation=2")
    run(one, RunFolder(one), quiet())
    two = config_for(tmp_path / "two", student, "train.batch_size=2", "train.gradient_accumulation=2")
    recipe, child = tmp_path / "recipe.yaml", tmp_path / "child.py"
    recipe.write_text(json.dumps(two.model_dump(mode="json")))
    child.write_text(CHILD)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(child), str(recipe)]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    expected, found = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(found) == len(expected) == 3
    for line, other in zip(expected, found, strict=True):
        assert (other["tokens"], other["tokens_act"]) == (line["tokens"], line["tokens_act"])
        for name in ("loss", "loss_reason", "loss_act", "grad_norm"):
            assert other[name] == pytest.approx(line[name], rel=1e-5)
