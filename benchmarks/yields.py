"""What each switch of generate yields for what it costs: verified per 100 problems, requests and tokens a verified run.

    python benchmarks/yields.py [--problems 300] [--seed 0]                      the synthetic teacher
    python benchmarks/yields.py --student runs/demo/checkpoints/final [--problems 200] [--temperature 0.8]

Every row is one generation over a local server of the provider's protocol: same problems, one switch more than the
plain run. The synthetic teacher (tests/fakes/stumbling.py) multiplies and goes wrong with known chances; a first
thought or a note does not make it better, so that its rows show what drawing again yields and what a first thought
COSTS, not what a real teacher makes of it. `expected` is worked out from its chances. With --student, a local
checkpoint answers as the teacher on procedural problems of a seed it was not trained on. Tokens are characters / 4,
as the server counts them, by the ledger, over all requests (failed attempts included).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fakes.provider import KEY, FakeProvider, Reply
from tests.fakes.stumbling import Chances, StumblingProvider

from deepcoder.config import Config
from deepcoder.errors import ProviderError
from deepcoder.evaluate.statistics import wilson
from deepcoder.generate.stage import session
from deepcoder.problems import open_source
from deepcoder.trajectories import read_trajectories

MODEL, MAX_STEPS, ATTEMPTS = "qwen/qwen3-32b", 6, 4
SWITCHES: dict[str, dict[str, Any]] = {
    "plain": {},
    f"{ATTEMPTS} attempts, first good": {"attempts": ATTEMPTS},
    f"{ATTEMPTS} attempts, shortest good": {"attempts": ATTEMPTS, "keep": "shortest"},
    "1 correction": {"corrections": 1},
    "3 corrections": {"corrections": 3},
    "first thought asked for": {"first_thought": "ask"},
    "first thought from reasoning": {"first_thought": "reasoning"},
    "2 attempts, 1 correction each": {"attempts": 2, "corrections": 1},
}


@dataclass(frozen=True)
class Row:
    """One generation."""

    name: str
    problems: int
    verified: int
    requests: int
    tokens: int
    steps: float
    stored: int


class CheckpointProvider(FakeProvider):
    """A local model behind the provider's protocol."""

    def __init__(self, name: str) -> None:
        from deepcoder.config import EngineConfig
        from deepcoder.models.local import LocalModels, load_model

        super().__init__(models=[MODEL])
        self.local = LocalModels(name, *load_model(name), EngineConfig(max_new_tokens=256))
        self.keep_requests = False

    def reply(self, body: dict[str, Any]) -> Reply:
        """What the model writes at the request's temperature; seeds are not kept to."""
        messages: list[BaseMessage] = [
            (AIMessage if each["role"] == "assistant" else HumanMessage)(each["content"]) for each in body["messages"]
        ]
        try:
            answer = self.local.for_problem("").invoke(messages, temperature=body["temperature"])
        except ProviderError:  # its context is full
            return Reply("", finish_reason="length")
        return Reply(str(answer.text), finish_reason=answer.response_metadata["finish_reason"])


@contextmanager
def teacher(arguments: argparse.Namespace) -> Iterator[FakeProvider]:
    if arguments.student is None:
        with StumblingProvider(models=[MODEL], thinks_aloud=True) as server:
            server.keep_requests = False
            yield server
    else:
        with CheckpointProvider(arguments.student) as server:
            yield server


def problems_of(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    if arguments.student is not None:
        return {"source": "procedural", "train": arguments.problems, "seed": 20261122 + arguments.seed}
    rows = [
        {"problem_id": f"p{number}", "prompt": f"What is {number} * 7?", "answer": str(number * 7)}
        for number in range(arguments.problems)
    ]
    path = folder / "problems.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"source": "jsonl", "path": path}


def generation(name: str, switches: dict[str, Any], reasoning: str, arguments: argparse.Namespace, url: str) -> Row:
    """One run of the stage in a folder of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = Config.model_validate(
            {
                "run": {"dir": folder},
                "problems": problems_of(arguments, folder),
                "teacher": {
                    "model": f"groq:{MODEL}", "base_url": url, "seed": arguments.seed, "reasoning": reasoning,
                    "temperature": arguments.temperature,
                },
                "agent": {"max_steps": MAX_STEPS, "instructions": "full" if arguments.student is None else "bare"},
                "generate": {"concurrency": 8, "duplicates": {"enabled": False}, **switches},
            }
        )  # fmt: skip
        out = folder / "trajectories"
        tally = session(config, open_source(config.problems), out, Console(file=io.StringIO()))
        verified = list(read_trajectories(out))
        stored = sum(path.stat().st_size for path in out.glob("*.jsonl"))
    spent = tally.spent
    steps = sum(len(each.steps) for each in verified) / max(1, len(verified))
    return Row(
        name, tally.stored, tally.verified, spent.requests, spent.input_tokens + spent.output_tokens, steps, stored
    )


def expected(switches: dict[str, Any], problems: int) -> str:
    """Verified per 100 by the synthetic teacher's chances, where there is a closed form: 1 - (1 - p)^attempts."""
    if switches.get("corrections"):
        return "-"
    chances = [Chances().passing(f"What is {number} * 7?", MAX_STEPS) for number in range(problems)]
    attempts = switches.get("attempts", 1)
    return f"{100 * sum(1 - (1 - chance) ** attempts for chance in chances) / problems:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--student", help="a checkpoint folder (or nano): the teacher is this model")
    arguments = parser.parse_args()
    os.environ["GROQ_API_KEY"] = KEY
    synthetic = arguments.student is None
    who = "SYNTHETIC teacher of known chances" if synthetic else f"{arguments.student} as the teacher"
    table = Table(
        title=f"{who}, {arguments.problems} problems, temperature {arguments.temperature:g}", title_justify="left"
    )
    columns = [
        "switch",
        "verified of 100 (95%)",
        "requests / verified",
        "tokens / verified",
        "steps",
        "bytes / problem",
    ]
    for column in [*columns[:2], *(["expected"] if synthetic else []), *columns[2:]]:
        table.add_column(column)
    rows = [(name, switches, "record") for name, switches in SWITCHES.items()]
    rows.append(("reasoning dropped", {}, "drop"))
    with teacher(arguments) as server:
        for name, switches, reasoning in rows:
            row = generation(name, switches, reasoning, arguments, server.base_url)
            print(row, file=sys.stderr, flush=True)
            low, high = wilson(row.verified, row.problems)
            each = max(1, row.verified)
            table.add_row(
                name, f"{100 * row.verified / row.problems:.1f} ({100 * low:.0f}-{100 * high:.0f})",
                *([expected(switches, arguments.problems)] if synthetic else []), f"{row.requests / each:.2f}",
                f"{row.tokens / each:,.0f}", f"{row.steps:.2f}", f"{row.stored / row.problems:,.0f}",
            )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 150).print(table)


if __name__ == "__main__":
    main()
