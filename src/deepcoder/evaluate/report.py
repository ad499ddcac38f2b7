"""The report for people: the last table on the console, and report.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from deepcoder.evaluate.measures import Figures
from deepcoder.evaluate.solving import Key, ending
from deepcoder.records import Problem, Trajectory, render_observation, render_step
from deepcoder.runs import write_atomic

MODELS = ("base", "student", "teacher", "student_no_tools")
SHOWN_TRAJECTORIES = 4
MAX_SHOWN_CHARS = 1500

Runs = Mapping[str, Mapping[Key, Trajectory]]


def show(summary: Figures, console: Console) -> None:
    """The last table: one row a model."""
    title = f"{summary['problems']} problems of {summary['source']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figures in _present(summary):
        table.add_row(name.removeprefix("student_"), *_cells(figures))
    console.print(table)
    for line in comparisons(summary):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def write_report(path: Path, summary: Figures, runs: Runs, problems: Sequence[Problem]) -> None:
    """The Markdown report, whole or not at all."""
    parts = [
        "# Evaluation",
        f"{summary['problems']} problems of source `{summary['source']}`, splits {', '.join(summary['splits'])}. "
        "Success is the share of problems whose answer passed its hidden check; intervals are 95 %, Wilson's for "
        "shares. Latency is the wall time of a whole run, several of them at once on this machine.",
        _table(["", *HEADINGS], [[name, *_cells(figures)] for name, figures in _present(summary)]),
        *[f"{line}." for line in comparisons(summary)],
        "## By split",
        _by(summary, "by_split"),
        "## By family",
        _by(summary, "by_family"),
        "## Use of tools",
        _tools(summary),
        "## How runs ended",
        _endings(summary),
        "## Side by side",
        *_side_by_side(runs, problems),
    ]
    write_atomic(path, "\n\n".join(part for part in parts if part) + "\n")


HEADINGS = ("success", "95 %", "n", "parsed", "ran", "steps", "tokens", "p50 s")


def _present(summary: Figures) -> list[tuple[str, Figures]]:
    return [(name, summary[name]) for name in MODELS if name in summary]


def _cells(figures: Figures) -> list[str]:
    if not figures["available"]:
        return ["absent", *["-"] * (len(HEADINGS) - 1)]
    low, high = figures["ci95"]
    tools = figures["tools"]
    return [
        percent(figures["success"]), f"{100 * low:.1f}-{100 * high:.1f}", str(figures["n"]),
        percent(tools["parse_rate"]), percent(tools["executed_ok"]), f"{figures['steps_mean']:.1f}",
        f"{figures['output_tokens_mean']:.0f}" if figures["output_tokens_mean"] else "-",
        f"{figures['latency_p50_s']:.2f}",
    ]  # fmt: skip


def percent(value: float | None) -> str:
    """A share for people; a dash where there was nothing to count."""
    return "-" if value is None else f"{100 * value:.1f}%"


def comparisons(summary: Figures) -> list[str]:
    """One line a pair of models, and one a model that is missing."""
    lines = []
    for key, pair in ((key, value) for key, value in summary.items() if "_vs_" in key):
        left, _, right = key.partition("_vs_")
        left = left.replace("_no_tools", " without execute_python")
        if pair["percent"] is None:
            lines.append(f"{left} against {right}: not shown ({pair['reason']})")
        else:
            interval = pair["ci95"]
            bounds = f" (95 %: {interval[0]:.0f} to {interval[1]:.0f})" if interval else " (too few for an interval)"
            lines.append(
                f"{left} solves {pair['percent']:.0f} % of what {right} solves{bounds}; of {pair['n']} problems both "
                f"solve {pair['both']}, only {left} {pair['only_left']}, only {right} {pair['only_right']}"
            )
    lines += [
        f"{name} is absent: {figures['reason']}" for name, figures in _present(summary) if not figures["available"]
    ]
    return lines


def _by(summary: Figures, key: str) -> str:
    models = [(name, figures) for name, figures in _present(summary) if figures["available"]]
    groups = sorted({group for _, figures in models for group in figures[key]})
    rows = [[group, *(_share(figures[key].get(group)) for _, figures in models)] for group in groups]
    return _table(["", *(name for name, _ in models)], rows)


def _share(figures: Figures | None) -> str:
    if figures is None:
        return "-"
    low, high = figures["ci95"]
    return f"{figures['passed']}/{figures['n']} ({100 * low:.0f} to {100 * high:.0f} %)"


def _tools(summary: Figures) -> str:
    rows = []
    for name, figures in _present(summary):
        if figures["available"]:
            tools = figures["tools"]
            recovered = f"{percent(tools['recovered'])} of {tools['stumbled_runs']}"
            rows.append([
                name, str(tools["calls"]), percent(tools["used_tools"]), percent(tools["parse_rate"]),
                percent(tools["executed_ok"]), recovered, percent(tools["redundant"]),
            ])  # fmt: skip
    headings = ["", "calls", "runs with a call", "steps read", "calls without error", "recovered", "repeated calls"]
    return _table(headings, rows)


def _endings(summary: Figures) -> str:
    models = [(name, figures) for name, figures in _present(summary) if figures["available"]]
    kinds = sorted({kind for _, figures in models for kind in figures["endings"]})
    rows = [[kind, *(str(figures["endings"].get(kind, 0)) for _, figures in models)] for kind in kinds]
    return _table(["", *(name for name, _ in models)], rows)


def _side_by_side(runs: Runs, problems: Sequence[Problem]) -> list[str]:
    """A few problems with every model's run: first where the models differ."""
    parts: list[str] = []
    for problem in _interesting(runs, problems):
        parts.append(f"### {problem.problem_id} ({problem.family}, {problem.split})\n\n{_quoted(problem.prompt)}")
        for name, trajectories in runs.items():
            trajectory = trajectories.get((problem.split, problem.problem_id))
            if trajectory is not None:
                parts.append(f"**{name}**: {ending(trajectory)}\n\n{_fenced(_text(trajectory))}")
    return parts


def _interesting(runs: Runs, problems: Sequence[Problem]) -> list[Problem]:
    def verdicts(problem: Problem) -> set[bool]:
        key = (problem.split, problem.problem_id)
        return {found[key].verified for found in runs.values() if key in found}

    differing = [problem for problem in problems if len(verdicts(problem)) > 1]
    rest = [problem for problem in problems if len(verdicts(problem)) == 1]
    step = max(1, len(differing) // SHOWN_TRAJECTORIES)
    return [*differing[::step], *rest][:SHOWN_TRAJECTORIES]


def _text(trajectory: Trajectory) -> str:
    lines = []
    for step in trajectory.steps:
        lines.append(render_step(step))
        if step.observation is not None:
            lines.append(render_observation(step.observation))
    text = "\n".join(lines)
    return (
        text
        if len(text) <= MAX_SHOWN_CHARS
        else f"{text[:MAX_SHOWN_CHARS]}\n[{len(text) - MAX_SHOWN_CHARS} more characters]"
    )


def _fenced(text: str) -> str:
    fence = "`" * 4
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text[:MAX_SHOWN_CHARS].splitlines())


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "(nothing to show)"
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
