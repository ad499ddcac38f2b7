from __future__ import annotations

import json
from pathlib import Path

import yaml

from deepcoder.config import load_config
from deepcoder.runs import Manifest, RunFolder
from deepcoder.train.card import student_card


def run_of(folder: Path, model: str) -> RunFolder:
    run = RunFolder(load_config(None, [f"run.dir={folder / 'mine'}"]))
    settings = {
        "train": {"student.model": model, "train.lambda_reason": {"start": 0.5, "end": None}, "run.seed": 0},
        "generate": {"teacher.model": "expert"},
    }
    for stage in ("train", "generate"):
        manifest = Manifest(
            stage=stage, status="done", config_hash="", input_hash="", settings=settings[stage], started=0.0,
            versions={"torch": "2.13.0"}, counts={"steps": 500, "tokens": 518_021, "student": str(folder)},
        )  # fmt: skip
        place = run.stage(stage)  # type: ignore[arg-type]
        place.mkdir(parents=True)
        (place / "manifest.json").write_text(manifest.model_dump_json())
    return run


def test_a_card_states_what_the_run_says(tmp_path: Path) -> None:
    run = run_of(tmp_path, "Qwen/Qwen3-30B-A3B")
    evaluation = run.stage("evaluate")
    evaluation.mkdir()
    student = {"success": 0.8, "n": 60, "ci95": [0.68, 0.88]}
    (evaluation / "summary.json").write_text(json.dumps({"source": "procedural", "student": student, "base": {}}))
    card = student_card(run)
    meta = yaml.safe_load(card.split("---")[1])
    assert meta["base_model"] == "Qwen/Qwen3-30B-A3B"
    assert "optimizer steps 500; tokens seen 518,021" in card
    assert "`train.lambda_reason=0.5`" in card
    assert "`run.seed=0`" in card
    assert "not a language model" in card
    assert "| student | 80.0% | 68.0% to 88.0% | 60 |" in card
    assert "| base |" not in card


def test_no_path_of_the_machine_is_in_it(tmp_path: Path) -> None:
    for model in (str(tmp_path), "~/models/x"):
        card = student_card(run_of(tmp_path / str(len(model)), model), bits=4)
        assert str(tmp_path) not in card
        assert "~" not in card
        assert "base_model" not in card
        assert "rounded to 4 bit" in card


def test_what_is_not_recorded_is_said(tmp_path: Path) -> None:
    card = student_card(RunFolder(load_config(None, [f"run.dir={tmp_path}"])))
    assert "record of its training is missing" in card
    assert "Not evaluated in this run" in card
