"""Expert runs of every split as one npz of token and span ids, for `probe` on a machine without the pipeline.

    python -m deepcoder.pretrain probe-data --config configs/demo.yaml --out FILE.npz --train 4000 --held-out 250

The training split is what `deepcoder generate` and `prepare` would give; runs of the held-out splits are only for
scoring bases against each other, and never leave this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcoder.agent import first_message, make_tools, offers_of, run_agent
from deepcoder.config import Config
from deepcoder.knowledge import open_knowledge
from deepcoder.models import open_teacher
from deepcoder.models.chatml import student_tokenizer
from deepcoder.prepare.align import Aligner
from deepcoder.prepare.build import Tally, prepare
from deepcoder.problems import ProblemSource, open_source
from deepcoder.records import Problem, StopReason, Trajectory
from deepcoder.sandbox import open_sandbox


async def expert_runs(config: Config, source: ProblemSource, problems: Iterable[Problem]) -> list[Trajectory]:
    """The teacher's finished runs on `problems`, in their order, really executed."""
    teacher = open_teacher(config.teacher, source.policy)
    queue = max(config.sandbox.queue, config.generate.concurrency)
    gate = asyncio.Semaphore(config.generate.concurrency)
    async with open_sandbox(config.sandbox.model_copy(update={"queue": queue})) as box:
        tools = make_tools(box, open_knowledge(config.knowledge), config.agent)

        async def solve(problem: Problem) -> Trajectory:
            async with gate:
                return await run_agent(
                    teacher.for_problem(problem.problem_id),
                    problem.prompt,
                    problem_id=problem.problem_id,
                    tools=tools,
                    config=config.agent,
                )

        try:
            runs = await asyncio.gather(*map(solve, problems))
        finally:
            await teacher.aclose()
    return [run for run in runs if run.stop_reason is StopReason.FINISHED]


def flatten(name: str, examples: Sequence[tuple[Sequence[int], Sequence[int]]]) -> dict[str, NDArray[np.generic]]:
    """(input_ids, span_ids) of examples as `name`_ids, `name`_spans and, where each ends, `name`_ends."""
    return {
        f"{name}_ids": np.concatenate([np.array(ids, np.uint16) for ids, _ in examples]),
        f"{name}_spans": np.concatenate([np.array(spans, np.uint8) for _, spans in examples]),
        f"{name}_ends": np.cumsum([len(ids) for ids, _ in examples]),
    }


def write_examples(config: Config, out: Path) -> dict[str, int]:
    """Write `out`; the number of examples in each split."""
    source = open_source(config.problems)
    aligner = Aligner(student_tokenizer(config.student))
    arrays: dict[str, NDArray[np.generic]] = {}
    counts: dict[str, int] = {}
    for split in (source.training_split, *source.evaluation_splits):
        runs = asyncio.run(expert_runs(config, source, source.problems(split)))
        prepared = prepare(
            runs,
            aligner,
            first_message=lambda problem: first_message(problem, config.student.instructions, offers_of(config)),
            max_length=config.student.max_length,
            tally=Tally(),
        )
        examples = [(list(item.tokens.input_ids), list(item.tokens.span_ids)) for item in prepared]
        name = "train" if split == source.training_split else split
        arrays |= flatten(name, examples)
        counts[name] = len(examples)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return counts
