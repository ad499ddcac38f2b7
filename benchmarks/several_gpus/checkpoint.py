"""A student of Qwen3-30B-A3B's shape with random weights, and examples of the lengths of benchmarks/train_step.py.

    python -m benchmarks.several_gpus.checkpoint FOLDER LAYERS TOKENIZER        TOKENIZER nano: a toy of that shape

Half of the tokens are of 16 ids, so that there is something to learn: losses that do not move say nothing of gradients.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from benchmarks.train_step import synthetic_examples
from transformers import AutoTokenizer, Qwen3MoeConfig, Qwen3MoeForCausalLM

from deepcoder.models.nano import load_tokenizer

SHAPE: dict[str, Any] = {
    "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768,
    "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8,
    "eos_token_id": 151645, "pad_token_id": 151643, "bos_token_id": None, "max_position_embeddings": 40960,
    "norm_topk_prob": True, "decoder_sparse_step": 1, "rope_theta": 1_000_000.0, "tie_word_embeddings": False,
}  # fmt: skip
TOY: dict[str, Any] = {
    "vocab_size": 4096, "hidden_size": 32, "intermediate_size": 64, "moe_intermediate_size": 24, "head_dim": 16,
    "num_attention_heads": 2, "num_key_value_heads": 1, "num_experts": 4, "num_experts_per_tok": 2,
    "eos_token_id": 2, "pad_token_id": 3,
}  # fmt: skip


def main(folder: Path, layers: int, tokenizer: str) -> None:
    toy = tokenizer == "nano"
    examples = synthetic_examples(*((200, 60) if toy else (6000, 600)), vocabulary=2000)
    random = np.random.default_rng(1)
    few = random.integers(10, 26, len(examples.tokens), dtype=np.int32)
    columns = {"input_ids": np.where(random.random(len(few)) < 0.5, few, examples.tokens), "span_ids": examples.spans}
    lists = {n: pa.ListArray.from_arrays(examples.offsets.astype(np.int32), v) for n, v in columns.items()}
    (folder / "examples").mkdir()
    pq.write_table(pa.table({"problem_id": list(examples.problem_ids), **lists}), folder / "examples/part-0.parquet")

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        shape = SHAPE | (TOY if toy else {})
        model: Any = Qwen3MoeForCausalLM(Qwen3MoeConfig(**shape, num_hidden_layers=layers))  # type: ignore[no-untyped-call]
    model.save_pretrained(folder / "student", max_shard_size="4GB")
    (load_tokenizer() if toy else AutoTokenizer.from_pretrained(tokenizer)).save_pretrained(folder / "student")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
