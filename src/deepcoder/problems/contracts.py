"""What a problem source and a policy are, and the two simple ones: a list of problems, a fixed script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from deepcoder.errors import ProblemError
from deepcoder.records import Action, Problem, Step


class Policy(Protocol):
    """The expert's behaviour on one problem: what to do next, given the steps so far.

    Only `thought`, `action` and `input` of the returned step are used. The step reacts to
    `steps[-1].observation`; where that is not what was expected the policy finishes with what it has,
    and the judge rejects it.
    """

    def next_step(self, steps: Sequence[Step]) -> Step:
        """The next step; `finish` ends the run."""
        ...


class ProblemSource(Protocol):
    """Problems by split, and a policy for those whose solution is known."""

    name: str
    training_split: str
    evaluation_splits: tuple[str, ...]

    def problems(self, split: str) -> Iterator[Problem]:
        """The problems of a split, always the same ones in the same order."""
        ...

    def policy(self, problem_id: str) -> Policy | None:
        """The expert's policy; None where the source knows no solution."""
        ...


PolicyMaker = Callable[[str], "Policy | None"]


def no_policy(problem_id: str) -> Policy | None:
    """For sources that know no solutions."""
    return None


class StoredSource:
    """A source whose problems lie in a file: one split, `all`, for training and for evaluation."""

    training_split = "all"
    evaluation_splits: tuple[str, ...] = ("all",)

    def __init__(
        self, name: str, problems: Iterable[Problem], *, limit: int | None = None, policy: PolicyMaker = no_policy
    ) -> None:
        self.name = name
        self._problems: dict[str, Problem] = {}
        self._policy = policy
        for problem in problems:
            if problem.problem_id in self._problems:
                raise ProblemError(
                    f"{problem.source}: problem id {problem.problem_id!r} occurs twice",
                    hint="give every problem its own id",
                )
            self._problems[problem.problem_id] = problem
        if not self._problems:
            raise ProblemError(f"the problem source {name} holds no problem", hint="check problems.path")
        self._limit = limit

    def problems(self, split: str) -> Iterator[Problem]:
        """The first `limit` problems in file order."""
        check_split(self, split)
        for number, problem in enumerate(self._problems.values()):
            if self._limit is not None and number >= self._limit:
                return
            yield problem

    def policy(self, problem_id: str) -> Policy | None:
        """A replay of the reference solution where the file has one."""
        return self._policy(problem_id) if problem_id in self._problems else None


def check_split(source: ProblemSource, split: str) -> None:
    """Raise ProblemError where `source` has no such split."""
    known = (source.training_split, *source.evaluation_splits)
    if split not in known:
        raise ProblemError(
            f"the problem source {source.name} has no split {split!r}",
            hint=f"its splits: {', '.join(dict.fromkeys(known))}",
        )


Move = Callable[[str], Step | None]
"""From the last observation ("" at the start) to the next step; None: this is not what was expected."""


@dataclass(frozen=True)
class Script:
    """A policy of fixed length in which each move may depend on the last observation."""

    moves: tuple[Move, ...]

    def next_step(self, steps: Sequence[Step]) -> Step:
        """The move for this position; an honest end where it does not apply."""
        seen = (steps[-1].observation or "") if steps else ""
        move = self.moves[len(steps)] if len(steps) < len(self.moves) else None
        step = move(seen) if move is not None else None
        return step if step is not None else give_up(seen)


def give_up(observation: str) -> Step:
    """Finish with the last line seen: an answer, but not one that anybody claims to be right."""
    lines = observation.strip().splitlines()
    return Step(
        thought="This is not what I expected; I cannot solve it.",
        action=Action.FINISH,
        input=lines[-1][:200] if lines else "unknown",
    )
