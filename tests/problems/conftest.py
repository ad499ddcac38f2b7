from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.problems.trusted_run import Solve, run_trusted

from deepcoder.knowledge import KnowledgeIndex, open_index
from deepcoder.problems.contracts import Policy
from deepcoder.records import Action, Step


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeIndex:
    return open_index(tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="session")
def solve(index: KnowledgeIndex) -> Solve:
    """Run a policy to its end: our own code in this process, the real documentation index."""

    def act(step: Step) -> str:
        if step.action == Action.RETRIEVE_KNOWLEDGE:
            return "\n\n".join(entry.render() for entry in index.search(step.input))
        return run_trusted(step.input)

    def run(policy: Policy) -> tuple[str, list[Step]]:
        steps: list[Step] = []
        while len(steps) < 6:
            step = policy.next_step(steps)
            if step.action == Action.FINISH:
                return step.input, steps
            steps.append(step.model_copy(update={"observation": act(step)}))
        raise AssertionError("the policy does not finish")

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make
