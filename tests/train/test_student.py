from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoTokenizer

from deepcoder.config import Config, LoraConfig, StudentConfig, load_config
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import CHATML_TEMPLATE, student_tokenizer
from deepcoder.models.local import load_model
from deepcoder.train.export import end_of_turn, save_final
from deepcoder.train.student import add_adapters, load_student
from deepcoder.train.unsloth_backend import check_quantized
from tests.train.students import save_tiny_student, tiny_model


def ignore_base(*_: Any) -> None:
    pass


def config_with(*overrides: str) -> Config:
    return load_config(None, list(overrides))


def trained_names(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_adapters_begin_as_the_seed_says(tmp_path: Path) -> None:
    settings = (
        f"student.model={save_tiny_student(tmp_path)}",
        "train.method=lora",
        "train.lora.targets=attention+experts",
    )

    def adapters(*more: str) -> dict[str, torch.Tensor]:
        torch.rand(3)  # whatever ran before in this process
        model = load_student(config_with(*settings, *more), ignore_base).model
        return {name: value for name, value in model.state_dict().items() if "lora_A" in name}

    one, again, other = adapters(), adapters(), adapters("run.seed=1")
    assert one
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_the_base_is_kept_before_adapters_are_added(tmp_path: Path) -> None:
    seen = []
    student = load_student(
        config_with(f"student.model={save_tiny_student(tmp_path)}", "train.method=lora"),
        lambda model, tokenizer, origin: seen.append((len(trained_names(model)), origin)),
    )
    assert seen == [(len(list(tiny_model().parameters())), str(tmp_path))]
    assert student.reference == str(tmp_path)
    assert student.trainable < student.parameters


def test_lora_on_attention_leaves_the_experts_alone() -> None:
    names = trained_names(add_adapters(tiny_model(), LoraConfig(rank=2, targets="attention")))
    assert names
    assert all("lora" in name and "self_attn" in name for name in names)


def test_lora_on_experts_reaches_both_fused_parameters() -> None:
    model = add_adapters(tiny_model(), LoraConfig(rank=2, alpha=4, targets="attention+experts"))
    names = trained_names(model)
    assert all("lora" in name for name in names)
    assert len([name for name in names if ".experts." in name]) == 2 * 2 * 2  # layers, parameters, A and B
    experts = tiny_model().config.num_experts
    up = next(p for name, p in model.named_parameters() if ".experts." in name and "lora_A" in name)
    assert up.shape[0] == experts * 2  # one pair of rank 2 an expert


def test_a_student_without_experts_cannot_have_expert_adapters() -> None:
    dense = tiny_model()
    for layer in dense.model.layers:
        layer.mlp = nn.Linear(1, 1)
    with pytest.raises(TrainingError, match="no experts"):
        add_adapters(dense, LoraConfig(targets="attention+experts"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["student.model=nano", "train.load_in_4bit=true"], "load_in_4bit needs train.backend=unsloth"),
        (["train.backend=unsloth", "train.method=full"], "adapters only"),
        (["train.backend=unsloth", "train.method=lora"], "does not train nano"),
        (
            ["train.backend=unsloth", "train.method=lora", "student.model=x", "train.router_aux_coefficient=0.1"],
            "router_aux_coefficient",
        ),
    ],
)
def test_what_cannot_be_trained_is_said(overrides: list[str], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        load_student(config_with(*overrides), ignore_base)


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a GPU")
def test_unsloth_without_a_gpu_is_refused_with_the_way_out() -> None:
    config = config_with("train.backend=unsloth", "train.method=lora", "student.model=Qwen/Qwen3-30B-A3B")
    with pytest.raises(TrainingError, match="needs a CUDA GPU") as caught:
        load_student(config, ignore_base)
    assert "train.backend=transformers" in caught.value.hint


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    AutoTokenizer.from_pretrained(save_tiny_student(tmp_path / "ok")).save_pretrained(tmp_path / "empty")
    with pytest.raises(TrainingError, match="cannot be loaded"):
        load_student(config_with(f"student.model={tmp_path / 'empty'}"), ignore_base)


def test_a_tokenizer_without_chatml_is_refused(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save_tiny_student(tmp_path))
    assert tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer)) == "<|im_end|>"

    class Plain:
        unk_token_id = 0

        def convert_tokens_to_ids(self, token: str) -> int:
            return 0

    with pytest.raises(TrainingError, match="no token"):
        end_of_turn(Plain())  # type: ignore[arg-type]


def test_the_large_student_ends_a_turn_with_a_token_that_is_not_its_padding(shared: Path) -> None:
    student = StudentConfig(model="Qwen/Qwen3-30B-A3B", tokenizer=shared / "qwen3-tokenizer")
    tokenizer = student_tokenizer(student)
    assert end_of_turn(tokenizer) == tokenizer.eos_token_id == 151_645
    assert tokenizer.pad_token_id == 151_643
    assert tokenizer.chat_template == CHATML_TEMPLATE


def test_experts_left_in_16_bit_are_found() -> None:
    with pytest.raises(TrainingError, match="4 expert weights are not quantized"):
        check_quantized(tiny_model())
    packed = tiny_model()
    for layer in packed.model.layers:
        for name in ("gate_up_proj", "down_proj"):
            weight = getattr(layer.mlp.experts, name)
            bits = nn.Parameter(torch.zeros(weight.numel() // 2, 1, dtype=torch.uint8), requires_grad=False)
            setattr(layer.mlp.experts, name, bits)
    check_quantized(packed)


def test_adapters_of_a_quantized_student_go_beside_a_reference(tmp_path: Path) -> None:
    base = save_tiny_student(tmp_path / "base")
    student = load_student(
        config_with(f"student.model={base}", "train.method=lora", "train.lora.targets=attention+experts"), ignore_base
    )
    with torch.no_grad():
        for name, parameter in student.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    student.model.config.quantization_config = {"bits": 4}  # type: ignore[union-attr]
    save_final(tmp_path / "final", student.model, student.tokenizer, student.reference)
    assert not list((tmp_path / "final").glob("*.safetensors"))
    model, _ = load_model(str(tmp_path / "final"))
    ids = torch.arange(10, 22).reshape(2, 6)
    with torch.no_grad():
        expected, found, plain = (each(input_ids=ids).logits for each in (student.model, model, tiny_model()))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (plain - expected).abs().max() > 0.01
