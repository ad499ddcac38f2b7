"""Which verified runs become training data: quality rules, decontamination, duplicates, in this order.

Problems that are a benchmark's are found before anybody is paid to solve them. What lies in the folder
already is known through `add_row`, so that a resumed generation selects as an undisturbed one does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deepcoder.config import GenerateConfig
from deepcoder.generate.contamination import Contamination, Hit
from deepcoder.generate.duplicates import Duplicates
from deepcoder.generate.quality import broken_rule
from deepcoder.records import Problem, Rejection, Trajectory
from deepcoder.runs import write_atomic
from deepcoder.trajectories import is_trained, trajectory_of

CONTAMINATION = "contamination.json"


class Selection:
    """The rules and what they need to know of the folder. `excluded`: ids of problems that are not to be run."""

    def __init__(self, config: GenerateConfig) -> None:
        self._config = config
        self._contamination = Contamination(config.decontaminate)
        self._duplicates = Duplicates(config.duplicates)
        self.excluded: dict[str, Hit] = {}
        self._run_hits: dict[str, Hit] = {}

    @property
    def against(self) -> str:
        """The benchmarks that are kept out, in words."""
        return self._contamination.against()

    @property
    def hits(self) -> list[Hit]:
        """Problems that were not run, then runs whose code is a benchmark's."""
        return [*self.excluded.values(), *self._run_hits.values()]

    def close(self) -> None:
        """Give the index of duplicates back."""
        self._duplicates.close()

    def screen(self, problems: Iterable[Problem]) -> int:
        """Fill `excluded`; returns how many problems there are in all."""
        count = 0
        for problem in problems:
            count += 1
            if (hit := self._contamination.in_problem(problem)) is not None:
                self.excluded[problem.problem_id] = hit
        return count

    def rejection(self, trajectory: Trajectory) -> Rejection | None:
        """Why a run that passed its check, or is to be scored, is no training data; None where it is."""
        if (broken := broken_rule(trajectory, self._config.quality)) is not None:
            return broken
        if (hit := self._contamination.in_run(trajectory)) is not None:
            self._run_hits[trajectory.problem_id] = hit
            return hit.rejection()
        return self._duplicates.of(trajectory)

    def add(self, trajectory: Trajectory) -> None:
        """A trajectory that is training data was stored."""
        self._duplicates.add(trajectory)

    def add_row(self, row: dict[str, Any]) -> None:
        """What an earlier session stored."""
        if is_trained(row) and self._config.duplicates.enabled:
            self.add(trajectory_of(row, f"the stored run of {row['problem_id']}"))
        elif (row.get("rejection") or {}).get("reason") == "contaminated":
            trajectory = trajectory_of(row, f"the rejected run of {row['problem_id']}")
            if (hit := self._contamination.in_run(trajectory)) is not None:
                self._run_hits[trajectory.problem_id] = hit

    def notice(self) -> str:
        """What a person should know before the first run; "" where nothing is unusual."""
        if not self._config.decontaminate.enabled:
            return f"NOT decontaminated: compared with {self.against}"
        if not self.excluded:
            return ""
        by = Counter(hit.benchmark for hit in self.excluded.values())
        return (
            f"{len(self.excluded)} problems are left out, since they are in a benchmark"
            f" ({', '.join(f'{name} {number}' for name, number in by.most_common())}); {CONTAMINATION} lists them,"
            " generate.decontaminate.enabled=false keeps them"
        )

    def write(self, folder: Path) -> None:
        """`contamination.json`: what was compared with, and every hit."""
        record = {
            "against": self.against,
            "problems left out": len(self.excluded),
            "runs rejected": len(self._run_hits),
            "hits": [hit.row() for hit in self.hits],
        }
        write_atomic(folder / CONTAMINATION, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
