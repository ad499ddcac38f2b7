"""generate -> prepare -> score -> train on nano, the scores from nano itself behind the protocol."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from deepcoder.config import load_config
from deepcoder.errors import StageError
from deepcoder.models.nano import load_nano
from deepcoder.pipeline import run_all, run_stage, stages_of
from deepcoder.train.log import read_log
from tests.fakes.scoring import FakeScorer


@pytest.mark.slow
def test_the_whole_way_from_problems_to_a_student_of_stored_scores(tmp_path: Path) -> None:
    nano = load_nano()
    console = Console(file=io.StringIO(), width=200)
    with FakeScorer(nano.model, nano.tokenizer) as server:
        config = load_config(
            None,
            [
                f"run.dir={tmp_path}", "problems.train=6", "agent.instructions=bare", "sandbox.workers=1",
                f"score.base_url={server.base_url}", "score.model=scorer", "score.concurrency=2",
                "train.teacher_scores=stored", "train.max_steps=3", "train.batch_size=2", "train.logging_steps=1",
                "train.learning_rate=1e-4", "train.report_to=[]", "train.threads=1",
            ],
        )  # fmt: skip
        assert stages_of(config) == ("generate", "prepare", "score", "train", "evaluate")
        run_all(config, console, stages=("generate", "prepare"))
        with pytest.raises(StageError, match="needs a finished score stage"):
            run_stage("train", config, console)
        scored, trained = run_all(config, console, stages=("score", "train"))
    assert scored.counts["examples"] == 6
    assert trained.counts["steps"] == 3
    first = read_log(tmp_path / "checkpoints" / "log.jsonl")[0]
    # The untrained student is the teacher: nothing to learn yet, but for the rounding of what is stored.
    assert 0 <= first["loss_reason"] < 1e-4
    assert 0 <= first["loss_act"] < 1e-4
