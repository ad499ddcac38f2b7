from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcoder.errors import TrainingError
from deepcoder.train.quantize import dequantize, quantization_config, quantize


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000), rows=st.integers(1, 5), groups=st.integers(1, 4), spread=st.sampled_from([1e-4, 1, 40])
)
def test_no_group_is_worse_than_rounding_to_its_largest_weight(
    seed: int, rows: int, groups: int, spread: float
) -> None:
    weight = torch.randn(rows, 16 * groups, generator=torch.Generator().manual_seed(seed)) * spread
    found = quantize(weight, 16)
    error = (dequantize(found["weight_packed"], found["weight_scale"]) - weight).reshape(rows, groups, 16)
    scale = (weight.reshape(rows, groups, 16).abs().amax(2) / 7.5).to(torch.bfloat16).float()
    plain = (weight.reshape(rows, groups, 16) / scale[..., None]).round().clamp(-8, 7) * scale[..., None]
    allowed = (plain - weight.reshape(rows, groups, 16)).square().sum(2)
    assert (error.square().sum(2) <= allowed * (1 + 1e-5)).all()
    assert allowed.max() <= 16 * (0.51 * scale.max()) ** 2


def test_weights_lie_in_the_word_from_the_lowest_bits_on() -> None:
    weight = torch.tensor([[-8.0, -7, -1, 0, 1, 2, 6, 7]])
    found = quantize(weight * 7.5 / 8, 8)  # the scale of the largest one is then 7.5 / 8 * 8 / 7.5 = 1 time 7.5 / 8
    levels = [(int(found["weight_packed"][0, 0]) >> 4 * place) & 15 for place in range(8)]
    assert levels == [0, 1, 7, 8, 9, 10, 14, 15]


def test_a_group_of_zeros_stays_zero() -> None:
    found = quantize(torch.zeros(2, 16), 8)
    assert torch.equal(dequantize(found["weight_packed"], found["weight_scale"]), torch.zeros(2, 16))


def test_the_format_is_what_its_own_library_reads() -> None:
    helpers = pytest.importorskip("compressed_tensors.compressors.pack_quantized.helpers")
    weight = torch.randn(6, 256)
    found = quantize(weight)
    levels = helpers.unpack_from_int32(found["weight_packed"], 4, torch.Size(found["weight_shape"].tolist()))
    scales = found["weight_scale"].float().repeat_interleave(128, 1)
    torch.testing.assert_close(levels.float() * scales, dequantize(found["weight_packed"], found["weight_scale"]))
    scheme = pytest.importorskip("compressed_tensors.quantization").QuantizationConfig
    assert scheme.model_validate(quantization_config()).format == "pack-quantized"


def test_a_width_that_no_group_divides_is_refused() -> None:
    with pytest.raises(TrainingError, match="100 columns cannot be cut into groups of 128"):
        quantize(torch.zeros(2, 100))
