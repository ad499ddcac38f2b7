"""A tiny mixture of experts and examples for it: 0.2 M parameters, a step takes milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.models.nano import load_tokenizer
from deepcoder.train.examples import ExampleSet

VOCABULARY = 4096


def tiny_model(seed: int = 0, dtype: torch.dtype = torch.float32, *, tied: bool = True) -> Qwen3MoeForCausalLM:
    config = Qwen3MoeConfig(
        vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16, intermediate_size=64, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24,
        norm_topk_prob=True, max_position_embeddings=512, tie_word_embeddings=tied, eos_token_id=2, pad_token_id=3,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen3MoeForCausalLM(config).to(dtype)


def save_tiny_student(folder: Path, seed: int = 0, *, tied: bool = True) -> Path:
    """A student's directory: the tiny model with nano's tokenizer."""
    tokenizer = load_tokenizer()
    tokenizer.chat_template = CHATML_TEMPLATE
    tiny_model(seed, tied=tied).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def random_rows(count: int, seed: int = 0, longest: int = 24) -> list[tuple[list[int], list[int]]]:
    """(input_ids, span_ids): a prompt, a thought, an action, an observation, an action."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        length = int(random.integers(10, longest))
        ids = random.integers(10, 60, size=length).tolist()
        cuts = sorted(random.choice(np.arange(2, length), size=4, replace=False).tolist())
        spans = np.repeat([0, 1, 2, 3, 2], np.diff([0, *cuts, length])).tolist()
        rows.append((ids, spans))
    return rows


def example_set(rows: Sequence[tuple[list[int], list[int]]]) -> ExampleSet:
    lengths = [len(ids) for ids, _ in rows]
    return ExampleSet(
        np.concatenate([ids for ids, _ in rows]).astype(np.int32),
        np.concatenate([spans for _, spans in rows]).astype(np.int8),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        tuple(f"p{i}" for i in range(len(rows))),
    )


def step_columns(rows: Sequence[tuple[list[int], list[int]]]) -> tuple[list[list[int]], list[list[str]]]:
    """step_ids and step_errors of rows as `random_rows` makes them; the first step of every other row failed."""
    steps, errors = [], []
    for index, (_, spans) in enumerate(rows):
        answered = [t for t, span in enumerate(spans) if span == 3]
        last = max(answered, default=-1)
        steps.append([-1 if span == 0 else int(t > last) for t, span in enumerate(spans)])
        errors.append(["tool_failed" if index % 2 == 0 else "", ""])
    return steps, errors


def write_examples(folder: Path, rows: Sequence[tuple[list[int], list[int]]], name: str = "part-00000.parquet") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    steps, errors = step_columns(rows)
    table = pa.table(
        {
            "problem_id": [f"p{i}" for i in range(len(rows))],
            "input_ids": [ids for ids, _ in rows],
            "span_ids": [spans for _, spans in rows],
            "step_ids": steps,
            "step_errors": errors,
        }
    )
    pq.write_table(table, folder / name)
