"""The evaluation report at 300, 3,000 and 10,000 trajectories, written by the product and driven in real Chromium.

    python benchmarks/report_scale.py [--sizes 300 3000 10000] [--keep DIR]

The evaluations are SYNTHETIC: no model wrote them. A student and a teacher solve the same problems; prompts, thoughts
and observations are pieces of the standard library's own source (each another piece, so that it packs like text, not
like one text repeated), lengths are log-normal: a tenth of the observations is longer than 4,000 characters, the
longest have 20,000; the teacher's steps carry a provider's reasoning. Every size is made and written in a process of
its own. Columns:

figures    `summarise`; write: `write_page`, and the peak of the process's resident memory over what it had before it
open       from the start of loading until the page answers, file already in the file cache; then `last`: until the last
           trajectory stands there where its deep link is what was opened
search     first: right after the page answers, a word of one trajectory, until the count is final; then a word of one,
           one of all, one of none; each with the 150 ms that typing is waited for
fold       unfolding all of the last trajectory's long texts, folding one, until drawn
CPU        of the writing process; of the page's process (another program's load does not change it as it does seconds)
scroll     the list from its first to its last row in 100 frames: the slowest frame, ms
longest    the longest task that blocked the page in all of this, ms (0: none took 50)
heap, tab  JavaScript's heap at the end after collection; the largest resident memory of the page's process, MiB
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

COLUMNS = (
    "trajectories", "text MB", "file MB", "figures s", "figures CPU s", "write s", "write CPU s", "write MiB", "open s",
    "open CPU s", "last s", "first s", "first CPU s", "one s", "all s", "none s", "unfold s", "fold s", "scroll ms",
    "longest ms", "heap MiB", "tab MiB",
)  # fmt: skip
WATCH = """
globalThis.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
}).observe({ type: "longtask", buffered: true });
globalThis.frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
globalThis.until = async (holds) => { while (!holds()) await frame(); };
"""
SEARCH = """async (text) => {
  const before = document.body.dataset.ready, start = performance.now();
  const box = document.getElementById("search");
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await until(() => document.body.dataset.ready !== before);
  return { seconds: (performance.now() - start) / 1e3, rows: document.getElementById("rows").offsetHeight / 60 };
}"""
SCROLL = """async () => {
  const list = document.getElementById("list"), far = list.scrollHeight - list.clientHeight;
  let slowest = 0, before = performance.now();
  for (let at = 1; at <= 100; at++) {
    list.scrollTop = far * at / 100;
    await new Promise(requestAnimationFrame);
    slowest = Math.max(slowest, performance.now() - before);
    before = performance.now();
  }
  await frame();
  return slowest;
}"""
CLICK = """async (which) => {
  const start = performance.now();
  for (const button of [...document.querySelectorAll("button.fold")].slice(0, which)) button.click();
  await frame();
  return (performance.now() - start) / 1e3;
}"""


def pieces(seed: int) -> Callable[[float, float, int], str]:
    """take(mu, sigma, most) -> a piece of the standard library's source, of log-normal length, `most` at the most."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.py")))
    chance = random.Random(seed)

    def take(middle: float, spread: float, most: int) -> str:
        size = min(most, int(chance.lognormvariate(middle, spread)))
        at = chance.randrange(len(text) - size)
        return text[at : at + size]

    return take


def trajectories(who: str, problems: int) -> dict[tuple[str, str], Any]:
    """One SYNTHETIC run a problem; the student's last steps are missing now and then, its answers more often wrong."""
    from deepcoder.records import Outcome, Step, StopReason, Trajectory, Verdict

    prompts, own = pieces(0), pieces(1 if who == "student" else 2)
    chance = random.Random(who)
    runs: dict[tuple[str, str], Any] = {}
    for number in range(problems):
        text = f"SYNTHETIC problem {number}. " + prompts(6, 0.6, 3_000)
        steps = []
        for place in range(chance.randint(1, 6)):
            found = own(5.7, 2.0, 20_000)
            steps.append(
                Step(
                    thought=own(5.5, 0.7, 3_000), action="execute_python", input=own(5.8, 0.8, 4_000),
                    observation=f"{who} {number} {place}\n{found}", output_tokens=chance.randint(40, 900),
                    reasoning=own(6.5, 0.6, 6_000) if who == "teacher" else None, model_s=chance.uniform(0.2, 9),
                )
            )  # fmt: skip
        steps.append(Step(thought=f"The answer, needle{who}{number}q.", action="finish", input="x", output_tokens=9))
        passed = chance.random() < (0.85 if who == "teacher" else 0.7)
        runs["held out", f"problem-{number}"] = Trajectory(
            trajectory_id=f"{who}-{number}", problem_id=f"problem-{number}", problem=text, prompt=text,
            steps=tuple(steps), answer="x", stop_reason=StopReason.FINISHED, model=f"SYNTHETIC {who}",
            verdict=Verdict(outcome=Outcome.PASSED if passed else Outcome.WRONG), difficulty=number % 5,
            family=f"family {number % 24}", split="held out", wall_s=chance.uniform(1, 60),
        )  # fmt: skip
    return runs


def write(size: int, folder: Path) -> dict[str, float]:
    """Make an evaluation of `size` trajectories and write its report.html into `folder` by the product's own code."""
    from deepcoder.config import load_config
    from deepcoder.evaluate.entrants import Entrant
    from deepcoder.evaluate.front import write_page
    from deepcoder.evaluate.solving import Solved
    from deepcoder.evaluate.summary import Results, summarise
    from deepcoder.models import ChatModels
    from deepcoder.records import AnswerCheck, Problem
    from deepcoder.runs import RunFolder

    def nobody() -> ChatModels:
        raise AssertionError("nobody is asked")

    config = load_config(None, [f"run.dir={folder}", "teacher.model=groq:m"])
    names = ("student", "teacher")
    runs = {name: trajectories(name, size // 2) for name in names}
    entrants = [Entrant(name, f"SYNTHETIC {name}", nobody, "full", in_process=False) for name in names]  # type: ignore[arg-type]
    problems = [
        Problem(problem_id=problem, prompt="?", split=split, check=AnswerCheck(answer="x"))
        for split, problem in runs["student"]
    ]
    results = Results(entrants, problems, "SYNTHETIC", {name: Solved(runs[name]) for name in names})

    start = time.monotonic(), time.process_time()
    summary = summarise(config, results, folder)
    made = time.monotonic(), time.process_time()
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark of resident memory begins anew
    before = high_water(os.getpid())
    write_page(folder / "report.html", summary, runs, RunFolder(config))
    now = time.monotonic(), time.process_time()
    shown = (step for found in runs.values() for run in found.values() for step in run.steps)
    text = sum(len(s.thought) + len(s.input) + len(s.observation or "") + len(s.reasoning or "") for s in shown)
    return {
        "figures s": made[0] - start[0], "figures CPU s": made[1] - start[1],
        "write s": now[0] - made[0], "write CPU s": now[1] - made[1], "write MiB": high_water(os.getpid()) - before,
        "text MB": text / 1e6,
        "file MB": (folder / "report.html").stat().st_size / 1e6,
    }  # fmt: skip


async def drive(address: str, size: int, program: str) -> dict[str, float]:
    """Open the page in Chromium and use it."""
    from playwright.async_api import async_playwright  # type: ignore[import-not-found]

    last = f"teacher-{size // 2 - 1}"
    opened = (("last s", f"#{last}", f'[data-shown="{last}"]'), ("open s", "#/trajectories", "[data-ready]"))
    found: dict[str, float] = {}
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, where, ready in opened:
            tab = await browser.new_page(viewport={"width": 1280, "height": 900})
            tab.set_default_timeout(120_000)
            await tab.add_init_script(WATCH)
            start = time.monotonic()
            await tab.goto(address + where, wait_until="commit")
            await tab.locator(f"body{ready}").wait_for(state="attached")
            await tab.evaluate("frame()")
            found[name] = time.monotonic() - start
            if name == "last s":
                found["unfold s"] = await tab.evaluate(CLICK, 10_000)
                found["fold s"] = await tab.evaluate(CLICK, 1)
                found["longest ms"] = await tab.evaluate("longest")
                await tab.close()
        found["open CPU s"] = await busy(browser)
        first = await tab.evaluate(SEARCH, f"needlestudent{size // 2 - 2}q")
        found |= {"first s": first["seconds"], "first CPU s": await busy(browser) - found["open CPU s"]}
        for name, text, rows in (
            ("one s", "needleteacher7q", 1), ("all s", "the answer, needle", size), ("none s", "no such wordq", 0),
        ):  # fmt: skip
            seen = await tab.evaluate(SEARCH, text)
            assert seen["rows"] == rows, (name, seen)
            found[name] = seen["seconds"]
        await tab.evaluate(SEARCH, "")
        found["scroll ms"] = await tab.evaluate(SCROLL)
        found["longest ms"] = max(found["longest ms"], await tab.evaluate("longest"))
        session = await tab.context.new_cdp_session(tab)
        await session.send("HeapProfiler.collectGarbage")
        found["heap MiB"] = (await session.send("Runtime.getHeapUsage"))["usedSize"] / 2**20
        found["tab MiB"] = max([high_water(pid) for pid in await renderers(browser)])
        await browser.close()
    return found


async def renderers(browser: Any) -> list[int]:
    """The processes of the browser's pages."""
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    return [each["id"] for each in processes if each["type"] == "renderer"]


async def busy(browser: Any) -> float:
    """CPU seconds of the one page that is open."""
    return max([sum(psutil.Process(pid).cpu_times()[:2]) for pid in await renderers(browser)])


def high_water(pid: int) -> float:
    """The largest resident memory that a process had, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 3_000, 10_000])
    parser.add_argument("--keep", type=Path, help="leave the reports here")
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)  # what the processes of the sizes are started with
    args = parser.parse_args()
    if args.make:
        print(json.dumps(write(args.make, args.keep)))
        return
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("skipped: needs Chromium")
        return
    table = Table(title="SYNTHETIC evaluations")
    table.add_column("", no_wrap=True)
    seen = []
    with tempfile.TemporaryDirectory() as scratch:
        for size in args.sizes:
            folder = (args.keep or Path(scratch)) / str(size)
            folder.mkdir(parents=True, exist_ok=True)
            made = subprocess.run(
                [sys.executable, __file__, "--make", str(size), "--keep", folder],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            seen.append(
                {
                    "trajectories": size,
                    **json.loads(made.stdout),
                    **asyncio.run(drive((folder / "report.html").resolve().as_uri(), size, program)),
                }
            )
            table.add_column(f"{size:,}", justify="right", no_wrap=True)
    for name in COLUMNS:
        table.add_row(name, *(f"{each[name]:,.2f}" if name.endswith(" s") else f"{each[name]:,.0f}" for each in seen))
    Console().print(table)


if __name__ == "__main__":
    main()
