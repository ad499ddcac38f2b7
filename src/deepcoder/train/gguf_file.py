"""A student as one GGUF file, which llama.cpp loads: 16, 8 or 4 bit.

    norms, routers                          f32
    matrices of attention, experts          bf16 (f16 where the base is in fp32) | Q8_0 | Q4_0, by `bits`
    embedding, head                         the same in 16 bit, else Q8_0

Q8_0 and Q4_0 have one f16 scale for 32 weights: 8.5 and 4.5 bits a weight. An expert's matrices are one tensor a layer
there, (experts, out, in). The package `gguf` writes the file and rounds; names of tensors are its table's. Memory holds
one tensor of the file and one of the base, whatever the model's size.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from deepcoder.errors import TrainingError
from deepcoder.train.gguf_tokens import read_vocabulary, write_vocabulary
from deepcoder.train.sources import Source, any_student, check_disk

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFWriter

Bits = Literal[16, 8, 4]
# Numbers that are rounded at once: 32 MiB in fp32.
AT_ONCE = 2**23
WIDE = 2**14
INSTALL = "pip install 'deepcoder[gguf]'"
_ONE = re.compile(r"(?P<module>.+\.experts)\.(?P<expert>\d+)\.(?P<part>gate_proj|up_proj|down_proj)\.weight")
_FUSED = re.compile(r"(?P<module>.+\.experts)\.(?P<part>gate_up_proj|down_proj)(?:\.weight)?")


@dataclass(frozen=True)
class Part:
    """A matrix of the base: a tensor `stored`, or of fused experts one's rows; `name` is what an adapter calls it."""

    name: str
    stored: str
    expert: int | None = None
    rows: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Entry:
    """A tensor of the file and what it is stacked from."""

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    parts: tuple[Part, ...]

    @property
    def nbytes(self) -> int:
        """Bytes in the file, without padding."""
        from gguf import GGML_QUANT_SIZES

        block, width = GGML_QUANT_SIZES[self.kind]
        return int(np.prod(self.shape)) // block * width


def write_gguf(
    final: Path, target: Path, *, bits: Bits = 4, name: str = "student", show: Callable[[str], None] = print
) -> Path:
    """Write `target` from the student in `final`, whole weights or base and adapter; returns `target`.

    Atomic: `target` is whole or absent. Raises TrainingError where `target` exists, `gguf` is not installed, the model
    is no Qwen3 mixture as llama.cpp computes it, a row is no multiple of 32, the tokenizer does not fit, the disk is
    too small, or a part of the adapter has no place in the base.
    """
    if target.exists():
        raise TrainingError(f"{target} exists, and merging replaces nothing", hint="delete it, or name another --out")
    try:
        from gguf import GGUFWriter
    except ImportError:
        raise TrainingError("writing GGUF needs the package gguf", hint=INSTALL) from None
    source = any_student(final)
    _check_model(source.config, source.folder)
    entries = layout(source, bits)
    vocabulary = read_vocabulary(_tokenizer_folder(final, source.folder), int(source.config["vocab_size"]))
    if not vocabulary.exact:
        show("llama.cpp cannot cut text as this tokenizer does: what it tokenizes itself differs from training")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)  # what a crash left takes room
    check_disk(target, sum(entry.nbytes for entry in entries), "write 4 bit (--bits 4)")
    writer = GGUFWriter(partial, "qwen3moe")
    try:
        _write_settings(writer, source.config, entries, name)
        write_vocabulary(writer, vocabulary)
        _write_tensors(writer, source, entries, show)
        source.check_complete()
        writer.flush()
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        writer.close()
        partial.unlink(missing_ok=True)
    return target


def layout(source: Source, bits: Bits) -> list[Entry]:
    """The file's tensors, layer by layer. Raises TrainingError for one without a place or with rows that do not fit."""
    from gguf import MODEL_ARCH, get_tensor_name_map

    names = get_tensor_name_map(MODEL_ARCH.QWEN3MOE, int(source.config["num_hidden_layers"]))
    parts: dict[str, list[Part]] = {}
    for stored, (shape, _) in source.shapes.items():
        if stored == "lm_head.weight" and source.config.get("tie_word_embeddings"):
            continue  # llama.cpp takes the embedding
        for part in _parts(stored, shape):
            stem = re.sub(r"experts\.\d+\.", "experts.", part.name).removesuffix(".weight")
            place = names.get_name(stem)
            if place is None:
                raise TrainingError(f"{source.folder}: {stored} has no place in a GGUF of a Qwen3 mixture")
            parts.setdefault(f"{place}.weight", []).append(part)
    entries = [_entry(source, place, found, bits) for place, found in parts.items()]
    return sorted(entries, key=lambda entry: [int(each) if each.isdigit() else -1 for each in entry.name.split(".")])


def _parts(stored: str, shape: list[int]) -> list[Part]:
    match = _FUSED.fullmatch(stored)
    if match is None or len(shape) != 3:
        return [Part(stored, stored)]
    middle = shape[1] // 2
    halves = {"down_proj": (0, shape[1])}
    if match["part"] == "gate_up_proj":
        halves = {"gate_proj": (0, middle), "up_proj": (middle, shape[1])}
    return [
        Part(f"{match['module']}.{expert}.{part}.weight", stored, expert, rows)
        for part, rows in halves.items()
        for expert in range(shape[0])
    ]


def _entry(source: Source, place: str, parts: list[Part], bits: Bits) -> Entry:
    shape, stored_kind = source.shapes[parts[0].stored]
    if (match := _ONE.fullmatch(parts[0].name)) is None:
        return Entry(place, tuple(shape), _kind(place, shape, stored_kind, bits), tuple(parts))
    parts = sorted(parts, key=_expert)
    expected = int(source.config.get("num_experts") or source.config["num_local_experts"])
    if [_expert(part) for part in parts] != list(range(expected)):
        raise TrainingError(
            f"{source.folder}: layer {match['module']} has {len(parts)} experts' {match['part']}, not {expected}"
        )
    if parts[0].expert is not None:
        begin, end = parts[0].rows
        shape = [end - begin, shape[2]]
    return Entry(place, (expected, *shape), _kind(place, shape, stored_kind, bits), tuple(parts))


def _expert(part: Part) -> int:
    match = _ONE.fullmatch(part.name)
    assert match is not None
    return int(match["expert"])


def _kind(place: str, shape: list[int], stored: str, bits: Bits) -> GGMLQuantizationType:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(shape) == 1 or "ffn_gate_inp" in place:
        return GGMLQuantizationType.F32
    if bits == 16:
        return GGMLQuantizationType.BF16 if stored == "BF16" else GGMLQuantizationType.F16
    outer = place in ("token_embd.weight", "output.weight")
    kind = GGMLQuantizationType.Q8_0 if outer or bits == 8 else GGMLQuantizationType.Q4_0
    block = GGML_QUANT_SIZES[kind][0]
    if shape[-1] % block:
        raise TrainingError(
            f"{place} has rows of {shape[-1]} weights; {kind.name} needs a multiple of {block}",
            hint="write 16 bit: --bits 16",
        )
    return kind


def _check_model(config: Mapping[str, Any], folder: Path) -> None:
    """What llama.cpp's qwen3moe computes, and nothing else."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    wrong = {
        f"model_type {config.get('model_type')}": config.get("model_type") != "qwen3_moe",
        "dense layers": bool(config.get("mlp_only_layers")) or config.get("decoder_sparse_step", 1) != 1,
        "norm_topk_prob false": not config.get("norm_topk_prob", False),
        "a sliding window": bool(config.get("use_sliding_window")),
        "scaled positions": rope.get("rope_type", rope.get("type", "default")) != "default",
        f"activation {config.get('hidden_act')}": config.get("hidden_act", "silu") != "silu",
    }
    if found := [what for what, is_so in wrong.items() if is_so]:
        raise TrainingError(
            f"the model in {folder} cannot be written as GGUF: {', '.join(found)}",
            hint="only a Qwen3 mixture of experts is written; merge without --format gguf for another server",
        )


def _tokenizer_folder(final: Path, base: Path) -> Path:
    return final if (final / "tokenizer.json").is_file() else base


def _write_settings(writer: GGUFWriter, config: Mapping[str, Any], entries: list[Entry], name: str) -> None:
    from gguf import GGML_QUANT_VERSION, LlamaFileType

    kind = next(entry.kind.name for entry in entries if entry.name.endswith("ffn_down_exps.weight"))
    rope = config.get("rope_parameters") or {}
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    writer.add_name(name)
    writer.add_file_type(int(LlamaFileType[f"MOSTLY_{kind}"]))
    writer.add_quantization_version(GGML_QUANT_VERSION)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope.get("rope_theta") or config["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_expert_count(config.get("num_experts") or config["num_local_experts"])
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_expert_feed_forward_length(config["moe_intermediate_size"])


def _write_tensors(writer: GGUFWriter, source: Source, entries: list[Entry], show: Callable[[str], None]) -> None:
    for entry in entries:
        writer.add_tensor_info(entry.name, entry.shape, np.dtype(np.float32), entry.nbytes, entry.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    whole, written = sum(entry.nbytes for entry in entries), 0
    for number, entry in enumerate(entries):
        writer.write_tensor_data(_rounded(source, entry))
        written += entry.nbytes
        if number % 60 == 59 or number + 1 == len(entries):
            show(f"{number + 1}/{len(entries)} tensors, {written / 2**30:.1f} of {whole / 2**30:.1f} GiB")


def _rounded(source: Source, entry: Entry) -> np.ndarray[Any, np.dtype[np.uint8]]:
    from gguf import quantize

    written = np.empty(entry.nbytes, np.uint8)
    place = 0
    for part in entry.parts:
        merged = source.added(part.name, source.part(part.stored, part.expert, slice(*part.rows)))
        for rows in torch.split(merged, max(1, AT_ONCE // merged[0].numel())):
            values = rows.float().numpy()
            if values.size % WIDE == 0:  # blocks do not see rows, and `quantize` takes 16 rows at once
                values = values.reshape(-1, WIDE)
            data = np.ascontiguousarray(quantize(values, entry.kind)).view(np.uint8).reshape(-1)
            written[place : place + data.size] = data
            place += data.size
    assert place == entry.nbytes
    return written
