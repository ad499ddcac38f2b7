"""report.html: what stands in it, and in a real Chromium that it can be read, searched, folded and linked to."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.trajectories.made import made
from tests.view.contrast import faint

from deepcoder.config import load_config
from deepcoder.evaluate.entrants import Entrant
from deepcoder.evaluate.front import items, write_page
from deepcoder.evaluate.report import write_report
from deepcoder.evaluate.solving import Solved
from deepcoder.evaluate.summary import Results, summarise
from deepcoder.models import ChatModels
from deepcoder.records import AnswerCheck, Problem, Step, Trajectory
from deepcoder.runs import RunFolder

EVIL = "</script><img src=x onerror=\"document.title='taken'\">%%DATA%%"
COUNT = 120


def trajectories(who: str) -> dict[tuple[str, str], Trajectory]:
    """p0, p1, ...; the student fails every third, the teacher none; p7's problem is hostile, its observation long."""
    long = "\n".join(map(str, range(200)))
    runs = {}
    for n in range(COUNT):
        steps = (
            Step(thought=f"Compute number {n}.", action="execute_python", input=f"print({n})", output_tokens=20,
                 observation=long if n == 7 else str(n)),
            Step(thought=f"The result is {n}.", action="finish", input=str(n), output_tokens=9),
        )  # fmt: skip
        runs["all", f"p{n}"] = made(
            f"p{n}", trajectory_id=f"{who}-{n}", text=EVIL if n == 7 else f"What is {n}?", steps=steps,
            family=EVIL if n == 7 else ("sums", "dates")[n % 2], model=who, difficulty=n % 3, wall_s=1 + n % 5,
            passed=who == "teacher" or n % 3 > 0,
        )  # fmt: skip
    return runs


def no_models() -> ChatModels:
    raise AssertionError("nobody is asked")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a made-up run with a training log and a judged benchmark."""
    path = tmp_path_factory.mktemp("report") / "run"
    config = load_config(None, [f"run.dir={path}", "evaluate.bootstrap=100", "teacher.model=groq:m"])
    folder = RunFolder(config)
    (path / "checkpoints").mkdir(parents=True)
    log = [{"step": n, "loss_reason": 4 / (n + 1), "loss_act": 3 / (n + 1)} for n in range(50)]
    (path / "checkpoints" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    (path / "benchmarks" / "humaneval").mkdir(parents=True)
    judged = {"benchmark": "humaneval", "pass@1": 0.4, "pass@10": 0.7, "n": 164, "samples_per_task": 10,
              "ci95": {"method": "m", "pass@1": [0.3, 0.5], "pass@10": [0.6, 0.8]}}  # fmt: skip
    (path / "benchmarks" / "humaneval" / "summary.json").write_text(json.dumps(judged))
    entrants = [Entrant(name, name, no_models, "full", in_process=False) for name in ("student", "teacher")]
    problems = [Problem(problem_id=f"p{n}", prompt="?", check=AnswerCheck(answer="1")) for n in range(COUNT)]
    results = Results(entrants, problems, "made", {e.name: Solved(trajectories(e.name)) for e in entrants})
    summary = summarise(config, results, path)
    runs = {name: solved.trajectories for name, solved in results.solved.items()}
    write_page(path / "report.html", summary, runs, folder)
    write_report(path / "report.md", summary)
    return path / "report.html"


def test_both_reports_tell_the_same_and_the_page_is_whole(file: Path) -> None:
    text, markdown = file.read_text(), file.with_suffix(".md").read_text()
    for title in ("By family", "By difficulty", "Use of tools", "Quality of responses", "Why runs failed"):
        assert f">{title}</h2>" in text
        assert f"## {title}" in markdown
    for title in (
        "Steps of a run",
        "Output tokens of a run",
        "Training loss",
        "humaneval: pass@k",
        "Where they differ",
    ):
        assert title in text
    assert "67 % of the teacher (95 %: " in text
    assert "how much cheaper not shown" in markdown
    assert EVIL not in text
    assert "%%DATA%%" in text, "another's text is no place of the template"
    assert re.search(r"""\b(src|href)=["'](?!data:|#)""", text) is None
    assert "style=" not in text, "the page's policy would not run it"


def test_student_and_teacher_stand_beside_each_other_with_the_reason_of_a_failure() -> None:
    found = list(items({name: trajectories(name) for name in ("base", "student", "teacher")}))
    assert [item["row"]["group"] for item in found[:4]] == ["student", "teacher", "base", "student"]
    assert [item["row"]["outcome"] for item in found[:2]] == ["observed, yet wrong", "verified"]


@pytest_asyncio.fixture
async def tab(file: Path) -> AsyncIterator[Any]:
    """The report, open in Chromium; `tab.complaints` holds errors and `tab.requests` what was asked for."""
    driver_module = pytest.importorskip("playwright.async_api", reason="needs playwright: pip install playwright")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    file = Path(os.environ.get("DEEPCODER_REPORT", file))
    async with driver_module.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = await browser.new_page(viewport={"width": 1280, "height": 900})
        tab.set_default_timeout(15_000)
        tab.address, tab.complaints, tab.requests = file.resolve().as_uri(), [], []
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("console", lambda message: tab.complaints.append(message.text) if message.type == "error" else None)
        tab.on("request", lambda request: tab.requests.append(request.url))
        await tab.goto(tab.address)
        await tab.locator("body[data-ready]").wait_for(state="attached")
        yield tab
        await browser.close()


async def counted(tab: Any, shown: int) -> None:
    await tab.get_by_role("status").filter(has_text=f"{shown:,} of {2 * COUNT:,} trajectories").wait_for()


@pytest.mark.browser
async def test_from_a_figure_to_its_runs_and_back(tab: Any) -> None:
    await tab.get_by_text("of the teacher (95 %").first.wait_for()
    assert not await tab.locator("#list").is_visible()
    await tab.locator("#front table a", has_text="40").click()
    await counted(tab, COUNT // 3)
    assert await tab.get_by_label("Outcome").input_value() == "=observed, yet wrong"
    await tab.get_by_label("Search").fill("number 33")
    await counted(tab, 1)
    await tab.locator(".row").click()
    assert await tab.locator("#detail mark").first.inner_text() == "number 33"
    await tab.get_by_role("link", name="Report").click()
    await tab.get_by_text("of the teacher (95 %").first.wait_for()
    await tab.get_by_role("link", name="dates", exact=True).click()
    await counted(tab, 2 * (COUNT // 2 - 1))
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
async def test_a_deep_link_puts_student_and_teacher_side_by_side_and_folds(tab: Any) -> None:
    await tab.goto(tab.address + "#/differences")
    await tab.get_by_role("link", name="p33", exact=True).click()
    await tab.get_by_role("heading", name="student: observed, yet wrong").wait_for()
    await tab.get_by_role("heading", name="teacher: verified").wait_for()
    assert await tab.evaluate("location.hash") == "#student-33&compare"
    await tab.goto(tab.address + "#teacher-7")
    await tab.locator('body[data-shown="teacher-7"]').wait_for(state="attached")
    observation = tab.locator(".run.observation").first
    folded = await observation.bounding_box()
    await observation.get_by_role("button", name="Show all (200 lines)").click()
    assert (await observation.bounding_box())["height"] > 5 * folded["height"]
    assert await tab.locator(".run.prompt pre").first.inner_text() == EVIL
    assert await tab.title() == "Evaluation of run"
    await tab.go_back()
    await tab.get_by_role("heading", name="teacher: verified").wait_for()
    assert tab.complaints == []


@pytest.mark.browser
@pytest.mark.parametrize("where", ["#/", "#teacher-7", "#student-33&compare"])
async def test_any_width_and_both_schemes(tab: Any, where: str) -> None:
    await tab.goto(tab.address + where)
    if where != "#/":
        await tab.locator("body[data-shown]").wait_for(state="attached")
    backs = set()
    for scheme in ("light", "dark"):
        await tab.emulate_media(color_scheme=scheme)
        backs.add(await tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        for width in (320, 360, 1280):
            await tab.set_viewport_size({"width": width, "height": 800})
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await faint(tab) == []
    assert len(backs) == 2
