"""Nothing that the judge knows is ever in a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.fakes.provider import FakeProvider
from tests.generate.multiplying import Generate

from deepcoder.agent import first_message
from deepcoder.config import ProblemsConfig
from deepcoder.problems import open_source
from deepcoder.records import TestsCheck
from deepcoder.trajectories import read_trajectories


def test_a_run_sends_the_prompt_and_what_followed_from_it(
    generate: Generate, folder: Path, server: FakeProvider
) -> None:
    generate(3)
    stored = {each.problem: each for each in read_trajectories(folder)}
    for body in server.requests:
        sent: list[dict[str, Any]] = body["messages"]
        problem = sent[0]["content"].rsplit("Problem:\n", 1)[1]
        assert sent[0]["content"] == first_message(problem)
        said = [message.content for message in stored[problem].messages()]
        assert [message["content"] for message in sent] == said[: len(sent)]
        assert body.keys() <= {
            "messages", "model", "temperature", "max_tokens", "max_completion_tokens", "stream", "n", "stop", "seed",
        }  # fmt: skip


def test_hidden_tests_and_solutions_are_in_no_prompt() -> None:
    source = open_source(ProblemsConfig(train=120, held_out=24))
    for split in (source.training_split, *source.evaluation_splits):
        for problem in source.problems(split):
            text = first_message(problem.prompt)
            if isinstance(problem.check, TestsCheck):
                tests = [line.strip() for line in problem.check.tests.splitlines() if line.strip().startswith("assert")]
                assert not any(line in text for line in tests)
            policy = source.policy(problem.problem_id)
            assert policy is not None
            solution = policy.next_step([]).input
            if "\n" in solution.strip():
                assert solution.strip() not in text
