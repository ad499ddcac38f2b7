from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from deepcoder.errors import DeepCoderError
from deepcoder.models.nano import load_nano
from deepcoder.pretrain.card import model_card
from deepcoder.pretrain.context import losses_by_position, usable
from deepcoder.pretrain.settings import TOY, Settings
from deepcoder.pretrain.train import build_model, build_optimizers, pretrain, rate_at, stop_signals

SMALL = replace(TOY, tokens=12 * 256, rows=4, length=64, unique=4_000, shard=2_000, validation=300)


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("base")
    return pretrain(SMALL, corpus, out), out


def test_a_toy_base_learns_and_its_checkpoint_loads(trained):
    run, out = trained
    assert run.steps == 12
    assert run.ended == "all tokens seen"
    assert run.history[-1]["loss"] < run.history[0]["loss"] - 0.5
    nano = load_nano(checkpoint=out, tokenizer=out)
    assert nano.origin.startswith("pre-trained base")
    assert nano.model.lm_head.weight.data_ptr() == nano.model.model.embed_tokens.weight.data_ptr()


def test_the_card_and_the_log_tell_the_runs_own_facts(trained):
    run, out = trained
    card = (out / "MODEL_CARD.md").read_text()
    assert f"{run.losses['synthetic']:.4f}" in card
    assert "MIT" in card
    assert "seen alone" in card
    assert "never showed it" in model_card(replace(run, settings=run.settings | {"token_lines": 0}))
    told = json.loads((out / "training.json").read_text())
    assert told["losses"] == run.losses
    assert told["settings"]["seed"] == 0


def test_the_context_is_measured_and_told(trained, tmp_path):
    base = shutil.copytree(trained[1], tmp_path / "base")
    assert "not measured" in (base / "MODEL_CARD.md").read_text()
    found = losses_by_position(base, 2, (0, 32, 64, 96))
    assert [each[:2] for each in found] == [(0, 32), (32, 64), (64, 96)]
    assert usable([(0, 32, 3.0), (32, 64, 2.0), (64, 96, 2.1), (96, 128, 2.3), (128, 160, 2.0)], 64) == 96
    assert usable([(0, 64, 2.0), (64, 96, 2.3)], 64) == 64
    settings = trained[0].settings | {"length": 2048}
    run = replace(trained[0], settings=settings, context=[(1536, 2048, 2.0), (2048, 2560, 2.1)])
    assert "2.00 (1,536 to 2,048)" in model_card(run)
    assert "some 2,560 tokens" in model_card(run)


def test_the_same_seed_gives_the_same_losses(trained, corpus, tmp_path):
    assert pretrain(SMALL, corpus, tmp_path).losses == trained[0].losses


def test_a_time_limit_ends_the_run_with_a_checkpoint(corpus, tmp_path):
    run = pretrain(replace(SMALL, minutes=1e-9), corpus, tmp_path)
    assert run.ended == "time limit"
    assert (tmp_path / "SHA256SUMS").is_file()


def test_a_signal_asks_to_stop_and_the_old_handler_comes_back():
    before = signal.getsignal(signal.SIGTERM)
    with stop_signals() as asked:
        signal.raise_signal(signal.SIGTERM)
        assert asked == ["SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_rate_warms_up_stays_and_falls_to_zero():
    settings = Settings(warmup=10, decay=0.25, learning_rate=1.0)
    assert rate_at(0, 0.0, settings) == pytest.approx(0.1)
    assert rate_at(500, 0.5, settings) == 1.0
    assert rate_at(500, 0.875, settings) == pytest.approx(0.5)
    assert rate_at(500, 0.9999, settings) < 0.001


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_every_parameter_has_one_optimizer(corpus, name):
    from tokenizers import Tokenizer

    settings = replace(TOY, optimizer=name)
    model = build_model(settings, Tokenizer.from_file(str(corpus / "tokenizer.json")))
    held = [p for o in build_optimizers(model, settings) for group in o.param_groups for p in group["params"]]
    assert sorted(map(id, held)) == sorted(map(id, model.parameters()))
    assert torch.isfinite(model.lm_head.weight).all()


def test_training_needs_none_of_the_pipelines_packages():
    blocked = ["pydantic", "langchain_core", "pyarrow", "datasets"]
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "import deepcoder.pretrain.train, deepcoder.pretrain.probe, deepcoder.pretrain.__main__ as main\n"
        "main._parser()\n"
        "assert not [name for name in sys.modules if name in ('deepcoder.config', 'deepcoder.records')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["optimizer", "experts", "worked"])
def test_a_value_that_is_no_choice_is_refused(name):
    with pytest.raises(DeepCoderError, match=f"{name} is 'other'"):
        Settings(**{name: "other"})
