"""Benchmarks as hashed n-grams: what a training set is compared with, without a line of their text.

`references.npz` beside this file is shipped, so that the comparison works offline; ship_references.py makes
it. A problem file of one's own is read in the same way (`read_tasks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepcoder.errors import StageError
from deepcoder.generate.ngrams import code_tokens, hash64, ngrams, words
from deepcoder.problems.rows import Row, read_rows

SHIPPED = Path(__file__).with_name("references.npz")
SHIPPED_NGRAM = 13
SHIPPED_NAMES = ("humaneval", "mbpp-test")
_CODE = ("canonical_solution", "code", "solution")
_DOCSTRING = re.compile(r'("""|\'\'\')(?P<text>.*?)(?:>>>|\1|\Z)', re.DOTALL)


@dataclass(frozen=True)
class Reference:
    """One benchmark; an id stands twice in `tasks` where a task has two wordings or solutions.

    Each table maps a 64-bit hash to the numbers of the tasks that have it. `prompts`: n-grams of the prompts'
    words. `whole`: a prompt (or its description) word for word. `code`: n-grams of the solutions' tokens.
    """

    name: str
    tasks: tuple[str, ...]
    ngram: int
    prompts: dict[int, list[int]] = field(default_factory=dict)
    whole: dict[int, list[int]] = field(default_factory=dict)
    code: dict[int, list[int]] = field(default_factory=dict)

    def code_sizes(self) -> list[int]:
        """How many different n-grams the solution of each task has."""
        sizes = [0] * len(self.tasks)
        for numbers in self.code.values():
            for number in numbers:
                sizes[number] += 1
        return sizes


@dataclass(frozen=True)
class Task:
    """One task of a benchmark: its id, what is asked, the reference solution ("" where there is none)."""

    task_id: str
    prompt: str
    code: str


def reference(name: str, tasks: Sequence[Task], ngram: int) -> Reference:
    """The hashes of `tasks`."""
    made = Reference(name, tuple(task.task_id for task in tasks), ngram)
    for number, task in enumerate(tasks):
        _note(made.prompts, telling_ngrams(words(task.prompt), ngram), number)
        _note(made.whole, [hash64(words(text)) for text in (task.prompt, *descriptions(task.prompt))], number)
        _note(made.code, ngrams(code_tokens(task.code), ngram), number)
    return made


def telling_ngrams(found: Sequence[str], n: int) -> dict[int, str]:
    """The n-grams of a prompt by hash; those that are mostly numbers or one word again and again left out.

    At least half of the words must be different ones with a letter: a run of numbers says nothing of its origin.
    """
    runs = (found[start : start + n] for start in range(len(found) - n + 1))
    return {hash64(run): " ".join(run) for run in runs if _telling(run)}


def descriptions(prompt: str) -> list[str]:
    """The prose of docstrings up to their examples."""
    texts = (match["text"] for match in _DOCSTRING.finditer(prompt))
    return [text for text in texts if words(text)]


def read_tasks(path: Path) -> list[Task]:
    """The tasks of a problem file (HumanEval, MBPP or our own form; .jsonl or .json, plain or .gz).

    Raises ProblemError for a file that is missing or not of such a form.
    """
    return [_task(row, number) for number, row in enumerate(read_rows(path))]


def shipped_reference(name: str) -> Reference:
    """One of SHIPPED_NAMES, from the package."""
    import numpy as np

    with np.load(SHIPPED) as arrays:
        made = Reference(name, tuple(str(task) for task in arrays[f"{name}/tasks"]), SHIPPED_NGRAM)
        for kind in ("prompts", "whole", "code"):
            hashes, numbers = arrays[f"{name}/{kind}/hashes"].tolist(), arrays[f"{name}/{kind}/tasks"].tolist()
            table: dict[int, list[int]] = getattr(made, kind)
            for value, number in zip(hashes, numbers, strict=True):
                table.setdefault(value, []).append(number)
    return made


def open_references(names: Sequence[str], ngram: int) -> list[Reference]:
    """The benchmarks that a config names: shipped ones by name, others as files.

    Raises StageError where a shipped one cannot serve (`ngram` is not 13) and ProblemError for a bad file:
    nothing that was asked for is left out.
    """
    if ngram != SHIPPED_NGRAM and (shipped := [name for name in names if name in SHIPPED_NAMES]):
        raise StageError(
            f"generate.decontaminate.ngram is {ngram}, and {shipped[0]} is shipped as runs of {SHIPPED_NGRAM} words",
            hint=f"use ngram={SHIPPED_NGRAM}, or name the benchmark's own file in generate.decontaminate.benchmarks",
        )
    unknown = [name for name in names if name not in SHIPPED_NAMES and not Path(name).is_file()]
    if unknown:
        raise StageError(
            f"generate.decontaminate.benchmarks: {unknown[0]!r} is neither shipped nor a file",
            hint=f"shipped: {', '.join(SHIPPED_NAMES)}; a file is HumanEval's, MBPP's or our JSONL form",
        )
    return [
        shipped_reference(name) if name in SHIPPED_NAMES else reference(Path(name).name, read_tasks(Path(name)), ngram)
        for name in names
    ]


def _task(row: Row, number: int) -> Task:
    found = row.fields.get("task_id", row.fields.get("problem_id", number))
    task_id = f"mbpp/{found}" if isinstance(found, int) and "test_list" in row.fields else str(found)
    prompt = row.text("text") if "text" in row.fields else row.text("prompt")
    code = next((row.text(name) for name in _CODE if name in row.fields), "")
    return Task(task_id, prompt, code)


def _note(table: dict[int, list[int]], hashes: Iterable[int], number: int) -> None:
    for value in dict.fromkeys(hashes):
        table.setdefault(value, []).append(number)


def _telling(run: Sequence[str]) -> bool:
    return 2 * len({word for word in run if not word[0].isdigit()}) >= len(run)
