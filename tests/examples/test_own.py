"""docs/bring-your-own.md and examples/own: what they show is run."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from tests.fakes.provider import KEY, FakeProvider
from typer.main import get_command

from deepcoder.cli import app
from deepcoder.config import Config, RunConfig, load_config
from deepcoder.generate import run
from deepcoder.judge import judge
from deepcoder.problems import open_source
from deepcoder.records import Trajectory
from deepcoder.runs import RunFolder
from deepcoder.sandbox import open_sandbox
from deepcoder.trajectories import read_trajectories

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/bring-your-own.md").read_text(encoding="utf-8")
CONFIG = Path("examples/own/config.yaml")


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / "examples/own"))
    monkeypatch.delitem(sys.modules, "shop_tools", raising=False)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


# --- the guide ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_in_the_guide_is_a_config(text: str):
    Config.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_commands_in_the_guide_name_options_files_and_keys_that_exist(
    line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    if "huggingface" in line:
        pytest.importorskip("datasets")
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    words = [word for word in shlex.split(line) if not word.startswith("PYTHONPATH=")]
    assert words[:2] in (["deepcoder", "generate"], ["deepcoder", "evaluate"])
    commands: Any = get_command(app)
    commands.commands[words[1]].make_context(words[1], words[2:])  # refuses what is no option
    config = load_config(Path(words[2]), [word for word in words[3:] if "=" in word])
    assert open_source(config.problems).name in ("jsonl", "huggingface")


def test_paths_in_the_guide_exist():
    for path in set(re.findall(r"(?:examples|docs|configs)/[\w./-]*\w", GUIDE)):
        assert (ROOT / path).exists(), path


def test_python_in_the_guide_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for code in blocks("python"):
        exec(compile(code, "bring-your-own.md", "exec"), {})
    assert capsys.readouterr().out.startswith("shop.orders.charge(cents: int) -> int\ndef charge")


# --- problems -------------------------------------------------------------------------------------------

ANSWERS = {
    "shop/price": "2450",
    "shop/order": "3260",
    "shop/dollars": "40.75",
    "shop/total": "```python\ndef delivery(cents):\n    return 0 if cents >= 6000 else 490\n```",
}


async def test_the_example_problems_have_the_answers_that_the_handbook_gives():
    source = open_source(load_config(CONFIG).problems)
    async with open_sandbox(load_config(CONFIG).sandbox) as box:
        for problem in source.problems("all"):
            assert (await judge(problem, ANSWERS[problem.problem_id], box)).passed
            assert not (await judge(problem, "1", box)).passed


def test_the_example_dataset_through_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    [line] = [line for block in blocks("sh") for line in block.splitlines() if "huggingface" in line]
    words = shlex.split(line)
    problems = load_config(Path(words[2]), [word for word in words[3:] if "=" in word]).problems
    found = {split: list(open_source(problems.model_copy(update={"dataset_split": split})).problems("all"))
             for split in ("train", "test")}  # fmt: skip
    assert [(each.problem_id, each.check.answer, each.difficulty) for each in found["train"]] == [
        ("dataset/0", "48", 1), ("dataset/1", "180", 2),
    ]  # fmt: skip
    assert len(found["test"]) == 1


# --- a whole run ------------------------------------------------------------------------------------------

SCRIPTS = {
    "one desk lamp cost": ["retrieve_knowledge\nprice of a desk lamp", "finish\n2450"],
    "in cents, delivery included": [
        "retrieve_knowledge\nbulb price", "retrieve_knowledge\nwhat does delivery cost?",
        "execute_python\n```python\nprint(2450 + 320 + 490)\n```", "finish\n3260",
    ],
    "in US dollars": [
        "exchange_rate\nUSD", "execute_python\n```python\nprint(round(32.60 * 1.25, 2))\n```", "finish\n40.75",
    ],
    "Write delivery": ["retrieve_knowledge\nshop.orders.charge", f"finish\n{ANSWERS['shop/total']}"],
}  # fmt: skip


def teacher(messages: list[dict[str, Any]]) -> str:
    """Goes through a fixed script for each problem, whatever it sees; the observations are the real ones."""
    [script] = [steps for words, steps in SCRIPTS.items() if words in messages[0]["content"]]
    action, _, argument = script[len(messages) // 2].partition("\n")
    return f"Thought: Step {len(messages) // 2 + 1}.\nAction: {action}\nAction Input:\n{argument}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    with FakeProvider(teacher) as provider:
        yield provider


@pytest.fixture
def runs(server: FakeProvider, tmp_path: Path) -> dict[str, Trajectory]:
    """The example's config with another teacher: every problem's run, by its id."""
    config = load_config(CONFIG, [
        "teacher.model=vllm:qwen/qwen3-32b", f"teacher.base_url={server.base_url}", "teacher.max_attempts=1",
        f"knowledge.cache_dir={tmp_path / 'cache'}",
    ]).model_copy(update={"run": RunConfig(dir=tmp_path / "run")})  # fmt: skip
    folder = RunFolder(config)
    run(config, folder, Console(file=io.StringIO(), width=200))
    return {each.problem_id: each for each in read_trajectories(folder.stage("generate"))}


def test_the_example_generates_verified_trajectories(runs: dict[str, Trajectory], server: FakeProvider):
    assert runs.keys() == ANSWERS.keys()
    assert all(each.verified for each in runs.values())
    assert {each.problem_id: each.difficulty for each in runs.values()} == {
        "shop/price": 1, "shop/order": 2, "shop/dollars": 3, "shop/total": 2,
    }  # fmt: skip
    assert "24.50" in str(runs["shop/price"].steps[0].observation)
    assert "4.90 euros" in str(runs["shop/order"].steps[1].observation)
    assert "h1 { color" not in str(runs["shop/order"].steps[1].observation)
    assert runs["shop/dollars"].steps[0].observation == "1 EUR = 1.25 USD"
    assert str(runs["shop/total"].steps[0].observation).startswith("shop.orders.charge(cents: int)")
    prompt = server.requests[0]["messages"][0]["content"]
    assert "execute_python | retrieve_knowledge | exchange_rate | finish" in prompt
    assert "standard library and the handbook of the lamp shop." in prompt
    assert not any(str(ROOT) in message["content"] for body in server.requests for message in body["messages"])
