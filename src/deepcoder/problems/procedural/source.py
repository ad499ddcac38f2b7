"""The procedural source: families mixed by weight, each problem made anew from its id and the seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from functools import cached_property

from deepcoder.config import ProblemsConfig
from deepcoder.errors import ProblemError
from deepcoder.problems.contracts import Policy, check_split
from deepcoder.problems.procedural.draw import Draw, made_up
from deepcoder.problems.procedural.families import all_families
from deepcoder.problems.procedural.family import COMPOSITIONS, PARAMETERS, SPLITS, TRAIN, WORDING, Family, Made
from deepcoder.problems.procedural.tables import Side
from deepcoder.records import Problem

PREFIX = "procedural"
MAX_ATTEMPTS = 40


class ProceduralSource:
    """Problems `procedural/<split>/<family>/<index>`; the id and `config.seed` decide everything about one.

    Memory: one 64-bit number a problem (prompts already seen), whatever their number.
    """

    name = PREFIX
    training_split = TRAIN
    evaluation_splits: tuple[str, ...] = (PARAMETERS, WORDING, COMPOSITIONS)

    def __init__(self, config: ProblemsConfig) -> None:
        self._seed, self._limit, self._sealed = config.seed, config.limit, config.sealed
        self._sizes = {TRAIN: config.train, **dict.fromkeys(self.evaluation_splits, config.held_out)}
        chosen = config.families
        known = {family.name: family for family in all_families()}
        for key, names in (("families", chosen), ("shares", config.shares)):
            for name in names:
                if name not in known:
                    raise ProblemError(
                        f"problems.{key}: unknown family {name!r}", hint=f"families: {', '.join(sorted(known))}"
                    )
        self._families: dict[str, Family] = {name: known[name] for name in (chosen or known)}
        self._shares = config.shares

    def problems(self, split: str) -> Iterator[Problem]:
        """`train` or `held_out` problems (at most `limit`), no prompt twice; made as they are asked for."""
        check_split(self, split)
        wanted = min(self._sizes[split], self._limit or self._sizes[split])
        seen: set[int] = set()
        given = missed = 0
        for name, index in self._order(split):
            if given == wanted:
                return
            problem = self._problem(split, name, index)
            mark = _mark(problem.prompt)
            if mark in seen:  # the index is left out, so that ids never depend on what came before
                missed += 1
                if missed > 20 * wanted + 1000:
                    raise ProblemError(
                        f"the chosen families have fewer than {wanted} different problems in {split}",
                        hint="lower problems.train or problems.held_out, or choose more families",
                    )
                continue
            seen.add(mark)
            given += 1
            yield problem

    def policy(self, problem_id: str) -> Policy | None:
        """The expert's script; None where the id is not one of this source's."""
        parts = problem_id.split("/")
        if len(parts) != 4 or parts[0] != PREFIX or parts[1] not in SPLITS or not parts[3].isdigit():
            return None
        if parts[2] not in self._families:
            return None
        return self.made(parts[1], parts[2], int(parts[3])).script

    def made(self, split: str, name: str, index: int) -> Made:
        """The problem with its script and code. A draw that has no problem to give is drawn again."""
        for attempt in range(MAX_ATTEMPTS):
            draw = self._draw(f"{self._seed}/{split}/{name}/{index}/{attempt}", split)
            try:
                return self._families[name].make(draw, split, index)
            except LookupError as error:
                last = error
        raise ProblemError(f"{PREFIX}/{split}/{name}/{index}: {last}")

    def _draw(self, seed: str, split: str) -> Draw:
        held_out: Side = "sealed" if self._sealed else "held_out"
        if split == TRAIN:
            return Draw(seed, words=made_up)
        return Draw(seed, held_out=True, wording=held_out if split == WORDING else "train", sealed=self._sealed)

    @cached_property
    def operations(self) -> dict[str, tuple[str, ...]]:
        """Operations by family."""
        return {name: tuple(family.operations) for name, family in self._families.items()}

    def _problem(self, split: str, name: str, index: int) -> Problem:
        made = self.made(split, name, index)
        return Problem(
            problem_id=f"{PREFIX}/{split}/{name}/{index}",
            prompt=made.prompt,
            check=made.check,
            family=name,
            split=split,
            difficulty=made.difficulty,
            source=f"{PREFIX}:{made.operation}",
        )

    def _order(self, split: str) -> Iterator[tuple[str, int]]:
        """(family, index) without end: rounds in which each family has its weight, shuffled within a round."""
        families = [family for family in self._families.values() if split in family.splits]
        if not families:
            raise ProblemError(
                f"none of the chosen families has problems in {split}",
                hint="add the family chains to problems.families",
            )
        weights = {family.name: family.weight for family in families}
        if split == TRAIN:
            weights |= {name: weight for name, weight in self._shares.items() if name in weights}
        shares = [name for name, weight in weights.items() for _ in range(weight)]
        counters = dict.fromkeys(shares, 0)
        order = random.Random(f"{self._seed}/{split}/order")
        while True:
            order.shuffle(shares)
            for name in shares:
                yield name, counters[name]
                counters[name] += 1


def _mark(prompt: str) -> int:
    return int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=8).digest(), "big")
