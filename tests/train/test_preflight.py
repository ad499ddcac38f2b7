from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from deepcoder.config import Config, LoraConfig, StudentConfig, TrainConfig, load_config
from deepcoder.errors import TrainingError
from deepcoder.models.nano import nano_config
from deepcoder.train import preflight
from deepcoder.train.preflight import GIB, available_memory, check_memory, estimate, resident_memory
from deepcoder.train.shape import shape_of
from tests.train.test_shape import QWEN3_30B

CONFIGS = Path(__file__).parents[2] / "configs"
CPU = torch.device("cpu")


def qlora(**train: Any) -> Config:
    """The recipe of a large student."""
    settings: dict[str, Any] = {
        "backend": "unsloth", "method": "lora", "load_in_4bit": True, "dtype": "bfloat16", "batch_size": 1,
        "loss_chunk_rows": 256, **train,
    }  # fmt: skip
    return Config(student=StudentConfig(model="x", max_length=4096), train=TrainConfig(**settings))


def test_weights_in_4_bit_by_hand() -> None:
    quantized = 48 * (18_874_368 + 128 * 4_718_592)
    rest = 2 * 151_936 * 2048 + 48 * 2048 * 128
    found = estimate(QWEN3_30B, qlora(), 4096)
    assert found.weights == quantized * (0.5 + 1 / 64 + 4 / 16384) + 2 * rest
    assert found.loaded / GIB == pytest.approx(15.6, abs=0.1)  # measured


def test_trained_parameters_by_hand() -> None:
    adapters = 48 * 16 * 2 * (6144 + 2560)
    assert estimate(QWEN3_30B, qlora(), 4096).trained == adapters * (4 + 4 + 8)
    assert estimate(QWEN3_30B, qlora(optimizer="adamw_8bit"), 4096).trained == adapters * (4 + 4 + 2)
    full = estimate(QWEN3_30B, qlora(backend="transformers", method="full", load_in_4bit=False), 4096)
    assert full.weights + full.trained == QWEN3_30B.parameters * 16


@pytest.mark.parametrize(
    ("layers", "lora", "measured"),
    [
        (48, LoraConfig(rank=16), 17.03),
        (16, LoraConfig(rank=16), 7.30),
        (4, LoraConfig(rank=16), 3.67),
        (16, LoraConfig(rank=8, targets="attention+experts"), 8.95),
    ],
)
def test_peaks_are_those_measured_on_a_gpu(layers: int, lora: LoraConfig, measured: float) -> None:
    found = estimate(replace(QWEN3_30B, layers=layers), qlora(lora=lora), 4096)
    assert found.peak / GIB == pytest.approx(measured, abs=0.15)


@pytest.mark.parametrize(
    ("batch", "length", "checkpointing", "measured"),
    [(4, 256, False, 0.86), (8, 512, False, 1.46), (8, 1024, False, 2.15), (8, 512, True, 1.04)],
)
def test_nanos_peak_is_near_the_resident_memory_that_was_measured(
    batch: int, length: int, checkpointing: bool, measured: float
) -> None:
    config = Config(train=TrainConfig(batch_size=batch, gradient_checkpointing=checkpointing))
    measured_shape = replace(shape_of(nano_config()), layers=6, active=2)
    found = estimate(measured_shape, config, length, cpu=True)
    assert found.peak / GIB == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize("name", ["qwen3-30b-a3b", "qwen3-coder-30b-a3b"])
def test_the_recipes_of_large_students_fit_into_their_24_gib(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.yaml")
    assert config.train.max_memory_gb == 24
    assert estimate(QWEN3_30B, config, config.student.max_length).peak < 20 * GIB


def test_longer_rows_and_larger_batches_take_more() -> None:
    small, long = (estimate(QWEN3_30B, qlora(), length).peak for length in (2048, 8192))
    wide = estimate(QWEN3_30B, qlora(batch_size=4), 2048).peak
    assert small < long == wide


# --- the check ------------------------------------------------------------------------------------


def nano(**train: Any) -> Config:
    return Config(train=TrainConfig(batch_size=8, **train))


def test_what_fits_is_said_in_one_line() -> None:
    out = io.StringIO()
    check_memory(nano(max_memory_gb=4.0), 128, CPU, Console(file=out, width=300))
    line = out.getvalue()
    assert line.startswith("memory: 1.2 GiB at peak: process 0.6, weights 0.0, trained parameters 0.1, activations 0.4")
    assert "GiB free, capped at 4.0" in line


def test_what_exceeds_the_cap_is_refused_with_the_ways_out() -> None:
    with pytest.raises(TrainingError, match=r"max_memory_gb=0.5") as caught:
        check_memory(nano(max_memory_gb=0.5), 1024, CPU, Console(quiet=True))
    for way in ("train.batch_size=4", "gradient_checkpointing=true", "method=lora"):
        assert way in caught.value.hint


def test_what_exceeds_the_free_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "available_memory", lambda: 0.25 * GIB)
    with pytest.raises(TrainingError, match=r"there are 0\.2 GiB \(0\.2 GiB free\)"):
        check_memory(nano(), 64, CPU, Console(quiet=True))


def test_processes_on_one_cpu_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "available_memory", lambda: 2 * GIB)
    check_memory(nano(), 64, CPU, Console(quiet=True))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(TrainingError, match=r"0\.5 GiB free"):
        check_memory(nano(), 64, CPU, Console(quiet=True))


def test_packed_rows_are_as_long_as_the_student_allows() -> None:
    quiet = Console(quiet=True)
    plain, packed = (check_memory(nano(packing=packing), 128, CPU, quiet) for packing in (False, True))
    assert packed == check_memory(nano(), Config().student.max_length, CPU, quiet)
    assert packed.peak > plain.peak


def test_this_process_and_machine_have_memory() -> None:
    assert 0.05 * GIB < resident_memory() < available_memory() + resident_memory()
