"""What of the Unsloth backend can be held without a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from deepcoder.errors import TrainingError
from deepcoder.models.nano import load_tokenizer
from deepcoder.train.export import save_base
from deepcoder.train.hidden import packed_hidden_states, sequence_lengths
from deepcoder.train.student import Student
from deepcoder.train.unsloth_backend import check_quantized, checkpoint_as_one_gpu_does
from tests.train.students import tiny_model


def test_a_sequence_begins_wherever_the_position_is_0() -> None:
    lengths = sequence_lengths(torch.tensor([[0, 1, 2, 0, 0, 1]]))
    assert lengths.tolist() == [3, 1, 2]
    assert lengths.dtype == torch.int32


class Recorder(nn.Module):
    """A model that keeps what it was called with, and gives each token's id as its state."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Identity()
        self.calls: list[dict[str, Any]] = []

    def forward(self, input_ids: Tensor, **inputs: Any) -> SimpleNamespace:
        self.calls.append(inputs | {"input_ids": input_ids})
        return SimpleNamespace(logits=self.head(input_ids[..., None].float()))


def test_packed_rows_go_in_as_one_with_the_lengths_of_their_sequences() -> None:
    model = Recorder()
    ids = torch.arange(8).reshape(2, 4)
    positions = torch.tensor([[0, 1, 2, 0], [0, 1, 0, 1]])
    hidden = packed_hidden_states(model, model.head, ids, positions, by_lengths=True)
    assert torch.equal(hidden[..., 0], ids.float())
    (call,) = model.calls
    assert call["input_ids"].shape == (1, 8)
    assert call["position_ids"].tolist() == [[0, 1, 2, 0, 0, 1, 0, 1]]
    assert call["packed_seq_lengths"].tolist() == [3, 1, 2, 2]
    assert "attention_mask" not in call


def test_without_lengths_the_rows_go_in_as_they_are() -> None:
    model = Recorder()
    positions = torch.tensor([[0, 1, 0]])
    packed_hidden_states(model, model.head, torch.arange(3)[None], positions, by_lengths=False)
    assert model.calls[0].keys() == {"input_ids", "position_ids", "use_cache"}


def test_a_mixture_that_shows_no_experts_is_not_vouched_for() -> None:
    model = tiny_model()
    for layer in model.model.layers:
        layer.mlp = nn.Linear(1, 1)
    with pytest.raises(TrainingError, match="shows no expert weights in 4 bit"):
        check_quantized(model)


def test_packed_weights_count_as_what_they_stand_for() -> None:
    model = nn.Linear(8, 4, bias=False)
    packed = nn.Parameter(torch.zeros(16, 1, dtype=torch.uint8), requires_grad=False)
    packed.quant_state = SimpleNamespace(shape=torch.Size([4, 8]))  # type: ignore[attr-defined]
    model.weight = packed
    student = Student(model, load_tokenizer(), "", None)
    assert (student.parameters, student.trainable) == (32, 0)


def test_the_base_of_a_4_bit_student_is_a_reference(tmp_path: Path) -> None:
    save_base(tmp_path / "base", None, load_tokenizer(), "Qwen/Qwen3-30B-A3B", "the hub")
    assert json.loads((tmp_path / "base" / "reference.json").read_text()) == {"model": "Qwen/Qwen3-30B-A3B"}
    assert not list((tmp_path / "base").glob("*.safetensors"))


def test_the_stage_can_import_unsloth_before_transformers() -> None:
    code = "import sys, deepcoder.train; print(sorted({'torch', 'transformers', 'peft', 'trl'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def unsloth_with(monkeypatch: pytest.MonkeyPatch, **names: Any) -> Any:
    """A package `unsloth` whose loader has these names."""
    models = ModuleType("unsloth.models")
    models.vision = SimpleNamespace(**names)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "unsloth", ModuleType("unsloth"))
    monkeypatch.setitem(sys.modules, "unsloth.models", models)
    return models.vision


def test_ranks_checkpoint_as_one_gpu_does(monkeypatch: pytest.MonkeyPatch) -> None:
    vision = unsloth_with(monkeypatch, vlm_gradient_checkpointing_reentrant=lambda: False)
    checkpoint_as_one_gpu_does()
    assert vision.vlm_gradient_checkpointing_reentrant()


def test_an_unsloth_that_chooses_elsewhere_is_refused_for_several_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    unsloth_with(monkeypatch)
    with pytest.raises(TrainingError, match="could stand still"):
        checkpoint_as_one_gpu_does()
