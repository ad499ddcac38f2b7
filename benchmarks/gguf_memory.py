"""Memory of a student in llama.cpp at 4,096 tokens: arithmetic beside what llama.cpp says it took.

    python benchmarks/gguf_memory.py FILE.gguf [--context 4096]                 (pip install llama-cpp-python)
    python benchmarks/gguf_memory.py --random DIR --layers 4 [--as-layers 48]   writes base and GGUF there first

    weights   the sum of the file's tensors
    KV cache  2 x layers x KV heads x head dim x 2 B a token
    compute   512 (a micro-batch) x (vocabulary + 2 x hidden) x 4 B: logits and two rows of activations

--random: Qwen3-30B-A3B's shape with RANDOM weights, Q4_0; --as-layers repeats the layers that were made, so that the
file has the full depth without 61 GB of base. Prints the seconds of writing. Speeds of random weights mean little.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
import resource
import time
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from torch import Tensor

from deepcoder.models.nano import load_tokenizer
from deepcoder.train import gguf_file
from deepcoder.train.sources import INDEX, Source, any_student, numbers

MIB = 2**20
MICRO_BATCH = 512
_LOGS: list[Any] = []
SHAPE: dict[str, Any] = {
    "model_type": "qwen3_moe", "vocab_size": 151_936, "hidden_size": 2048, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768,
    "num_experts": 128, "num_experts_per_tok": 8, "norm_topk_prob": True, "max_position_embeddings": 40_960,
    "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": False,
}  # fmt: skip


def random_base(folder: Path, layers: int) -> Path:
    """The shape above with `layers` layers, bf16, a shard a layer, nano's tokenizer in the first rows."""
    folder.mkdir(parents=True)
    width, experts, inner = SHAPE["hidden_size"], SHAPE["num_experts"], SHAPE["moe_intermediate_size"]
    heads, cached = SHAPE["num_attention_heads"] * 128, SHAPE["num_key_value_heads"] * 128

    def matrix(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=torch.bfloat16).normal_(std=0.02)

    names: dict[str, str] = {}

    def shard(name: str, tensors: dict[str, Tensor]) -> None:
        save_file(tensors, folder / name, metadata={"format": "pt"})
        names.update(dict.fromkeys(tensors, name))

    for layer in range(layers):
        place = f"model.layers.{layer}"
        tensors = {
            f"{place}.input_layernorm.weight": torch.ones(width, dtype=torch.bfloat16),
            f"{place}.post_attention_layernorm.weight": torch.ones(width, dtype=torch.bfloat16),
            f"{place}.self_attn.q_norm.weight": torch.ones(128, dtype=torch.bfloat16),
            f"{place}.self_attn.k_norm.weight": torch.ones(128, dtype=torch.bfloat16),
            f"{place}.self_attn.q_proj.weight": matrix(heads, width),
            f"{place}.self_attn.k_proj.weight": matrix(cached, width),
            f"{place}.self_attn.v_proj.weight": matrix(cached, width),
            f"{place}.self_attn.o_proj.weight": matrix(width, heads),
            f"{place}.mlp.gate.weight": matrix(experts, width),
        }
        for expert in range(experts):
            one = f"{place}.mlp.experts.{expert}"
            tensors[f"{one}.gate_proj.weight"] = matrix(inner, width)
            tensors[f"{one}.up_proj.weight"] = matrix(inner, width)
            tensors[f"{one}.down_proj.weight"] = matrix(width, inner)
        shard(f"model-{layer}.safetensors", tensors)
    ends = {"model.embed_tokens.weight": matrix(SHAPE["vocab_size"], width)}
    ends["lm_head.weight"] = matrix(SHAPE["vocab_size"], width)
    ends["model.norm.weight"] = torch.ones(width, dtype=torch.bfloat16)
    shard("model-ends.safetensors", ends)
    (folder / INDEX).write_text(json.dumps({"weight_map": names}))
    (folder / "config.json").write_text(json.dumps(SHAPE | {"num_hidden_layers": layers}))
    load_tokenizer().save_pretrained(folder)
    return folder


class Repeated(Source):
    """A base of more layers than are stored: layer n is layer n modulo the stored ones."""

    @cached_property
    def _headers(self) -> dict[str, tuple[str, list[int], str]]:
        stored = super()._headers
        kept = 1 + max(int(found[1]) for name in stored if (found := re.search(r"layers\.(\d+)\.", name)))
        self.__dict__["origin"] = origin = {}
        for layer in range(self.config["num_hidden_layers"]):
            for name in stored:
                if f"layers.{layer % kept}." in name:
                    origin[name.replace(f"layers.{layer % kept}.", f"layers.{layer}.")] = name
        origin |= {name: name for name in stored if "layers." not in name}
        return {name: stored[other] for name, other in origin.items()}

    def part(self, name: str, expert: int | None = None, rows: slice = slice(None)) -> Tensor:
        """The tensor of the layer that stands for it."""
        stored = Source(self.folder, self.config, self.shards)
        return stored.part(self.__dict__["origin"][name], expert, rows)


def write(folder: Path, target: Path, layers: int) -> None:
    """4 bit, as `layers` layers; prints what it took, which is an export's time only where no layer is repeated."""
    base = any_student(folder)
    source = Repeated(base.folder, base.config | {"num_hidden_layers": layers}, base.shards)
    rounded = gguf_file._rounded
    done: dict[tuple[str, ...], np.ndarray[Any, Any]] = {}

    def once(source: Source, entry: gguf_file.Entry) -> np.ndarray[Any, Any]:
        key = (entry.name.split(".")[-2], *(source.__dict__["origin"][part.name] for part in entry.parts))
        if layers > base.config["num_hidden_layers"] and key not in done:
            done[key] = rounded(source, entry)
        return done[key] if key in done else rounded(source, entry)

    read = sum(2 * numbers(shape) for shape, _ in source.shapes.values())
    start, used = time.perf_counter(), time.process_time()
    with patch.object(gguf_file, "any_student", lambda final: source), patch.object(gguf_file, "_rounded", once):
        gguf_file.write_gguf(folder, target, bits=4, name="random weights")
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{layers} layers, RANDOM weights: {read / 1e9:.1f} GB of bf16 to {target.stat().st_size / 1e9:.2f} GB, "
        f"{seconds:.0f} s, CPU {used:.0f} s, {read / used / 1e6:.0f} MB a CPU second; peak resident {peak:.0f} MiB"
    )


def said_by_llama_cpp(file: Path, context: int, flash: bool) -> tuple[dict[str, float], str, float]:
    """Its buffers in MiB, a continuation of 8 tokens, tokens/s of it."""
    import llama_cpp

    lines: list[str] = []

    # Never freed: llama.cpp logs until the process ends.
    @llama_cpp.llama_log_callback
    def keep(level: int, text: bytes, data: ctypes.c_void_p) -> None:
        lines.append(text.decode(errors="replace"))

    _LOGS.append(keep)
    llama_cpp.llama_log_set(keep, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_default_params

    def plain() -> Any:
        chosen = parameters()
        chosen.use_extra_bufts = False  # no second, rearranged copy for this CPU
        return chosen

    with patch.object(llama_cpp.llama_cpp, "llama_model_default_params", plain):
        model = llama_cpp.Llama(
            str(file),
            n_ctx=context,
            n_batch=MICRO_BATCH,
            n_ubatch=MICRO_BATCH,
            flash_attn=flash,
            n_threads=2,
            verbose=True,
        )
    ids, start = [], 0.0
    for token in model.generate(list(range(100, 116)), temp=0.0):
        start = start or time.perf_counter()
        ids.append(int(token))
        if len(ids) == 9:
            break
    rate = 8 / (time.perf_counter() - start)
    model.close()
    found: dict[str, float] = {}
    for kind, size in re.findall(r"(\w+)\s+buffer size\s*=\s*([\d.]+) MiB", "".join(lines)):
        found[kind] = found.get(kind, 0.0) + float(size)
    return found, " ".join(map(str, ids)), rate


def arithmetic(file: Path, context: int) -> dict[str, float]:
    """MiB."""
    from gguf import GGUFReader

    reader = GGUFReader(file)

    def field(name: str) -> int:
        return int(reader.fields[f"qwen3moe.{name}"].contents())

    token = 2 * field("block_count") * field("attention.head_count_kv") * field("attention.key_length") * 2
    return {
        "model": sum(int(tensor.n_bytes) for tensor in reader.tensors) / MIB,
        "KV": token * context / MIB,
        "compute": MICRO_BATCH * (field("vocab_size") + 2 * field("embedding_length")) * 4 / MIB,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--random", type=Path)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--as-layers", type=int)
    args = parser.parse_args()
    if args.random:
        if not (args.random / "base").exists():
            random_base(args.random / "base", args.layers)
        layers = args.as_layers or args.layers
        args.file = args.random / f"random-{layers}.gguf"
        if not args.file.exists():
            write(args.random / "base", args.file, layers)
    wanted = arithmetic(args.file, args.context)
    table = Table(title=f"{args.file.name}, {args.context} tokens, MiB")
    for head in ("", "weights", "KV cache", "compute buffer", "sum"):
        table.add_column(head, justify="left" if not head else "right")
    table.add_row(
        "arithmetic", *(f"{wanted[key]:.2f}" for key in ("model", "KV", "compute")), f"{sum(wanted.values()):.0f}"
    )
    for flash in (False, True):
        found, ids, rate = said_by_llama_cpp(args.file, args.context, flash)
        name = f"llama.cpp, flash attention {'on' if flash else 'off'}"
        values = [found.get(key, float("nan")) for key in ("model", "KV", "compute")]
        table.add_row(name, *(f"{value:.2f}" for value in values), f"{sum(values):.0f}")
        print(f"{name}: continues with {ids}, {rate:.2f} tokens/s on this CPU; {found}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
