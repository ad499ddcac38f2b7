from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Qwen3MoeForCausalLM

from deepcoder.config import load_config
from deepcoder.pretrain.forward import Pretraining
from deepcoder.pretrain.probe import Example, fine_tune, forced, free, read_splits
from deepcoder.pretrain.probe_data import flatten, write_examples
from deepcoder.pretrain.shapes import shape_config

IDS = [5, 6, 7, 8, 9, 2, 10, 11, 12, 2]
SPANS = [0, 0, 1, 1, 2, 2, 3, 1, 2, 2]


def test_examples_come_back_from_the_file(tmp_path):
    arrays = flatten("train", [(IDS, SPANS), ([1, 2], [0, 2])]) | flatten("para", [(IDS, SPANS)])
    np.savez_compressed(tmp_path / "all.npz", **arrays)
    splits = read_splits(tmp_path / "all.npz")
    assert [example.ids.tolist() for example in splits["train"]] == [IDS, [1, 2]]
    assert splits["para"][0].spans.tolist() == SPANS


@pytest.mark.slow
def test_expert_runs_of_every_split_are_written(tmp_path):
    config = load_config(None, ["problems.train=6", "problems.held_out=3"])
    counts = write_examples(config, tmp_path / "all.npz")
    splits = read_splits(tmp_path / "all.npz")
    assert {name: len(rows) for name, rows in splits.items()} == counts
    assert all(count > 0 for count in counts.values())
    assert {"train"} < set(counts)


def test_the_first_step_ends_with_the_first_act_span():
    example = Example(np.array(IDS), np.array(SPANS))
    assert example.first_step() == ([5, 6], [9, 2])


def test_fine_tuning_learns_the_actions_it_is_scored_on():
    torch.manual_seed(0)
    model = Qwen3MoeForCausalLM(shape_config("toy", 16, pad_token_id=3, eos_token_id=2))
    examples = [Example(np.array(IDS, np.uint16), np.array(SPANS, np.uint8))] * 400
    before = forced(Pretraining(model), examples[:4], pad=3)
    fine_tune(Pretraining(model), examples, 1e-2, 1, pad=3)
    after = forced(Pretraining(model), examples[:4], pad=3)
    assert before["forced"] == 0.0
    assert after["forced"] == 1.0
    assert after["nll"] < 0.1 < before["nll"]
    assert free(model.eval(), examples[:2], pad=3, stop=2) == 1.0
