from __future__ import annotations

import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from typer.testing import CliRunner

from deepcoder.cli import app
from deepcoder.config import LoraConfig
from deepcoder.errors import TrainingError
from deepcoder.models.local import load_model
from deepcoder.train.merge import merge
from deepcoder.train.quantize import dequantize
from deepcoder.train.student import add_adapters
from tests.train.students import save_tiny_student, tiny_model


def trained_final(folder: Path, targets: str = "attention+experts", *, dtype: torch.dtype = torch.float32) -> Path:
    """RUN/checkpoints/final as 4-bit training leaves it: adapter, tokenizer, a reference to a sharded base."""
    base = save_tiny_student(folder / "base", tied=False)
    tiny_model(tied=False, dtype=dtype).save_pretrained(base, max_shard_size="200KB")
    (base / "model.safetensors").unlink()
    model = add_adapters(tiny_model(tied=False, dtype=dtype), LoraConfig(rank=3, alpha=6, targets=targets))
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    final = folder / "final"
    model.save_pretrained(final / "adapter")  # type: ignore[operator]
    shutil.copy(base / "tokenizer.json", final)
    (final / "reference.json").write_text(json.dumps({"model": str(base), "adapter": "adapter"}))
    return final


def by_peft(final: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    base = AutoModelForCausalLM.from_pretrained(final.parent / "base", dtype=dtype)
    merged: PreTrainedModel = PeftModel.from_pretrained(base, str(final / "adapter")).merge_and_unload()
    return merged


def tensors_of(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for file in folder.glob("*.safetensors"):
        found |= load_file(str(file))
    return found


@pytest.mark.parametrize("targets", ["attention", "attention+experts"])
def test_a_merge_in_a_stream_is_pefts_merge(tmp_path: Path, targets: str) -> None:
    final = trained_final(tmp_path, targets)
    out = merge(final, tmp_path / "merged", show=lambda line: None)
    assert len(list(out.glob("model-*.safetensors"))) > 2, "the test wants a base of several shards"
    expected = by_peft(final).state_dict()
    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).state_dict()
    assert loaded.keys() == expected.keys()
    for name, tensor in loaded.items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=1e-6)


def test_the_adapter_changes_the_output(tmp_path: Path) -> None:
    final = trained_final(tmp_path)
    out = merge(final, tmp_path / "merged", show=lambda line: None)
    ids = torch.arange(10, 40)[None]
    with torch.no_grad():
        base, merged = (
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(ids).logits
            for folder in (tmp_path / "base", out)
        )
    assert (merged - base).norm() > 0.01 * base.norm()


def test_sums_are_taken_in_fp32_and_rounded_once(tmp_path: Path) -> None:
    final = trained_final(tmp_path, dtype=torch.bfloat16)
    out = merge(final, tmp_path / "merged", show=lambda line: None)
    base, merged = tensors_of(tmp_path / "base"), tensors_of(out)
    adapter = load_file(str(final / "adapter" / "adapter_model.safetensors"))
    stem = "base_model.model.model.layers.1.self_attn.o_proj.lora_"
    delta = 2.0 * adapter[f"{stem}B.weight"].float() @ adapter[f"{stem}A.weight"].float()
    name = "model.layers.1.self_attn.o_proj.weight"
    assert merged[name].dtype == torch.bfloat16
    torch.testing.assert_close(merged[name], (base[name].float() + delta).to(torch.bfloat16), atol=0, rtol=0)


def test_whoever_opens_the_student_opens_the_merge(tmp_path: Path) -> None:
    final = trained_final(tmp_path)
    (final / "generation_config.json").write_text('{"eos_token_id": 2}')
    out = merge(final, tmp_path / "merged", show=lambda line: None)
    model, _ = load_model(str(out))
    assert model.generation_config is not None
    assert model.generation_config.eos_token_id == 2
    assert not (out / "reference.json").exists()


def test_a_base_of_fused_experts_is_merged_too(tmp_path: Path) -> None:
    final = trained_final(tmp_path)
    expected = by_peft(final).state_dict()
    base = tmp_path / "base"
    state = {name: tensor.clone() for name, tensor in tiny_model(tied=False).state_dict().items()}
    for file in base.glob("*.safetensors*"):
        file.unlink()
    save_file(state, base / "model.safetensors", metadata={"format": "pt"})
    out = merge(final, tmp_path / "merged", show=lambda line: None)
    for name, tensor in tensors_of(out).items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=1e-6)
    with pytest.raises(TrainingError, match="fused"):
        merge(final, tmp_path / "merged-4bit", bits=4, group=8, show=lambda line: None)


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    final = trained_final(tmp_path)
    index = json.loads((tmp_path / "base" / "model.safetensors.index.json").read_text())
    gone = "model.layers.0.mlp.experts.2.up_proj.weight"
    shard = tmp_path / "base" / index["weight_map"][gone]
    state = load_file(str(shard))
    del state[gone]
    save_file(state, shard, metadata={"format": "pt"})
    with pytest.raises(TrainingError, match=r"experts.* met some of its tensors only"):
        merge(final, tmp_path / "merged", show=lambda line: None)
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("use_dora", True, "use_dora"),
        ("peft_type", "IA3", "IA3"),
        ("r", 2, "not of rank 2"),
        ("lora_B_layout", "grouped_by_expert", "grouped"),
    ],
)
def test_what_cannot_be_merged_is_said(tmp_path: Path, key: str, value: object, message: str) -> None:
    final = trained_final(tmp_path, "attention")
    file = final / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(TrainingError, match=message):
        merge(final, tmp_path / "merged", show=lambda line: None)


def test_a_base_of_another_width_is_refused(tmp_path: Path) -> None:
    final = trained_final(tmp_path, "attention")
    index = json.loads((tmp_path / "base" / "model.safetensors.index.json").read_text())
    name = "model.layers.0.self_attn.q_proj.weight"
    shard = tmp_path / "base" / index["weight_map"][name]
    state = load_file(str(shard))
    state[name] = state[name][:1].clone()  # one row would broadcast
    save_file(state, shard, metadata={"format": "pt"})
    with pytest.raises(TrainingError, match=r"q_proj.*, the base's \(1, "):
        merge(final, tmp_path / "merged", show=lambda line: None)


def test_a_base_that_is_quantized_is_refused(tmp_path: Path) -> None:
    final = trained_final(tmp_path, "attention")
    file = tmp_path / "base" / "config.json"
    file.write_text(
        json.dumps(json.loads(file.read_text()) | {"quantization_config": {"quant_method": "bitsandbytes"}})
    )
    with pytest.raises(TrainingError, match="quantized itself"):
        merge(final, tmp_path / "merged", show=lambda line: None)
    file.unlink()
    with pytest.raises(TrainingError, match=r"no readable config\.json"):
        merge(final, tmp_path / "merged", show=lambda line: None)


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"no tensors")])
def test_an_adapter_that_cannot_be_read_is_said(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    final = trained_final(tmp_path, "attention")
    damage(final / "adapter" / "adapter_model.safetensors")
    with pytest.raises(TrainingError, match=r"adapter_model\.safetensors cannot be read"):
        merge(final, tmp_path / "merged", show=lambda line: None)


def test_nothing_that_exists_is_replaced(tmp_path: Path) -> None:
    final = trained_final(tmp_path, "attention")
    for folder in (final, tmp_path / "base", tmp_path):
        before = sorted(folder.rglob("*"))
        with pytest.raises(TrainingError, match="exists"):
            merge(final, folder, show=lambda line: None)
        assert sorted(folder.rglob("*")) == before


def test_without_a_student_the_way_to_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no student") as error:
        merge(tmp_path / "final", tmp_path / "merged")
    assert "deepcoder train" in error.value.hint


def test_a_disk_too_small_is_said_before_a_byte_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    final = trained_final(tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("deepcoder.train.merge.shutil.disk_usage", lambda folder: usage(0, 0, 2**20))
    with pytest.raises(TrainingError, match=r"0\.0 GiB free") as error:
        merge(final, tmp_path / "merged", show=lambda line: None)
    assert "--bits 4" in error.value.hint
    assert not (tmp_path / "merged").exists()


def test_a_student_that_is_whole_has_nothing_to_merge(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="names a base and an adapter"):
        merge(save_tiny_student(tmp_path / "final"), tmp_path / "merged")


def test_4_bit_stands_for_the_merged_weights(tmp_path: Path) -> None:
    final = trained_final(tmp_path)
    whole = tensors_of(merge(final, tmp_path / "merged", show=lambda line: None))
    out = merge(final, tmp_path / "merged-4bit", bits=4, group=8, show=lambda line: None)
    packed = tensors_of(out)
    modules = [name.removesuffix(".weight_packed") for name in packed if name.endswith(".weight_packed")]
    assert len(modules) == 2 * (4 + 3 * 4), "attention and every expert of two layers"
    for module in modules:
        weight = whole[f"{module}.weight"]
        assert packed[f"{module}.weight_shape"].tolist() == list(weight.shape)
        found = dequantize(packed[f"{module}.weight_packed"], packed[f"{module}.weight_scale"])
        assert (found - weight).norm() < 0.12 * weight.norm()
        assert f"{module}.weight" not in packed
    for name in ("lm_head.weight", "model.layers.0.mlp.gate.weight", "model.norm.weight"):
        assert torch.equal(packed[name], whole[name])
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == packed.keys()
    written = json.loads((out / "config.json").read_text())["quantization_config"]
    assert (written["format"], written["config_groups"]["group_0"]["weights"]["group_size"]) == ("pack-quantized", 8)


def test_the_command_writes_beside_the_student(tmp_path: Path) -> None:
    final = trained_final(tmp_path)
    (tmp_path / "run").mkdir()
    final.rename(tmp_path / "run" / "x")
    (tmp_path / "run" / "checkpoints").mkdir()
    (tmp_path / "run" / "x").rename(tmp_path / "run" / "checkpoints" / "final")
    done = CliRunner().invoke(app, ["merge", "configs/demo.yaml", f"run.dir={tmp_path / 'run'}"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "checkpoints" / "merged" / "config.json").is_file()
    assert "Not evaluated in this run" in (tmp_path / "run" / "checkpoints" / "merged" / "README.md").read_text()
