from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from deepcoder.config import Config, load_config
from deepcoder.errors import StageError
from deepcoder.pipeline import Counts, run_all, run_stage
from deepcoder.runs import RunFolder, StageName


class FakeStage(ModuleType):
    """Appends a line to its file; `cut` makes it stop after that, as Ctrl-C does."""

    def __init__(self, stage: StageName) -> None:
        super().__init__(f"deepcoder.{stage}")
        self.stage: StageName = stage
        self.cut = False
        self.text = "line\n"
        self.runs = 0

    def run(self, config: Config, folder: RunFolder, console: Console) -> Counts:
        self.runs += 1
        with (folder.stage(self.stage) / "work").open("a") as file:
            file.write(self.text)
        if self.cut:
            raise KeyboardInterrupt
        return {"lines": len((folder.stage(self.stage) / "work").read_text().splitlines())}

    def outputs(self, folder: RunFolder) -> list[Path]:
        return [folder.stage(self.stage) / "work"]


Stages = dict[str, FakeStage]


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    names: tuple[StageName, ...] = ("generate", "prepare", "score", "train", "evaluate")
    made = {name: FakeStage(name) for name in names}
    for name, stage in made.items():
        monkeypatch.setitem(sys.modules, f"deepcoder.{name}", stage)
    return made


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_every_stage_runs_once_and_a_second_run_skips_them_all(tmp_path: Path, stages: Stages) -> None:
    config = load_config(None, [f"run.dir={tmp_path}"])
    run_all(config, quiet())
    console = quiet()
    run_all(config, console)
    assert [stage.runs for stage in stages.values()] == [1, 1, 0, 1, 1]  # score only where it is wanted
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("already done") == 4


def test_a_stage_cut_short_is_resumed_and_the_next_ones_follow(tmp_path: Path, stages: Stages) -> None:
    config = load_config(None, [f"run.dir={tmp_path}"])
    stages["train"].cut = True
    with pytest.raises(KeyboardInterrupt):
        run_all(config, quiet())
    stages["train"].cut = False
    manifests = run_all(config, quiet())
    assert [stage.runs for stage in stages.values()] == [1, 1, 0, 2, 1]
    assert manifests[2].counts == {"lines": 2}


def test_a_stage_whose_input_is_not_there_names_what_to_run(tmp_path: Path, stages: Stages) -> None:
    config = load_config(None, [f"run.dir={tmp_path}"])
    with pytest.raises(StageError, match="prepare needs a finished generate stage"):
        run_stage("prepare", config, quiet())
    assert stages["prepare"].runs == 0


def test_new_trajectories_rebuild_the_examples_and_refuse_the_old_checkpoint(tmp_path: Path, stages: Stages) -> None:
    config = load_config(None, [f"run.dir={tmp_path}"])
    run_all(config, quiet())
    stages["generate"].text = "other\n"
    stages["prepare"].text = "other\n"
    stages["train"].text = "other\n"
    run_stage("generate", config, quiet(), overwrite=True)
    run_stage("prepare", config, quiet())
    assert stages["prepare"].runs == 2
    with pytest.raises(StageError, match="from other input"):
        run_stage("train", config, quiet())
    run_stage("train", config, quiet(), overwrite=True)
    run_stage("evaluate", config, quiet())
    assert stages["evaluate"].runs == 2


def test_scores_come_before_training_on_them_and_other_scores_refuse_the_old_checkpoint(
    tmp_path: Path, stages: Stages
) -> None:
    plain, stored = (
        load_config(None, [f"run.dir={tmp_path}", f"train.teacher_scores={kind}"]) for kind in ("none", "stored")
    )
    run_all(plain, quiet(), stages=("generate", "prepare"))
    with pytest.raises(StageError, match="train needs a finished score stage"):
        run_stage("train", stored, quiet())
    run_all(stored, quiet())
    assert [stage.runs for stage in stages.values()] == [1, 1, 1, 1, 1]
    stages["score"].text = "other\n"
    run_stage("score", stored, quiet(), overwrite=True)
    with pytest.raises(StageError, match="from other input"):
        run_stage("train", stored, quiet())


def test_rounds_come_between_training_and_an_evaluation_of_the_last_one(tmp_path: Path, stages: Stages) -> None:
    for folder in ("checkpoints", "rounds/1/checkpoints"):
        (tmp_path / folder / "final").mkdir(parents=True)
        (tmp_path / folder / "final" / "seal.json").write_text(folder)
    one, two = (load_config(None, [f"run.dir={tmp_path}", f"rounds.number={number}"]) for number in (1, 2))
    run_all(one, quiet())
    assert [stage.runs for stage in stages.values()] == [2, 2, 0, 2, 1]
    stages["train"].text = "other\n"
    manifests = run_all(two, quiet())
    assert [stage.runs for stage in stages.values()] == [3, 3, 0, 3, 2]
    assert [each.stage for each in manifests] == [*["generate", "prepare", "train"] * 3, "evaluate"]
    assert manifests[-1].input_hash == manifests[-2].output_hash != manifests[2].output_hash


def test_a_student_that_is_not_there_cannot_roll_out(tmp_path: Path, stages: Stages) -> None:
    config = load_config(None, [f"run.dir={tmp_path}", f"generate.rollout.student={tmp_path}/none"])
    with pytest.raises(StageError, match="is no student's folder"):
        run_stage("generate", config, quiet())
    assert stages["generate"].runs == 0
