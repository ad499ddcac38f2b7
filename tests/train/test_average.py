from __future__ import annotations

import atexit
import importlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

from deepcoder.cli import app
from deepcoder.config import LoraConfig, load_config
from deepcoder.errors import ConfigError, StageError, TrainingError
from deepcoder.models.local import load_model
from deepcoder.rounds import final_student
from deepcoder.runs import Manifest, RunFolder
from deepcoder.train import checkpoints
from deepcoder.train.average import average, mean_of
from deepcoder.train.card import student_card
from deepcoder.train.merge import merge
from deepcoder.train.student import add_adapters
from tests.train.students import save_tiny_student, tiny_model


@cache
def stored(seed: int) -> Path:
    """A sealed student, saved once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="average-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    checkpoints.seal(save_tiny_student(folder, seed))
    return folder


def trained(folder: Path, seed: int = 0, *overrides: str, base: str = "pre-trained base 0123") -> Path:
    """A run folder as the train stage leaves it, its weights those of a tiny model."""
    run = folder / f"run-{seed}"
    config = load_config(None, [f"run.dir={run}", f"run.seed={seed}", *overrides])
    mine = RunFolder(config)
    manifest = mine.begin("train", f"examples {seed}")
    place = mine.stage("train")
    for name, of in (("base", 100), ("final", seed)):
        shutil.copytree(stored(of), place / name)
    mine.finish(manifest, {"student": base, "parameters": 7, "steps": 3}, f"weights {seed}", 1.0)
    return run


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(load_file(run / "checkpoints" / "final" / "model.safetensors"))


def change_manifest(run: Path, **changes: object) -> None:
    path = run / "checkpoints" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_mean_by_hand() -> None:
    thirds = mean_of([torch.tensor([1.0, -2.0]), torch.tensor([2.0, 0.0]), torch.tensor([6.0, 5.0])])
    assert thirds.tolist() == [3.0, 1.0]


def test_sums_are_not_rounded_on_the_way() -> None:
    # In bf16 256 + 1 is 256: a running sum would lose each of the ones and come to 64. 259 / 4 is 64.75, beside 65.
    mean = mean_of([torch.tensor([value], dtype=torch.bfloat16) for value in (256, 1, 1, 1)])
    assert mean.dtype == torch.bfloat16
    assert mean.item() == 65


@given(st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3), min_size=2, max_size=6))
def test_a_mean_lies_between_its_parts_in_any_order(rows: list[list[float]]) -> None:
    parts = [torch.tensor(row) for row in rows]
    mean, stack = mean_of(parts), torch.stack(parts)
    slack = 1e-3
    assert bool(((stack.amin(0) - slack <= mean) & (mean <= stack.amax(0) + slack)).all())
    torch.testing.assert_close(mean, mean_of(parts[::-1]), rtol=1e-4, atol=slack)


def test_the_mean_opens_like_any_other_student(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in range(3)]
    final = average(runs, tmp_path / "mean", show=lambda line: None)
    assert final == tmp_path / "mean" / "checkpoints" / "final"
    assert checkpoints.damage(final) is None
    expected = tiny_model(0)
    with torch.no_grad():
        models = (expected, tiny_model(1), tiny_model(2))
        for own, second, third in zip(*(model.parameters() for model in models), strict=True):
            own.copy_((own + second + third) / 3)
        ids = torch.arange(5, 25)[None]
        opened, _ = load_model(str(final))
        torch.testing.assert_close(opened(input_ids=ids).logits, expected(input_ids=ids).logits)


def test_the_manifest_says_what_it_is_the_mean_of_and_no_training_goes_on_in_it(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (4, 9)]
    average(runs, tmp_path / "mean", show=lambda line: None)
    mean = RunFolder(load_config(tmp_path / "mean" / "config.yaml"))
    manifest = mean.manifest("train")
    assert isinstance(manifest, Manifest)
    assert manifest.status == "done"
    assert manifest.settings["run.seed"] == [4, 9]
    named = "run-4 (weights 4), run-9 (weights 9)"
    assert manifest.counts == {"student": "pre-trained base 0123", "parameters": 7, "mean_of": named}
    assert "the mean of 2 trainings" in student_card(mean)
    assert mean.path == tmp_path / "mean"
    assert (mean.stage("train") / "base" / "model.safetensors").is_file()
    with pytest.raises(StageError, match=r"run\.seed"):
        mean.begin("train", "examples 4")


def test_students_in_shards_stay_in_shards(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    whole = average(runs, tmp_path / "whole", show=lambda line: None)
    for seed, run in enumerate(runs):
        final = run / "checkpoints" / "final"
        (final / "model.safetensors").unlink()
        tiny_model(seed).save_pretrained(final, max_shard_size="200KB")
        checkpoints.seal(final)
    final = average(runs, tmp_path / "mean", show=lambda line: None)
    assert len(list(final.glob("*.safetensors"))) > 1
    a, b = (AutoModelForCausalLM.from_pretrained(each).state_dict() for each in (whole, final))
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("overrides", "base", "names"),
    [(("train.learning_rate=3e-3",), "pre-trained base 0123", "train.learning_rate"), ((), "another", "another")],
)
def test_runs_of_two_recipes_or_bases_have_no_mean(
    tmp_path: Path, overrides: tuple[str, ...], base: str, names: str
) -> None:
    runs = [trained(tmp_path, 0), trained(tmp_path, 1, *overrides, base=base)]
    with pytest.raises(TrainingError, match=names):
        average(runs, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_other_shapes_have_no_mean(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    final = runs[1] / "checkpoints" / "final"
    tensors = weights(runs[1])
    save_file({name: each for name, each in tensors.items() if "layers.1." not in name}, final / "model.safetensors")
    checkpoints.seal(final)
    with pytest.raises(TrainingError, match=r"layers\.1\..* None in .*run-1"):
        average(runs, tmp_path / "mean")


def test_what_is_no_whole_training_is_refused_by_name(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    for once in ([runs[0]], [runs[0], tmp_path / "." / "run-0"], [*runs, runs[0]]):
        with pytest.raises(TrainingError, match="two runs or more, each named once"):
            average(once, tmp_path / "mean")
    for name in ("nothing-here", "run-1/config.yaml"):
        with pytest.raises(TrainingError, match=f"{name} is no run folder"):
            average([runs[0], tmp_path / name], tmp_path / "mean")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"empty/config\.yaml does not exist"):
        average([runs[0], tmp_path / "empty"], tmp_path / "mean")
    change_manifest(runs[1], status="running")
    with pytest.raises(TrainingError, match="run-1 is not trained to its end"):
        average(runs, tmp_path / "mean")
    change_manifest(runs[1], status="done")
    (runs[1] / "checkpoints" / "final" / "tokenizer.json").unlink()
    with pytest.raises(TrainingError, match=r"tokenizer\.json is missing"):
        average(runs, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_nothing_that_is_there_is_replaced(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1, 2)]
    with pytest.raises(TrainingError, match="run-2 is a run"):
        average(runs[:2], runs[2])
    (runs[2] / "config.yaml").unlink()  # a student alone, copied for serving
    with pytest.raises(TrainingError, match="run-2 is a run"):
        average(runs[:2], runs[2])
    kept, own = weights(runs[2]), load_file(stored(2) / "model.safetensors")
    assert all(torch.equal(kept[name], own[name]) for name in own)


def test_a_mean_that_was_killed_in_its_writing_is_made_anew(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    child = subprocess.run([sys.executable, "-c", KILLED, *map(str, [*runs, tmp_path / "mean"])], check=False)
    assert child.returncode == -signal.SIGKILL
    assert list((tmp_path / "mean").rglob("*.safetensors"))  # it had begun to write
    assert not (tmp_path / "mean" / "checkpoints" / "final").exists()
    final = average(runs, tmp_path / "mean", show=lambda line: None)
    assert checkpoints.damage(final) is None
    assert not list((tmp_path / "mean").rglob(".staging"))


KILLED = """
import os, signal, sys
from pathlib import Path
from deepcoder.train.average import average
*runs, mean = map(Path, sys.argv[1:])
average(runs, mean, show=lambda line: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.parametrize("at", ["staged", "hash_files", "write_atomic"])
def test_a_mean_that_was_cut_short_is_no_run_and_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    module: Any = importlib.import_module("deepcoder.train.average")
    with monkeypatch.context() as patched:
        patched.setattr(module if at != "staged" else checkpoints, at, _interrupt)
        with pytest.raises(KeyboardInterrupt):
            average(runs, tmp_path / "mean", show=lambda line: None)
    assert not (tmp_path / "mean" / "config.yaml").exists()
    final = average(runs, tmp_path / "mean", show=lambda line: None)
    assert checkpoints.damage(final) is None
    assert (tmp_path / "mean" / "config.yaml").is_file()


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    monkeypatch.chdir(tmp_path)
    for number, run in enumerate(runs):  # as overrides these would be a number and, from # on, a comment
        run.rename(str(number))
    final = average([Path("0"), Path("1")], Path("mean #2"), show=lambda line: None)
    assert final == Path("mean #2/checkpoints/final")
    assert final.is_dir()


def test_a_run_that_went_on_in_rounds_has_another_student(tmp_path: Path) -> None:
    runs = [trained(tmp_path, 0), trained(tmp_path, 1, "rounds.number=1")]
    with pytest.raises(TrainingError, match="went on in rounds"):
        average(runs, tmp_path / "mean")


def test_a_base_that_changed_under_its_name_is_noticed(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    shutil.rmtree(runs[1] / "checkpoints" / "base")
    shutil.copytree(stored(7), runs[1] / "checkpoints" / "base")
    with pytest.raises(TrainingError, match="different bases, by the weights that they keep"):
        average(runs, tmp_path / "mean")


def test_an_older_manifest_without_a_key_has_its_default(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    settings = json.loads((runs[1] / "checkpoints" / "manifest.json").read_text())["settings"]
    del settings["train.packing"]
    change_manifest(runs[1], settings=settings)
    assert average(runs, tmp_path / "mean", show=lambda line: None).is_dir()


def test_two_precisions_have_no_mean(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    final = runs[1] / "checkpoints" / "final"
    save_file({name: each.bfloat16() for name, each in weights(runs[1]).items()}, final / "model.safetensors")
    checkpoints.seal(final)
    with pytest.raises(TrainingError, match=r"F32.* in .*BF16"):
        average(runs, tmp_path / "mean")


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "total used free")(1, 1, 2**30))
    with pytest.raises(TrainingError, match="this writes"):
        average(runs, tmp_path / "mean")
    assert not (tmp_path / "mean" / "checkpoints").exists()


def test_adapters_of_4_bit_students_are_averaged_with_their_base(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    base = stored(100)
    for seed, run in enumerate(runs):
        final = run / "checkpoints" / "final"
        (final / "model.safetensors").unlink()
        adapted = add_adapters(tiny_model(100), LoraConfig(rank=2, alpha=4, targets="attention+experts"))
        torch.manual_seed(seed)
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(parameter, std=0.05)
        adapted.save_pretrained(final / "adapter")  # type: ignore[operator]
        (final / "reference.json").write_text(json.dumps({"model": str(base), "adapter": "adapter"}))
        checkpoints.seal(final)
    final = average(runs, tmp_path / "mean", show=lambda line: None)
    assert not (final / "reference.json").exists()  # whole weights
    merged = [merge(run / "checkpoints" / "final", run / "merged", show=lambda line: None) for run in runs]
    a, b, mean = (load_file(place / "model.safetensors") for place in (*merged, final))
    assert all(torch.allclose(mean[name], (a[name] + b[name]) / 2, atol=1e-6) for name in mean)
    assert any(not torch.allclose(a[name], b[name], atol=1e-4) for name in mean)


def test_evaluate_and_serve_find_the_mean(tmp_path: Path) -> None:
    final = average([trained(tmp_path, seed) for seed in (0, 1)], tmp_path / "mean", show=lambda line: None)
    config = load_config(tmp_path / "mean" / "config.yaml")
    assert final_student(config) == final


def test_the_command_makes_the_run(tmp_path: Path) -> None:
    runs = [trained(tmp_path, seed) for seed in (0, 1)]
    result = CliRunner().invoke(app, ["average", *map(str, runs), "--out", str(tmp_path / "mean")])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == str(tmp_path / "mean" / "checkpoints" / "final")
    assert load_config(tmp_path / "mean" / "config.yaml").run.dir == tmp_path / "mean"
