"""How much context nano really supports, beside what its config allows.

loss        the base's mean loss by position, on long files of the running Python's standard library (most of which it
            was trained on: the trend counts, not the height)
student     held-out problems that the student of a run solves as they stand, asked again behind a filler of other
            people's sentences, so that the prompt reaches a length; what it still solves. SAD trained it on short
            prompts: this measures the student, not the architecture alone

    python benchmarks/nano_context.py [--base DIR] [--run runs/demo] [--files 24] [--problems 40]
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

EDGES = (0, 256, 512, 1024, 1536, 2048, 2560, 3072, 4096)
LENGTHS = (0, 256, 512, 1024, 2048, 3072)
SENTENCES = (
    "The train to the coast was late again.", "My neighbour paints her fence every spring.",
    "We had soup and bread at noon.", "The meeting was moved to another room.",
    "A cat sat on the warm wall and slept.", "Nobody has seen the blue umbrella.",
    "The garden needs rain before the weekend.", "He plays the piano in the evening.",
)  # fmt: skip


@torch.inference_mode()
def losses_by_position(base: Path, files: int) -> list[tuple[int, int, float]]:
    """(first position, last position + 1, mean loss in nats) for rows of EDGES[-1] tokens."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).train(False)
    total, rows = torch.zeros(EDGES[-1]), 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"), key=lambda path: -path.stat().st_size):
        ids = tokenizer(path.read_text(errors="replace")[:60_000], return_tensors="pt").input_ids[:, : EDGES[-1] + 1]
        if ids.shape[1] <= EDGES[-1] or rows == files:
            continue
        logits = model(ids[:, :-1]).logits[0].float()
        total += F.cross_entropy(logits, ids[0, 1:], reduction="none")
        rows += 1
    mean = total / rows
    return [(a, b, float(mean[a:b].mean())) for a, b in itertools.pairwise(EDGES)]


def filler(tokens: int, tokenizer: PreTrainedTokenizerBase, order: random.Random) -> str:
    """Sentences of about so many tokens."""
    text = ""
    while len(tokenizer(text).input_ids) < tokens:
        text += order.choice(SENTENCES) + " "
    return text


def solved(run: Path, problems: list[dict[str, str]], out: Path) -> list[str]:
    """The ids of the problems that the run's student solves."""
    out.mkdir(parents=True)
    (out / "problems.jsonl").write_text("".join(json.dumps(each) + "\n" for each in problems))
    deepcoder = Path(sys.executable).with_name("deepcoder")
    command = [
        deepcoder, "evaluate", run / "config.yaml", "problems.source=jsonl", f"problems.path={out / 'problems.jsonl'}",
        "evaluate.models=[student]", "evaluate.tool_calls=0", "engine.batch_size=8", f"run.dir={run}",
        "--out", out / "found",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    rows = (out / "found" / "student.jsonl").read_text().splitlines()
    return [row["problem_id"] for row in map(json.loads, rows) if row["verified"]]


def short_problems(run: Path, count: int) -> list[dict[str, str]]:
    """Held-out problems with an exact answer, as JSONL rows."""
    rows = map(json.loads, (run / "evaluation" / "student.jsonl").read_text().splitlines())
    return [
        {"problem_id": row["problem_id"], "prompt": row["prompt"], "answer": row["answer"]}
        for row in rows
        if row["verified"] and row["split"] == "held_out_parameters" and row["family"] != "functions"
    ][:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("src/deepcoder/models/nano/checkpoint"))
    parser.add_argument("--run", type=Path, default=Path("runs/demo"))
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--problems", type=int, default=40)
    args = parser.parse_args()
    console = Console()
    table = Table("positions", "loss, nats", title="the base, long source files", title_justify="left")
    for first, last, loss in losses_by_position(args.base, args.files):
        table.add_row(f"{first:,} to {last:,}", f"{loss:.3f}")
    console.print(table)
    if not (args.run / "evaluation" / "student.jsonl").is_file():
        console.print(f"student: not measured, there is no evaluated run in {args.run} (make demo makes one)")
        return
    problems = short_problems(args.run, args.problems)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    table = Table("filler, tokens", "solved", "of", title="the student behind a filler", title_justify="left")
    with tempfile.TemporaryDirectory() as folder:
        for length in LENGTHS:
            order = random.Random(length)
            asked = [{**each, "prompt": filler(length, tokenizer, order) + each["prompt"]} for each in problems]
            found = solved(args.run, asked, Path(folder) / str(length))
            table.add_row(f"{length:,}", str(len(found)), str(len(asked)))
    console.print(table)


if __name__ == "__main__":
    main()
