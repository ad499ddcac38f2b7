from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig

from deepcoder.config import LoraConfig
from deepcoder.models.nano import load_nano, nano_config
from deepcoder.train.shape import Shape, peak_flops, shape_of, training_flops
from deepcoder.train.student import add_adapters
from tests.train.students import tiny_model

QWEN3_30B = Shape(
    layers=48, width=2048, heads=32, key_heads=4, head_width=128, mlp_width=768, experts=128, active=8,
    vocabulary=151_936, tied=False,
)  # fmt: skip


def test_qwen3_30b_a3b_by_hand() -> None:
    assert QWEN3_30B.attention == 2048 * 4096 + 2 * 2048 * 512 + 4096 * 2048
    assert QWEN3_30B.mlp == 3 * 2048 * 768
    assert QWEN3_30B.parameters == pytest.approx(30.53e9, rel=1e-3)
    # q and o: 2048 + 4096 a rank, k and v: 2048 + 512
    assert QWEN3_30B.adapters(16, experts=False) == 48 * 16 * 2 * (6144 + 2560)
    # an expert: gate_up_proj 2048 + 1536 a rank, down_proj 768 + 2048
    assert QWEN3_30B.adapters(8, experts=True) == 48 * 8 * (2 * (6144 + 2560) + 128 * (3584 + 2816))


def test_the_shape_counts_the_parameters_of_the_real_module() -> None:
    model = load_nano().model
    norms = sum(p.numel() for name, p in model.named_parameters() if "norm" in name)
    assert shape_of(nano_config()).parameters + norms == model.num_parameters()


@pytest.mark.parametrize("targets", ["attention", "attention+experts"])
def test_the_shape_counts_the_adapters_that_peft_makes(targets: str) -> None:
    model = add_adapters(tiny_model(), LoraConfig(rank=3, targets=targets))
    made = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert shape_of(tiny_model().config).adapters(3, experts="experts" in targets) == made


def test_dense_models_have_no_experts() -> None:
    shape = shape_of(
        LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, vocab_size=100)
    )
    assert (shape.experts, shape.active, shape.mlp_width, shape.head_width, shape.key_heads) == (0, 1, 128, 16, 4)
    assert shape.parameters == 2 * (4 * 64 * 64 + 3 * 64 * 128) + 2 * 6400


def test_flops_by_hand() -> None:
    shape = Shape(
        layers=2, width=8, heads=2, key_heads=1, head_width=4, mlp_width=6, experts=4, active=2, vocabulary=50,
        tied=True,
    )  # fmt: skip
    matrices = 2 * (2 * 8 * 4 * 3 + 8 * 4 + 2 * 3 * 8 * 6)
    scores = 4 * 2 * 2 * 4 * 55
    forward = 2 * matrices * 10 + scores + 2 * 50 * 8 * 5
    counts = {"tokens": 10, "trained": 5, "pairs": 55}
    assert training_flops(shape, **counts, full=True) == 3 * forward
    assert training_flops(shape, **counts, full=False) == 2 * forward + scores


def test_a_token_of_the_30b_student_costs_what_3_b_active_parameters_do() -> None:
    flops = training_flops(QWEN3_30B, tokens=1, trained=1, pairs=0, full=True)
    assert flops == pytest.approx(6 * 3.04e9, rel=0.01)  # 3.35 B active, without the embedding's 0.31 B


def test_the_peak_is_configured_or_known_by_the_name_of_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert peak_flops(torch.device("cpu"), None) is None
    assert peak_flops(torch.device("cpu"), 0.5) == 5e11
    cuda = torch.device("cuda")
    for name, tflops in (("NVIDIA H200", 989.0), ("NVIDIA GeForce RTX 4090", 165.2), ("NVIDIA H100 PCIe", 756.0)):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _, name=name: name)
        assert peak_flops(cuda, None) == tflops * 1e12
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "another")
    assert peak_flops(cuda, None) is None
