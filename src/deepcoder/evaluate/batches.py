"""Judging many programs: grouped by task, so that a task's tests are set up once for all of its samples.

Each worker takes a task's samples, up to GROUP at a time, and judges them check by check. A program that was
judged for the same task before is not judged again: its verdict is the same.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deepcoder.evaluate.benchmarks import Task
from deepcoder.judge import judge_program
from deepcoder.judge.tests_side import TestsSide
from deepcoder.records import Outcome, TestsCheck, Verdict
from deepcoder.sandbox import Sandbox

GROUP = 25  # enough to make the set-up cheap, few enough that all workers have work to the end


@dataclass(frozen=True)
class Judged:
    """The verdict on one program: the last of its `parts`, verdicts by the name of the check.

    `repeated`: the same program of the same task had been judged already.
    """

    verdict: Verdict
    parts: dict[str, Verdict]
    repeated: bool = False


async def judge_programs(
    programs: Sequence[tuple[Task, str]], box: Sandbox, scale: float, tell: Callable[[int, Judged], None]
) -> None:
    """Judge every program of a task; `tell` gets its place in `programs` and its verdict as it comes.

    `scale`: of the limits (deepcoder.judge.limits).
    """
    groups = _groups(programs)

    async def work() -> None:
        async with TestsSide(box, scale) as tests:
            for task, distinct in groups:
                found = await _judge_group(task, list(distinct), box, tests)
                for program, judged in found.items():
                    for again, number in enumerate(distinct[program]):
                        tell(number, Judged(judged.verdict, judged.parts, repeated=again > 0))

    async with asyncio.TaskGroup() as workers:
        for _ in range(box.config.workers):
            workers.create_task(work())


def _groups(programs: Sequence[tuple[Task, str]]) -> Iterator[tuple[Task, dict[str, list[int]]]]:
    """Tasks in order, each with some of its distinct programs and where they stand in `programs`."""
    tasks: dict[str, Task] = {}
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, (task, program) in enumerate(programs):
        tasks[task.key] = task
        places[task.key][program].append(number)
    for key, task in tasks.items():
        distinct = iter(places[key].items())
        while group := dict(itertools.islice(distinct, GROUP)):
            yield task, group


async def _judge_group(task: Task, programs: list[str], box: Sandbox, tests: TestsSide) -> dict[str, Judged]:
    """Check by check, so that each is set up once; a program that failed one is not judged by the next."""
    parts: dict[str, dict[str, Verdict]] = {program: {} for program in programs}
    for name, check in task.checks:
        for program, found in parts.items():
            if all(verdict.passed for verdict in found.values()):
                found[name] = await _judge(check, program, box, tests)
    return {program: Judged(list(found.values())[-1], found) for program, found in parts.items()}


async def _judge(check: TestsCheck, program: str, box: Sandbox, tests: TestsSide) -> Verdict:
    verdict = await judge_program(check, program, box, extract=False, tests=tests)
    if verdict.outcome is Outcome.SANDBOX_ERROR:  # the machinery gets one more chance
        verdict = await judge_program(check, program, box, extract=False, tests=tests)
    return verdict
