"""On-policy rounds, with a tiny student that really writes and trains, the expert as teacher, the real judge."""

from __future__ import annotations

import importlib
import io
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers import Qwen3MoeForCausalLM

import deepcoder.models.local as local
from deepcoder.config import Config, dump_config, load_config
from deepcoder.errors import ConfigError, StageError
from deepcoder.pipeline import run_rounds
from deepcoder.records import Span
from deepcoder.rounds import check_rounds, final_student, rounds_of
from deepcoder.runs import RunFolder
from deepcoder.train.checkpoints import seal
from deepcoder.train.log import read_log
from deepcoder.trajectories import read_trajectories
from tests.fakes.student import Students
from tests.generate.conftest import write_problems
from tests.train.students import save_tiny_student, tiny_model


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def recipe(folder: Path, *overrides: str) -> Config:
    return load_config(
        None,
        [
            f"run.dir={folder}", "problems.train=3", "agent.instructions=bare", "sandbox.workers=1",
            "agent.tools=[execute_python, finish]", "agent.max_steps=4", "engine.max_new_tokens=4",
            "train.threads=1", "train.batch_size=2", "train.logging_steps=1",
            "train.save_steps=1", "student.max_length=512", "rounds.number=2", *overrides,
        ],
    )  # fmt: skip


def trained(config: Config, seed: int = 3) -> Config:
    """A run folder whose training is done: a tiny random student lies in it."""
    folder = RunFolder(config)
    manifest = folder.begin("train", "input")
    seal(save_tiny_student(folder.stage("train") / "final", seed=seed, tied=False))
    folder.finish(manifest, {}, "trained", 0.0)
    return config


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Two rounds without a break; they are made once."""
    config = trained(recipe(tmp_path_factory.mktemp("whole")))
    run_rounds(config, quiet())
    return config


def weights(config: Config) -> dict[str, torch.Tensor]:
    return load_file(final_student(config) / "model.safetensors")


def said(config: Config) -> list[list[tuple[Any, ...]]]:
    """Of each round what is trained, by problem."""
    return [
        sorted(
            (run.problem_id, run.trajectory_id, run.origin) for run in read_trajectories(each.run.dir / "trajectories")
        )
        for each in rounds_of(config)
    ]


def test_a_round_begins_with_the_student_of_the_one_before(whole: Config) -> None:
    first, second = rounds_of(whole)
    base = load_file(second.run.dir / "checkpoints" / "base" / "model.safetensors")
    before = load_file(first.run.dir / "checkpoints" / "final" / "model.safetensors")
    start = load_file(whole.run.dir / "checkpoints" / "final" / "model.safetensors")
    assert all(torch.equal(value, before[name]) for name, value in base.items())
    assert not all(torch.equal(value, start[name]) for name, value in before.items())
    assert final_student(whole) == second.run.dir / "checkpoints" / "final"


def test_each_trajectory_names_its_round_and_its_source(whole: Config) -> None:
    for number, runs in enumerate(said(whole), 1):
        assert len(runs) == 3  # a random student solves nothing: all are the expert's
        assert {(origin.round, origin.source) for _, _, origin in runs} <= {(number, "corrected"), (number, "teacher")}


def test_rounds_that_are_done_are_not_repeated(whole: Config) -> None:
    console = quiet()
    run_rounds(whole, console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("already done") == 6


def test_a_rounds_folder_is_a_run_folder_of_its_own(whole: Config) -> None:
    first, _ = rounds_of(whole)
    assert load_config(first.run.dir / "config.yaml") == first


def test_another_first_student_refuses_the_rounds_of_the_old_one(whole: Config, tmp_path: Path) -> None:
    config = recipe(tmp_path, "rounds.number=1")
    shutil.copytree(whole.run.dir, tmp_path, dirs_exist_ok=True)
    seal(save_tiny_student(tmp_path / "checkpoints" / "final", seed=9, tied=False))
    with pytest.raises(StageError, match="other"):
        run_rounds(config, quiet())


def test_rounds_cut_at_the_end_of_every_stage_go_on_to_the_same_weights(
    whole: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage is cut once when its work is done and its manifest does not say so yet."""
    config, cut = trained(recipe(tmp_path)), set()
    for name in ("generate", "prepare", "train"):
        stage = importlib.import_module(f"deepcoder.{name}")

        def run(recipe: Config, *rest: Any, name: str = name, done: Any = stage.run) -> Any:
            counts = done(recipe, *rest)
            if (recipe.run.dir, name) not in cut:
                cut.add((recipe.run.dir, name))
                raise KeyboardInterrupt
            return counts

        monkeypatch.setattr(stage, "run", run)
    for _ in range(6):
        with pytest.raises(KeyboardInterrupt):
            run_rounds(config, quiet())
    run_rounds(config, quiet())
    assert len(cut) == 6
    assert said(config) == said(whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(config).items())


@pytest.mark.slow
@pytest.mark.parametrize("until", ["rounds/1/trajectories/shard-00000.jsonl", "rounds/2/checkpoints/checkpoint-1"])
def test_a_process_that_is_killed_goes_on_to_the_same_weights(whole: Config, tmp_path: Path, until: str) -> None:
    config = trained(recipe(tmp_path / "run"))
    path = tmp_path / "recipe.yaml"
    path.write_text(dump_config(config))
    command = [str(Path(sys.executable).with_name("deepcoder")), "rounds", str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True)
    deadline = time.monotonic() + 600
    while not (config.run.dir / until).exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it has not come this far"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not final_student(config).exists(), "it ended before it was killed"
    subprocess.run(command, check=True, capture_output=True, timeout=600, env=environment)
    assert said(config) == said(whole)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(config).items())


@pytest.mark.slow
def test_adapters_are_merged_before_the_next_round_adds_its_own(tmp_path: Path) -> None:
    config = trained(recipe(tmp_path, "train.method=lora", "train.lora={rank: 2, alpha: 4}"))
    run_rounds(config, quiet())
    first, second = (each.run.dir / "checkpoints" for each in rounds_of(config))
    merged = load_file(first / "final" / "model.safetensors")
    base, final = (load_file(second / name / "model.safetensors") for name in ("base", "final"))
    assert all(torch.equal(value, merged[name]) for name, value in base.items())
    assert {name for name, value in final.items() if not torch.equal(value, merged[name])}
    assert (second / "final" / "adapter" / "adapter_model.safetensors").is_file()


# --- the teacher's distributions ------------------------------------------------------------------


@pytest.fixture
def uniform(tmp_path: Path) -> Path:
    """A teacher for whom every token is as likely: all logits are 0."""
    folder = save_tiny_student(tmp_path / "uniform", tied=False)
    model = tiny_model(tied=False)
    torch.nn.init.zeros_(model.lm_head.weight)
    model.save_pretrained(folder)
    return folder


def divergences(config: Config, student: Path) -> dict[Span, float]:
    """KL(uniform || p) = -log V - mean over v of log p(v), averaged over the tokens of each trained span."""
    model = Qwen3MoeForCausalLM.from_pretrained(student)
    found: dict[Span, list[float]] = {Span.REASON: [], Span.ACT: []}
    for row in pq.read_table(config.run.dir / "examples" / "examples-00000.parquet").to_pylist():
        with torch.no_grad():
            log_p = model(input_ids=torch.tensor([row["input_ids"]])).logits[0].double().log_softmax(-1)
        for position, span in enumerate(row["span_ids"][1:]):
            if span in found:
                found[Span(span)].append(-math.log(log_p.shape[1]) - float(log_p[position].mean()))
    return {span: sum(values) / len(values) for span, values in found.items()}


def test_a_scored_round_learns_the_teachers_distribution_on_the_students_own_failures(
    tmp_path: Path, uniform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "open_engine", lambda engine, path: Students())
    problems = write_problems(tmp_path / "problems.jsonl", 3)
    config = trained(
        recipe(
            tmp_path / "run", "problems.source=jsonl", f"problems.path={problems}", "teacher.model=groq:nobody",
            "rounds={number: 1, teacher: score}", f"train.teacher.model={uniform}", "train.batch_size=3",
        )
    )  # fmt: skip
    generated, prepared, done = run_rounds(config, quiet())
    assert (generated.counts["verified"], generated.counts["not passed, scored"]) == (1, 2)
    assert (prepared.counts["examples"], done.counts["steps"]) == (3, 1)
    (round_one,) = rounds_of(config)
    expected = divergences(round_one, config.run.dir / "checkpoints" / "final")
    (line,) = read_log(round_one.run.dir / "checkpoints" / "log.jsonl")
    assert line["loss_reason"] == pytest.approx(expected[Span.REASON], rel=1e-4)
    assert line["loss_act"] == pytest.approx(expected[Span.ACT], rel=1e-4)


# --- recipes --------------------------------------------------------------------------------------


def test_without_rounds_the_trained_student_is_the_final_one(tmp_path: Path) -> None:
    config = recipe(tmp_path, "rounds.number=0")
    assert list(rounds_of(config)) == []
    assert final_student(config) == tmp_path / "checkpoints" / "final"


def test_rounds_need_a_finished_training(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="rounds needs a finished train stage"):
        run_rounds(recipe(tmp_path), quiet())


def test_rounds_are_refused_under_torchrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="torchrun"):
        run_rounds(recipe(tmp_path), quiet())


def test_a_rounds_recipe_is_the_runs_own_but_for_what_a_round_is(tmp_path: Path) -> None:
    config = recipe(
        tmp_path, "rounds.learning_rate=1e-5", "rounds.epochs=2", "rounds.temperature=0.5", "train.max_steps=7",
        "generate.attempts=3", "train.packing=true",
    )  # fmt: skip
    first, second = rounds_of(config)
    assert (first.train.learning_rate, first.train.epochs, first.train.max_steps) == (1e-5, 2, None)
    assert first.train.packing
    assert (first.generate.attempts, first.rounds.number) == (1, 0)
    assert (first.generate.rollout.temperature, first.generate.rollout.round) == (0.5, 1)
    assert second.generate.rollout.student == tmp_path / "rounds" / "1" / "checkpoints" / "final"
    assert second.student.model == str(second.generate.rollout.student)
    assert len({config.run.seed, first.run.seed, second.run.seed}) == 3
    assert first.problems == config.problems


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.load_in_4bit=true"], "does not go with train.load_in_4bit"),
        (["rounds.teacher=score"], "needs a model whose distributions"),
        (["rounds.teacher=score", "rounds.scores=stored"], "needs score.model"),
    ],
)
def test_what_cannot_be_is_refused_before_the_student_runs(tmp_path: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_rounds(recipe(tmp_path, *overrides))
