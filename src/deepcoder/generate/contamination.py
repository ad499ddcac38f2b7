"""Decontamination: problems and solutions of benchmarks found, so that no student is trained on its examination.

A problem is a hit where
    id       its id is a task's,
    prompt   its prompt has a run of `ngram` words in common with a task's prompt,
    whole    its prompt, or a line of it, is a task's prompt or description word for word (for short ones),
    code     its prompt has most of a reference solution (as below).
A run is a hit where its programs and its answer hold at least `code_overlap` of the runs of `ngram` tokens
of a reference solution. Solutions with fewer than MIN_CODE_RUNS such runs are not compared: everybody writes
`return a + b`. Renamed variables and paraphrased prompts are not found by any of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from deepcoder.config import DecontaminateConfig
from deepcoder.generate.ngrams import code_tokens, hash64, ngrams, words
from deepcoder.generate.references import Reference, descriptions, open_references, telling_ngrams
from deepcoder.records import Action, Problem, Rejection, Trajectory

MIN_CODE_RUNS = 12
# A sentence of fewer words is nobody's own ("Sort a list.").
MIN_WHOLE_WORDS = 4


@dataclass(frozen=True)
class Hit:
    """`problem_id` has something of task `task` of `benchmark`; `by`: id, prompt, whole or code; `detail` says what."""

    problem_id: str
    benchmark: str
    task: str
    by: str
    detail: str = ""

    def row(self) -> dict[str, str]:
        """The hit as JSON."""
        return asdict(self)

    def rejection(self) -> Rejection:
        """The hit as the reason why a run is not stored as verified."""
        return Rejection(reason="contaminated", detail=f"{self.by} of {self.task} ({self.benchmark}); {self.detail}")


class Contamination:
    """The benchmarks that a config names. With `enabled` off nothing is a hit."""

    def __init__(self, config: DecontaminateConfig) -> None:
        """Raises StageError or ProblemError where a named benchmark is not there: none is left out silently."""
        self._config = config
        self.references: Sequence[Reference] = (
            open_references(config.benchmarks, config.ngram) if config.enabled else ()
        )
        self._ids = {task: each.name for each in self.references for task in each.tasks}
        self._code_sizes = [each.code_sizes() for each in self.references]

    def against(self) -> str:
        """What is compared with, for the manifest: `humaneval (164), mbpp-test (500)`."""
        if not self._config.enabled:
            return "nothing (generate.decontaminate.enabled=false)"
        return (
            ", ".join(f"{each.name} ({len(set(each.tasks))})" for each in self.references) or "nothing (no benchmarks)"
        )

    def in_problem(self, problem: Problem) -> Hit | None:
        """The first hit of a problem, before anybody has worked on it."""
        if (name := self._ids.get(problem.problem_id)) is not None:
            return Hit(problem.problem_id, name, problem.problem_id, "id")
        runs = telling_ngrams(words(problem.prompt), self._config.ngram)
        lines = [problem.prompt, *descriptions(problem.prompt), *problem.prompt.splitlines()]
        wholes = {hash64(each): " ".join(each) for each in map(words, lines) if len(each) >= MIN_WHOLE_WORDS}
        for each in self.references:
            for by, texts, table in (("prompt", runs, each.prompts), ("whole", wholes, each.whole)):
                for value, text in texts.items():
                    if value in table:
                        return Hit(problem.problem_id, each.name, each.tasks[table[value][0]], by, text)
        return self._code_hit(problem.problem_id, [problem.prompt])

    def in_run(self, trajectory: Trajectory) -> Hit | None:
        """The reference solution that the run's programs and answer hold most of, if it is a hit."""
        programs = [step.input for step in trajectory.steps if step.action == Action.EXECUTE_PYTHON]
        return self._code_hit(trajectory.problem_id, [*programs, trajectory.answer or ""])

    def _code_hit(self, problem_id: str, texts: list[str]) -> Hit | None:
        runs = {run for text in texts for run in ngrams(code_tokens(text), self._config.ngram)}
        best: tuple[float, Hit] | None = None
        for each, sizes in zip(self.references, self._code_sizes, strict=True):
            common = Counter(task for run in runs for task in each.code.get(run, ()))
            for task, number in common.items():
                share = number / sizes[task]
                if sizes[task] < MIN_CODE_RUNS or share < self._config.code_overlap or (best and share <= best[0]):
                    continue
                detail = f"{number} of {sizes[task]} runs of {self._config.ngram} tokens"
                best = share, Hit(problem_id, each.name, each.tasks[task], "code", detail)
        return best[1] if best else None
