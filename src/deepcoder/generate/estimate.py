"""What a generation will take, before it is paid for: requests, tokens, cost, hours at the provider's limits.

One run's requests and tokens come from what the folder's ledger shows, once it shows enough; from assumptions
about prompts and answers before that. Each assumption is said. Nothing is written, and nothing is asked of the
provider but its list of models, for the limits in the headers of its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deepcoder.agent import first_message, offers_of
from deepcoder.config import Config
from deepcoder.errors import ProviderError
from deepcoder.generate.selection import Selection
from deepcoder.models import open_teacher
from deepcoder.models.base import Paced
from deepcoder.models.clock import duration
from deepcoder.models.ledger import LEDGER, Prices, Spent, spent_in
from deepcoder.models.limits import Limits, limits_in
from deepcoder.problems import ProblemSource, open_source
from deepcoder.records import Problem
from deepcoder.runs import RunFolder
from deepcoder.trajectories import rejected_shards, shards, stored_rows

ENOUGH = 5  # runs that say more than assumptions do
CHARS_A_TOKEN = 4
STEPS, ANSWER_TOKENS, OBSERVATION_TOKENS = 3, 400, 60  # of an ordinary run
SAMPLE = 200


@dataclass(frozen=True)
class Shape:
    """What one problem takes. `seconds`: of one request at the provider, 0 where not known."""

    requests: float
    input_tokens: float
    output_tokens: float
    cached_tokens: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Work:
    """What some problems take; `hours` None where neither limits nor speed are known."""

    requests: float
    input_tokens: float
    output_tokens: float
    cost: float
    hours: float | None


def measured(spent: Spent, problems: int) -> Shape | None:
    """One problem's share of what was spent on `problems`; None where that is too little to go by."""
    if problems < ENOUGH or not spent.requests:
        return None
    return Shape(
        spent.requests / problems, spent.input_tokens / problems, spent.output_tokens / problems,
        spent.cached_tokens / problems, spent.seconds / spent.requests,
    )  # fmt: skip


def assumed(prompt_tokens: float, steps: int, answer_tokens: float, observation_tokens: float) -> Shape:
    """A run of so many steps, each of which sends all that was said before it:

    input = sum over k < steps of prompt + k * (answer + observation)
    """
    grown = (answer_tokens + observation_tokens) * steps * (steps - 1) / 2
    return Shape(steps, prompt_tokens * steps + grown, answer_tokens * steps)


def work(shape: Shape, problems: int, prices: Prices, limits: Limits, concurrency: int) -> Work:
    """`problems` times `shape`. Hours: at the limits, and not less than the requests take one after another in
    `concurrency` rows, where a request's time is known."""
    requests, given, made = (problems * each for each in (shape.requests, shape.input_tokens, shape.output_tokens))
    cached = problems * shape.cached_tokens
    hours = [limits.hours(requests, given - cached + made)]
    if shape.seconds:
        hours.append(requests * shape.seconds / concurrency / 3600)
    return Work(
        requests,
        given,
        made,
        prices.of(given, made, cached),
        max((each for each in hours if each is not None), default=None),
    )


def dry_run(config: Config, console: Console) -> None:
    """Print the estimate for what the run folder lacks."""
    source, path = open_source(config.problems), RunFolder(config).stage("generate")
    stored = _stored(path)
    with closing(Selection(config.generate)) as selection:
        selection.screen(source.problems(source.training_split))
    everything = dict.fromkeys(each.problem_id for each in source.problems(source.training_split))
    problems = [each for each in everything if each not in selection.excluded]
    left = sum(each not in stored for each in problems)
    console.print(
        f"dry run of {config.teacher.model}: {len(problems):,} problems, {len(problems) - left:,} done, "
        f"{left:,} to run. Nothing is asked, nothing is stored.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if selection.excluded:
        console.print(f"  {len(selection.excluded):,} more are left out: they are a benchmark's", highlight=False)
    if config.teacher.model == "expert":
        console.print("  The expert asks no provider: no requests, no tokens, no cost.")
        return
    rollout = config.generate.rollout
    if rollout.student is not None and rollout.teacher != "correct":
        console.print("  The student runs them, and no teacher is asked: no requests, no cost.")
        return
    limits, notes = _limits(config, source)
    if rollout.student is not None:
        notes.append("the student runs them first: only those that it fails are asked of the teacher, all at most")
    spent = spent_in(path / LEDGER)
    show_estimate(config, source, left, measured(spent, len(stored)), limits, notes, console)
    if spent.requests:
        console.print(f"  spent so far: {spent.requests:,} requests, cost {spent.cost:,.2f}", highlight=False)


def show_estimate(
    config: Config, source: ProblemSource, left: int, shape: Shape | None, limits: Limits, notes: list[str],
    console: Console,
) -> None:  # fmt: skip
    """The table and its assumptions; `shape`: what was measured, if anything was."""
    teacher, agent = config.teacher, config.agent
    prices = Prices(teacher.input_price, teacher.output_price, teacher.cached_price)
    prompt = _prompt_tokens(islice(source.problems(source.training_split), SAMPLE), config)
    most = _most(config, prompt)
    notes = list(notes)
    if shape is None:
        steps, answer = min(STEPS, agent.max_steps), min(ANSWER_TOKENS, teacher.max_tokens)
        shape = assumed(prompt, steps, answer, OBSERVATION_TOKENS)
        notes.insert(0, f"nothing is measured yet: {steps} steps a run, {answer} tokens an answer (reasoning "
                     f"models write more), {OBSERVATION_TOKENS} an observation, {prompt:.0f} a prompt, at "
                     f"{CHARS_A_TOKEN} characters a token; --preview {ENOUGH} measures")  # fmt: skip
    else:
        notes.insert(0, f"measured: {shape.requests:.1f} requests a run of {shape.seconds:.1f} s, "
                     f"{shape.input_tokens:,.0f} tokens in and {shape.output_tokens:,.0f} out")  # fmt: skip
    notes.append(f"at most: every run takes {agent.max_steps} steps and all tokens that agent.max_tokens allows")
    if not prices.known:
        notes.append("the cost needs teacher.input_price and teacher.output_price (of a million tokens)")
    columns = [work(each, left, prices, limits, config.generate.concurrency) for each in (shape, most)]
    _print(columns, prices.known, console)
    limit = config.generate.max_cost
    if limit is not None and columns[0].cost > limit:
        notes.append(f"generate.max_cost={limit:g} ends the run at about {limit / columns[0].cost:.0%} of it")
    for note in notes:
        console.print(f"  - {note}", highlight=False, markup=False, soft_wrap=True)


def _print(columns: list[Work], priced: bool, console: Console) -> None:
    table = Table("", "expected", "at most", box=None, padding=(0, 2))
    for name in ("requests", "input_tokens", "output_tokens"):
        table.add_row(name.replace("_", " "), *(f"{getattr(each, name):,.0f}" for each in columns))
    table.add_row("cost", *(f"{each.cost:,.2f}" if priced else "not known" for each in columns))
    hours = ("not known" if each.hours is None else duration(each.hours * 3600) for each in columns)
    table.add_row("time at the limits", *hours)
    console.print(table)


def _most(config: Config, prompt: float) -> Shape:
    """All that the budgets allow. The answer that reaches agent.max_tokens is the last one, and may overshoot it."""
    steps, answer, budget = config.agent.max_steps, config.teacher.max_tokens, config.agent.max_tokens
    observations = config.agent.max_observation_chars / CHARS_A_TOKEN * steps * (steps - 1) / 2
    said_before = sum(min(step * answer, budget) for step in range(steps))
    return Shape(steps, prompt * steps + observations + said_before, min(steps * answer, budget + answer))


def _limits(config: Config, source: ProblemSource) -> tuple[Limits, list[str]]:
    """The limits that hold, and where they come from: the config, then the headers of the preflight's answer."""
    stated, seen, notes = limits_in(config.teacher), Limits(), []
    try:
        seen = asyncio.run(_seen(config, source))
    except ProviderError as error:
        notes.append(f"the provider was not asked for its limits: {error.message}")
    limits = stated.over(seen)
    parts = [
        f"{value:,.0f} {name.replace('_', ' ')} ({'config' if getattr(stated, name) is not None else 'headers'})"
        for name, value in vars(limits).items()
        if value is not None
    ]
    notes.append(f"limits: {', '.join(parts)}" if parts else
                 "no limits are known: set teacher.requests_per_minute, tokens_per_minute, requests_per_day, "
                 "tokens_per_day to those that your provider's console shows")  # fmt: skip
    return limits, notes


async def _seen(config: Config, source: ProblemSource) -> Limits:
    teacher = open_teacher(config.teacher, source.policy)
    try:
        await teacher.preflight()
        return teacher.stated if isinstance(teacher, Paced) else Limits()
    finally:
        await teacher.aclose()


def _prompt_tokens(problems: Iterable[Problem], config: Config) -> float:
    offers = offers_of(config)
    lengths = [len(first_message(each.prompt, config.agent.instructions, offers)) for each in problems]
    return sum(lengths) / max(1, len(lengths)) / CHARS_A_TOKEN


def _stored(path: Path) -> set[str]:
    """The ids of the problems whose run is stored."""
    files = [*shards(path), *rejected_shards(path)]
    return {str(row["problem_id"]) for file in files for row in stored_rows(file)}
