"""llama.cpp itself on what is written: runs where llama-cpp-python is installed, which DeepCoder does not need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase, Qwen3MoeForCausalLM

from deepcoder.models.nano import load_nano, load_tokenizer
from deepcoder.models.nano.loading import CHECKPOINT
from deepcoder.train.gguf_file import Bits, write_gguf
from tests.train.test_gguf_file import LAYER, adapted, mixture, numbers

llama_cpp = pytest.importorskip("llama_cpp")

TEXTS = (
    "user\nWhat is 17 * 23?\nassistant\nThought: a product.\nAction: execute_python\nAction Input:\n```python\nprint(",
    "def add(a, b):\n    return a",
    "Observation: 391\nassistant\nThought: The result is",
    "for i in range(10):\n    if i % 2:",
)
HARD = (
    "def f(x):\n\treturn x**2  # ok\n\n\nclass A(B):\n    pass\r\n",
    "1234567890 3.14159e-10 0xDEADBEEF 1_000_000",
    "naïve Ünïcödé Ω≈ç√ 你好，世界 こんにちは مرحبا שלום नमस्ते 🦙👩‍👩‍👧 \u200b\u00a0",
    "It's, he'LL, they'Ve, I'm; don't    stop   \n   \n\n ...!!! ---> <=> $x_{i}$",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n<tool_call>{}</tool_call><|endoftext|>",
    "{'a': [1, 2, {\"b\": None}]}\t\t  end ",
    " leading", "", "\n", "a",
)  # fmt: skip


def engine(file: Path) -> Any:
    return llama_cpp.Llama(str(file), n_ctx=512, n_batch=512, n_threads=1, logits_all=True, verbose=False)


def logits_of(model: Any, ids: list[int]) -> torch.Tensor:
    model.reset()
    model.eval(ids)
    return torch.from_numpy(np.array(model.scores[: len(ids)]))


def greedy(model: Any, ids: list[int], count: int, end: int) -> list[int]:
    found: list[int] = []
    for token in model.generate(ids, temp=0.0):
        if token == end or len(found) == count:
            break
        found.append(int(token))
    return found


def continuation(model: PreTrainedModel, ids: list[int], count: int, end: int) -> list[int]:
    done = model.generate(torch.tensor([ids]), max_new_tokens=count, do_sample=False)[0, len(ids) :].tolist()  # type: ignore[operator]
    return done[: done.index(end)] if end in done else done


@pytest.fixture(scope="module")
def nano() -> tuple[Qwen3MoeForCausalLM, PreTrainedTokenizerBase]:
    loaded = load_nano()
    return loaded.model, loaded.tokenizer


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Bits, Path]:
    folder = tmp_path_factory.mktemp("gguf")
    widths: tuple[Bits, ...] = (16, 8, 4)
    return {bits: write_gguf(CHECKPOINT, folder / f"{bits}.gguf", bits=bits, show=lambda line: None) for bits in widths}


def test_in_16_bit_llama_cpp_continues_as_transformers_does(
    nano: tuple[Qwen3MoeForCausalLM, PreTrainedTokenizerBase], files: dict[Bits, Path]
) -> None:
    model, tokenizer = nano
    served = engine(files[16])
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert greedy(served, ids, 24, 2) == continuation(model, ids, 24, 2), text


@pytest.mark.parametrize(("bits", "limit"), [(16, 0.001), (8, 0.01), (4, 0.5)])
def test_what_is_served_is_near_what_was_trained(
    nano: tuple[Qwen3MoeForCausalLM, PreTrainedTokenizerBase], files: dict[Bits, Path], bits: Bits, limit: float
) -> None:
    """Mean KL(transformers in fp32 || llama.cpp) a token, in nats."""
    model, tokenizer = nano
    served = engine(files[bits])
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        with torch.no_grad():
            ours = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        theirs = logits_of(served, ids).log_softmax(-1)
        assert (ours.exp() * (ours - theirs)).sum(-1).mean() < limit


@pytest.mark.parametrize("bits", [8, 4])
def test_what_llama_cpp_computes_is_what_the_file_says(files: dict[Bits, Path], bits: Bits) -> None:
    """transformers with the weights read back from the file; llama.cpp rounds activations to 8 bit besides."""
    stored = {each.name: numbers(each) for each in gguf.GGUFReader(files[bits]).tensors}
    loaded = load_nano()
    state = loaded.model.state_dict()
    for layer in range(8):
        place, blk = f"model.layers.{layer}", f"blk.{layer}"
        for name, other in LAYER.items():
            state[f"{place}.{other}.weight"].copy_(stored[f"{blk}.{name}.weight"])
        both = torch.cat([stored[f"{blk}.ffn_{part}_exps.weight"] for part in ("gate", "up")], 1)
        state[f"{place}.mlp.experts.gate_up_proj"].copy_(both)
        state[f"{place}.mlp.experts.down_proj"].copy_(stored[f"{blk}.ffn_down_exps.weight"])
    state["model.embed_tokens.weight"].copy_(stored["token_embd.weight"])
    served = engine(files[bits])
    for text in TEXTS:
        ids = loaded.tokenizer(text, add_special_tokens=False).input_ids
        with torch.no_grad():
            ours = loaded.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        theirs = logits_of(served, ids).log_softmax(-1)
        # The median: rounded activations send a token to another expert now and then.
        assert (ours.exp() * (ours - theirs)).sum(-1).median() < 0.01


def test_token_ids_mean_the_same_but_nano_s_text_is_cut_otherwise(files: dict[Bits, Path]) -> None:
    served, tokenizer = engine(files[16]), load_tokenizer()
    text = "The result is 3.\nAction: finish"
    ids = served.tokenize(text.encode(), add_bos=False, special=True)
    assert served.detokenize(ids).decode() == text == tokenizer.decode(ids)
    assert ids != tokenizer(text, add_special_tokens=False).input_ids, "the warning is no longer true"


def test_qwen3_s_text_gets_the_same_ids(shared: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(shared / "qwen3-tokenizer")
    folder = mixture(tmp_path / "student", torch.float32, vocab_size=151_936)
    tokenizer.save_pretrained(folder)
    served = engine(write_gguf(folder, tmp_path / "x.gguf", bits=16, show=lambda line: None))
    for text in HARD:
        wanted = tokenizer(text, add_special_tokens=False).input_ids
        assert served.tokenize(text.encode(), add_bos=False, special=True) == wanted, text
        assert served.detokenize(wanted, special=True).decode() == text


def test_an_adapter_that_was_added_is_served(tmp_path: Path) -> None:
    final = adapted(tmp_path)
    from peft import PeftModel

    model = PeftModel.from_pretrained(
        Qwen3MoeForCausalLM.from_pretrained(tmp_path / "base"), str(final / "adapter")
    ).merge_and_unload()
    served = engine(write_gguf(final, tmp_path / "x.gguf", bits=16, show=lambda line: None))
    ids = list(range(10, 40))
    with torch.no_grad():
        ours = model(torch.tensor([ids])).logits[0]
        base = Qwen3MoeForCausalLM.from_pretrained(tmp_path / "base")(torch.tensor([ids])).logits[0]
    theirs = logits_of(served, ids)
    assert (theirs - ours).norm() < 0.01 * ours.norm() < 0.1 * (theirs - base).norm()
