"""The report as text: the last table on the console, and report.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as ConsoleTable

from deepcoder.evaluate.measures import Figures
from deepcoder.evaluate.tables import HEADINGS, cells, comparisons, present, tables
from deepcoder.runs import write_atomic


def show(summary: Figures, console: Console) -> None:
    """The last table: one row a model."""
    title = f"{summary['problems']} problems of {summary['source']}"
    table = ConsoleTable(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figures in present(summary):
        table.add_row(name.removeprefix("student_"), *cells(figures))
    console.print(table)
    for line in [summary["headline"], *comparisons(summary)]:
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)


def write_report(path: Path, summary: Figures) -> None:
    """The Markdown report, whole or not at all. Plots and trajectories stand in report.html beside it."""
    parts = [
        "# Evaluation",
        f"{summary['problems']} problems of source `{summary['source']}`, splits {', '.join(summary['splits'])}. "
        "Plots and every trajectory, side by side: [report.html](report.html).",
        f"**{summary['headline']}.**",
        *[f"{line}." for line in comparisons(summary)],
    ]
    for table in tables(summary):
        parts += [f"## {table.title}", table.note, markdown(table.headings, table.rows)]
    write_atomic(path, "\n\n".join(part for part in parts if part) + "\n")


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
