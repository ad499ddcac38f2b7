from __future__ import annotations

import json
from collections import namedtuple
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoTokenizer, Qwen3MoeConfig, Qwen3MoeForCausalLM
from typer.testing import CliRunner

from deepcoder.cli import app
from deepcoder.config import LoraConfig
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.models.nano import load_tokenizer
from deepcoder.train.gguf_file import Bits, write_gguf
from deepcoder.train.gguf_tokens import read_vocabulary
from deepcoder.train.merge import merge
from deepcoder.train.student import add_adapters
from tests.train.students import save_tiny_student
from tests.train.test_merge import tensors_of

LAYER = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "ffn_gate_inp": "mlp.gate",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
}  # fmt: skip


def mixture(folder: Path, dtype: torch.dtype = torch.bfloat16, **changes: object) -> Path:
    """A student of some 0.4 M random parameters, rows of 32 and 64, with nano's tokenizer."""
    shape: dict[str, object] = {
        "vocab_size": 4096, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 32,
        "num_key_value_heads": 1, "intermediate_size": 64, "num_experts": 4, "num_experts_per_tok": 2,
        "moe_intermediate_size": 32, "norm_topk_prob": True, "max_position_embeddings": 512,
        "tie_word_embeddings": False, "eos_token_id": 2, "pad_token_id": 3,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Qwen3MoeForCausalLM(Qwen3MoeConfig(**(shape | changes)))  # type: ignore[arg-type]
    model.to(dtype).save_pretrained(folder, max_shard_size="200KB")  # type: ignore[arg-type]
    tokenizer = load_tokenizer()
    tokenizer.chat_template = CHATML_TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def written(folder: Path, target: Path, bits: Bits = 16) -> gguf.GGUFReader:
    return gguf.GGUFReader(write_gguf(folder, target, bits=bits, show=lambda line: None))


def expected(folder: Path) -> dict[str, Tensor]:
    """What llama.cpp's names stand for, by hand."""
    stored = tensors_of(folder)
    found = {
        "token_embd.weight": stored["model.embed_tokens.weight"],
        "output_norm.weight": stored["model.norm.weight"],
        "output.weight": stored["lm_head.weight"],
    }
    for layer in range(2):
        place = f"model.layers.{layer}"
        for name, other in LAYER.items():
            found[f"blk.{layer}.{name}.weight"] = stored[f"{place}.{other}.weight"]
        for part in ("gate", "up", "down"):
            experts = [stored[f"{place}.mlp.experts.{number}.{part}_proj.weight"] for number in range(4)]
            found[f"blk.{layer}.ffn_{part}_exps.weight"] = torch.stack(experts)
    return found


def numbers(tensor: gguf.ReaderTensor) -> Tensor:
    shape = [int(each) for each in reversed(tensor.shape)]
    return torch.from_numpy(gguf.dequantize(np.array(tensor.data), tensor.tensor_type).copy()).reshape(shape)


@pytest.mark.parametrize(("dtype", "kind"), [(torch.bfloat16, Kind.BF16), (torch.float32, Kind.F16)])
def test_16_bit_are_the_weights_themselves(tmp_path: Path, dtype: torch.dtype, kind: Kind) -> None:
    folder = mixture(tmp_path / "student", dtype)
    tensors = {each.name: each for each in written(folder, tmp_path / "x.gguf").tensors}
    wanted = expected(folder)
    assert tensors.keys() == wanted.keys()
    for name, tensor in tensors.items():
        exact = wanted[name].dim() == 1 or "ffn_gate_inp" in name
        assert tensor.tensor_type == (Kind.F32 if exact else kind)
        value = wanted[name].float() if exact else wanted[name].to(torch.float16 if kind == Kind.F16 else dtype).float()
        assert torch.equal(numbers(tensor), value), name


@pytest.mark.parametrize(("bits", "kind", "levels"), [(8, Kind.Q8_0, 127), (4, Kind.Q4_0, 8)])
def test_rounded_weights_are_within_a_step_of_their_block(tmp_path: Path, bits: Bits, kind: Kind, levels: int) -> None:
    folder = mixture(tmp_path / "student")
    for tensor in written(folder, tmp_path / "x.gguf", bits).tensors:
        value, found = expected(folder)[tensor.name].float(), numbers(tensor)
        if tensor.tensor_type == Kind.F32:
            assert torch.equal(found, value)
            continue
        outer = tensor.name in ("token_embd.weight", "output.weight")
        assert tensor.tensor_type == (Kind.Q8_0 if outer else kind)
        step = value.reshape(-1, 32).abs().amax(1) / (127 if outer else levels)
        # Half a step; a whole one at the end of 4 bit's levels that lacks the eighth. The scale is an f16.
        assert ((found - value).reshape(-1, 32).abs().amax(1) <= 1.01 * step).all(), tensor.name
        if kind == Kind.Q8_0:
            assert ((found - value).reshape(-1, 32).abs().amax(1) <= 0.6 * step + 1e-8).all(), tensor.name


def test_the_shape_and_the_tokenizer_are_told(tmp_path: Path) -> None:
    folder = mixture(tmp_path / "student", vocab_size=4128)
    reader = written(folder, tmp_path / "x.gguf", 4)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    shape = {name.removeprefix("qwen3moe."): value for name, value in fields.items() if name.startswith("qwen3moe.")}
    assert shape.pop("attention.layer_norm_rms_epsilon") == pytest.approx(1e-6)
    assert shape == {
        "block_count": 2, "context_length": 512, "embedding_length": 64, "feed_forward_length": 64,
        "attention.head_count": 2, "attention.head_count_kv": 1, "attention.key_length": 32,
        "attention.value_length": 32, "rope.freq_base": 10000.0, "vocab_size": 4128, "expert_count": 4,
        "expert_used_count": 2, "expert_feed_forward_length": 32,
    }  # fmt: skip
    assert fields["general.architecture"] == "qwen3moe"
    assert fields["general.file_type"] == gguf.LlamaFileType.MOSTLY_Q4_0
    tokenizer = load_tokenizer()
    tokens = fields["tokenizer.ggml.tokens"]
    assert tokens[:4096] == tokenizer.convert_ids_to_tokens(list(range(4096)))
    assert tokens[4096] == "[PAD4096]"
    kinds = fields["tokenizer.ggml.token_type"]
    assert kinds == [3] * 4 + [1] * 4092 + [5] * 32, "control, normal, unused"
    assert fields["tokenizer.ggml.eos_token_id"] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert fields["tokenizer.ggml.add_bos_token"] is False
    assert fields["tokenizer.chat_template"] == CHATML_TEMPLATE
    assert len(fields["tokenizer.ggml.merges"]) == len(
        json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    )


def test_nano_s_own_way_to_cut_text_is_said_to_be_lost(tmp_path: Path) -> None:
    said: list[str] = []
    write_gguf(mixture(tmp_path / "student"), tmp_path / "x.gguf", show=said.append)
    assert "cannot cut text as this tokenizer does" in said[0]


def test_qwen3_s_tokenizer_is_one_that_llama_cpp_knows(shared: Path) -> None:
    vocabulary = read_vocabulary(shared / "qwen3-tokenizer", 151_936)
    assert vocabulary.exact
    assert vocabulary.types.count(3) == 14, "control tokens"
    assert vocabulary.types.count(4) == 12, "<think>, <tool_call> and the like, which are text"
    assert vocabulary.texts[151_935] == "[PAD151935]"


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_an_adapter_is_added_as_in_a_merge(tmp_path: Path, bits: Bits) -> None:
    final = adapted(tmp_path)
    merged = merge(final, tmp_path / "merged", show=lambda line: None)
    ours, theirs = (
        write_gguf(folder, tmp_path / f"{folder.name}.gguf", bits=bits, show=lambda line: None).read_bytes()
        for folder in (final, merged)
    )
    assert ours == theirs
    base = write_gguf(tmp_path / "base", tmp_path / "base.gguf", bits=bits, show=lambda line: None).read_bytes()
    assert ours != base


def adapted(folder: Path) -> Path:
    """RUN/checkpoints/final as 4-bit training leaves it: a random adapter of attention and experts, the tokenizer."""
    base, final = mixture(folder / "base", torch.float32), folder / "final"
    model = Qwen3MoeForCausalLM.from_pretrained(base)
    model = add_adapters(model, LoraConfig(rank=2, alpha=4, targets="attention+experts"))
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(final / "adapter")  # type: ignore[operator]
    AutoTokenizer.from_pretrained(base).save_pretrained(final)
    (final / "reference.json").write_text(json.dumps({"model": str(base), "adapter": "adapter"}))
    return final


def test_fused_experts_are_the_same_file(tmp_path: Path) -> None:
    final = adapted(tmp_path)
    apart = write_gguf(final, tmp_path / "apart.gguf", show=lambda line: None).read_bytes()
    state = {
        name: each.clone() for name, each in Qwen3MoeForCausalLM.from_pretrained(tmp_path / "base").state_dict().items()
    }
    assert any(each.dim() == 3 for each in state.values()), "transformers keeps experts fused in memory"
    for file in (tmp_path / "base").glob("*.safetensors*"):
        file.unlink()
    save_file(state, tmp_path / "base" / "model.safetensors", metadata={"format": "pt"})
    assert write_gguf(final, tmp_path / "fused.gguf", show=lambda line: None).read_bytes() == apart


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model_type", "qwen3", "model_type qwen3"),
        ("norm_topk_prob", False, "norm_topk_prob"),
        ("mlp_only_layers", [0], "dense layers"),
        ("rope_parameters", {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0}, "scaled positions"),
        ("num_experts", 5, "4 experts' .*, not 5"),
        ("num_hidden_layers", 1, "has no place"),
        ("vocab_size", 4000, "4096 tokens, the model 4000 rows"),
    ],
)
def test_what_llama_cpp_would_compute_otherwise_is_refused(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    folder = mixture(tmp_path / "student")
    config = json.loads((folder / "config.json").read_text())
    config.pop("num_local_experts" if key == "num_experts" else "", None)
    (folder / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(TrainingError, match=message):
        write_gguf(folder, tmp_path / "x.gguf", show=lambda line: None)
    assert [file.name for file in tmp_path.iterdir()] == ["student"]


def test_rows_that_are_no_blocks_are_named(tmp_path: Path) -> None:
    folder = save_tiny_student(tmp_path / "student", tied=False)  # experts of 24
    with pytest.raises(
        TrainingError, match=r"ffn_down_exps\.weight has rows of 24 weights; Q4_0 needs a multiple of 32"
    ):
        write_gguf(folder, tmp_path / "x.gguf", show=lambda line: None)
    write_gguf(folder, tmp_path / "x.gguf", bits=16, show=lambda line: None)


def test_a_tied_head_is_not_written_twice(tmp_path: Path) -> None:
    reader = written(mixture(tmp_path / "student", tie_word_embeddings=True), tmp_path / "x.gguf")
    assert "output.weight" not in [each.name for each in reader.tensors]


def test_nothing_is_replaced_and_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mixture(tmp_path / "student")
    (tmp_path / "x.gguf").write_text("mine")
    with pytest.raises(TrainingError, match="exists"):
        write_gguf(folder, tmp_path / "x.gguf", show=lambda line: None)
    assert (tmp_path / "x.gguf").read_text() == "mine"

    def stop(line: str) -> None:
        if "tensors" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_gguf(folder, tmp_path / "y.gguf", show=stop)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("deepcoder.train.sources.shutil.disk_usage", lambda folder: usage(0, 0, 2**20))
    with pytest.raises(TrainingError, match=r"0\.0 GiB free"):
        write_gguf(folder, tmp_path / "y.gguf", show=lambda line: None)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["student", "x.gguf"]


def test_what_a_killed_export_left_is_not_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mixture(tmp_path / "student")
    left = tmp_path / ".x.gguf.partial"
    left.write_bytes(b"half")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(  # a disk that has room only without it
        "deepcoder.train.sources.shutil.disk_usage", lambda folder: usage(0, 0, 0 if left.exists() else 2**40)
    )
    assert written(folder, tmp_path / "x.gguf").fields["general.name"].contents() == "student"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["student", "x.gguf"]


def test_the_command_writes_a_whole_student_too(tmp_path: Path) -> None:
    mixture(tmp_path / "run" / "checkpoints" / "final")
    run = f"run.dir={tmp_path / 'run'}"
    done = CliRunner().invoke(app, ["merge", "configs/demo.yaml", run, "--format", "gguf", "--bits", "8"])
    assert done.exit_code == 0, done.output
    reader = gguf.GGUFReader(tmp_path / "run" / "checkpoints" / "merged-8bit.gguf")
    assert reader.fields["general.name"].contents() == "run"
    for wrong in (["--bits", "8"], ["--format", "onnx"]):
        assert CliRunner().invoke(app, ["merge", "configs/demo.yaml", run, *wrong]).exit_code == 2
