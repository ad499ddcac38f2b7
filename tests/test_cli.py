from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deepcoder.pipeline import STAGES

ROOT = Path(__file__).resolve().parents[1]
DEEPCODER = Path(sys.executable).with_name("deepcoder")


def deepcoder(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DEEPCODER, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from deepcoder.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'langchain_core', 'pydantic', 'pyarrow', 'fastapi'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    for verb in (
        *STAGES,
        "merge",
        "score",
        "serve",
        "run",
        "demo",
        "doctor",
        "view",
        "compact",
        "export",
        "push",
        "keys",
        "sandbox",
    ):
        assert f"\n  {verb} " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "nowhere.yaml"), "nowhere.yaml does not exist"),
        (("train", "configs/demo.yaml", "train.epoch=2"), "did you mean epochs?"),
        (("evaluate",), "needs a CONFIG"),
        (("evaluate", "--benchmark", "mbpp"), "--problems, --samples"),
    ],
)
def test_a_mistake_is_one_clear_line_without_a_traceback(arguments: tuple[str, ...], said: str) -> None:
    result = deepcoder(*arguments)
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_stage_before_its_input_names_the_command_to_run(tmp_path: Path) -> None:
    result = deepcoder("train", "configs/demo.yaml", f"run.dir={tmp_path}/run")
    assert result.returncode == 1
    assert "train needs a finished prepare stage" in result.stderr
    assert "deepcoder prepare CONFIG" in result.stderr
