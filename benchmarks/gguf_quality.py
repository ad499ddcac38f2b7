"""What rounding a student for llama.cpp costs: the same texts through transformers in fp32 and llama.cpp.

    python benchmarks/gguf_quality.py RUN [--rows 200] [--prompts 50]      (pip install llama-cpp-python)

RUN: a trained run of a small student (`make demo`). KL and log-likelihood on its examples' trained tokens (REASON and
ACT), as they are, by token ids; the first step on held-out problems, greedy, 64 tokens at most, as far as the turn's
end. Peers in the same run: llama.cpp's own quantizer on our 16-bit file, and the 4-bit export for vLLM (groups of 64,
computed by transformers).
"""

from __future__ import annotations

import argparse
import ctypes
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from deepcoder.config import ProblemsConfig
from deepcoder.problems import open_source
from deepcoder.train.gguf_file import Bits, write_gguf
from deepcoder.train.quantize import dequantize, quantize

NEW, GROUP = 64, 64
Logits = Callable[[list[int]], Tensor]
Row = tuple[list[int], list[int]]


def examples(run: Path, count: int) -> list[Row]:
    """Token ids and span ids, of `count` examples spread over the run's."""
    files = sorted((run / "examples").glob("*.parquet"))
    table = [row for file in files for row in pq.read_table(file, columns=["input_ids", "span_ids"]).to_pylist()]
    rows = [row for row in table if len(row["input_ids"]) <= 1024]
    return [(row["input_ids"], row["span_ids"]) for row in rows[:: max(1, len(rows) // count)][:count]]


def prompts(tokenizer: Any, count: int) -> list[list[int]]:
    problems = open_source(ProblemsConfig()).problems("held_out_parameters")
    return [
        tokenizer.apply_chat_template([{"role": "user", "content": p.prompt}], add_generation_prompt=True)["input_ids"]
        for p, _ in zip(problems, range(count), strict=False)
    ]


class Transformers:
    """The student in fp32, or with its matrices rounded by `change`."""

    def __init__(self, folder: Path, change: Callable[[Tensor], Tensor] | None = None) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        if change is not None:
            for name, parameter in self.model.named_parameters():
                if "_proj" in name:
                    flat = parameter.data.reshape(-1, parameter.shape[-1])
                    parameter.data = change(flat).reshape(parameter.shape)

    def logits(self, ids: list[int]) -> Tensor:  # noqa: D102
        with torch.inference_mode():
            return self.model(torch.tensor([ids])).logits[0]

    def step(self, ids: list[int], end: int) -> list[int]:  # noqa: D102
        with torch.inference_mode():
            out = self.model.generate(torch.tensor([ids]), max_new_tokens=NEW, do_sample=False, eos_token_id=end)
        return cut(out[0, len(ids) :].tolist(), end)


class LlamaCpp:
    """A GGUF file in llama.cpp."""

    def __init__(self, file: Path) -> None:
        from llama_cpp import Llama

        self.model = Llama(str(file), n_ctx=1024, n_batch=1024, n_threads=1, logits_all=True, verbose=False)

    def logits(self, ids: list[int]) -> Tensor:  # noqa: D102
        self.model.reset()
        self.model.eval(ids)
        return torch.from_numpy(np.array(self.model.scores[: len(ids)]))

    def step(self, ids: list[int], end: int) -> list[int]:  # noqa: D102
        found: list[int] = []
        for token in self.model.generate(ids, temp=0.0):
            found.append(int(token))
            if token == end or len(found) == NEW:
                break
        return cut(found, end)


def cut(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids


def by_llama_cpp(file: Path, target: Path, kind: str) -> Path:
    """Our 16-bit file through llama.cpp's own quantizer."""
    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
    done = llama_cpp.llama_model_quantize(str(file).encode(), str(target).encode(), ctypes.byref(parameters))
    assert done == 0, f"llama.cpp did not quantize: {done}"
    return target


def candidates(student: Path, folder: Path) -> Iterator[tuple[str, float, Transformers | LlamaCpp]]:
    """Name, MB, engine."""
    files: dict[int, Path] = {}
    widths: tuple[Bits, ...] = (16, 8, 4)
    for bits in widths:
        files[bits] = write_gguf(student, folder / f"{bits}.gguf", bits=bits, show=lambda line: None)
        yield f"gguf, --bits {bits}", files[bits].stat().st_size / 1e6, LlamaCpp(files[bits])
    for kind in ("Q4_0", "Q4_K_M"):
        file = by_llama_cpp(files[16], folder / f"{kind}.gguf", kind)
        yield f"llama.cpp's own {kind}", file.stat().st_size / 1e6, LlamaCpp(file)

    def rounded(weight: Tensor) -> Tensor:
        parts = quantize(weight, GROUP)
        return dequantize(parts["weight_packed"], parts["weight_scale"])

    yield f"compressed-tensors, 4 bit, groups of {GROUP}", float("nan"), Transformers(student, rounded)


def trained(row: Row) -> Tensor:
    """Which positions predict a token of REASON or ACT."""
    return torch.isin(torch.tensor(row[1][1:]), torch.tensor([1, 2]))


def following(row: Row) -> Tensor:
    """The tokens that these predict, (N, 1)."""
    return torch.tensor(row[0][1:])[trained(row)][:, None]


def figures(ours: list[Tensor], theirs: Logits, rows: list[Row]) -> tuple[float, float, float]:
    """Over the trained tokens: mean KL(fp32 || it), change of the mean -log p, share of equal argmax."""
    divergence, change, equal = [], [], []
    for row, reference in zip(rows, ours, strict=True):
        kept, token = trained(row), following(row)
        p, q = reference[:-1][kept], theirs(row[0]).log_softmax(-1)[:-1][kept]
        divergence.append((p.exp() * (p - q)).sum(-1))
        change.append((p.gather(1, token) - q.gather(1, token))[:, 0])
        equal.append((p.argmax(-1) == q.argmax(-1)).float())
    return tuple(float(torch.cat(each).mean()) for each in (divergence, change, equal))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=50)
    args = parser.parse_args()
    student = args.run / "checkpoints" / "final"
    tokenizer = AutoTokenizer.from_pretrained(student)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    rows, questions = examples(args.run, args.rows), prompts(tokenizer, args.prompts)
    whole = Transformers(student)
    reference = [whole.logits(ids).log_softmax(-1) for ids, _ in rows]
    steps = [whole.step(ids, end) for ids in questions]
    tokens = sum(len(following(row)) for row in rows)
    own = -sum(
        float(logp[:-1][trained(row)].gather(1, following(row)).sum())
        for logp, row in zip(reference, rows, strict=True)
    )
    table = Table(title=f"{len(rows)} examples, {tokens:,} trained tokens; fp32: {own / tokens:.4f} nats a token")
    for head in ("", "MB", "KL, nats", "more -log p", "same argmax", f"same first step of {len(steps)}"):
        table.add_column(head, justify="left" if not head else "right")
    with tempfile.TemporaryDirectory() as folder:
        for name, size, served in candidates(student, Path(folder)):
            divergence, change, equal = figures(reference, served.logits, rows)
            same = sum(served.step(ids, end) == step for ids, step in zip(questions, steps, strict=True))
            table.add_row(name, f"{size:.1f}", f"{divergence:.5f}", f"{change:+.5f}", f"{equal:.2%}", str(same))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
