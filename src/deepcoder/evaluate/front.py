"""report.html: figures and plots in front, every trajectory behind them, in one file that loads nothing.

The trajectories are deepcoder.view's page: side by side, searchable, `#ID` and `#ID&compare` for links. Figures link
into it. Every text of others is escaped here or set by the page as text.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from deepcoder.evaluate.charts import Bar, bar
from deepcoder.evaluate.failures import failure
from deepcoder.evaluate.measures import Figures
from deepcoder.evaluate.plots import Figure, figures_of
from deepcoder.evaluate.solving import Key
from deepcoder.evaluate.tables import MODELS, Table, comparisons, numbers_first, tables, took_part
from deepcoder.records import Trajectory
from deepcoder.runs import RunFolder, write_atomic
from deepcoder.view import Item, item_of, page_parts

Runs = Mapping[str, Mapping[Key, Trajectory]]

LISTED = 100
_FIRST = ("student", "teacher")
_BARS = {"splits": "by_split", "difficulty": "by_difficulty", "families": "by_family"}


def write_page(path: Path, summary: Figures, runs: Runs, folder: RunFolder) -> None:
    """The whole file, or nothing."""
    style = resources.files("deepcoder.evaluate").joinpath("report.css").read_text(encoding="utf-8")
    facts = {
        "problems": f"{summary['problems']:,} of {summary['source']}",
        "models": ", ".join(f"{name} ({figures['model']})" for name, figures in took_part(summary)),
    }
    title = f"Evaluation of {folder.path.resolve().name}"
    shown = front(summary, runs, folder)
    write_atomic(path, page_parts(items(runs), title=title, facts=facts, front=shown, style=style))


def items(runs: Runs) -> Iterator[Item]:
    """Every trajectory, the runs of one problem together, student beside teacher; `outcome` says why a run failed."""
    names = [*(name for name in _FIRST if name in runs), *(n for n in runs if n not in _FIRST)]
    for key in dict.fromkeys(key for found in runs.values() for key in found):
        for name in names:
            if key in runs[name]:
                item = item_of(runs[name][key], group=name)
                item["row"]["outcome"] = failure(runs[name][key]) or "verified"
                yield item


def front(summary: Figures, runs: Runs, folder: RunFolder) -> str:
    """The figures as HTML."""
    parts = [f'<p class="headline">{html.escape(summary["headline"])}.</p>']
    parts += [f"<p>{html.escape(line)}.</p>" for line in comparisons(summary)]
    found = tables(summary)
    parts.append('<p class="soft">' + " · ".join(_link(f"#/{t.name}", t.title) for t in _all(found)) + "</p>")
    parts.append(_legend(summary))
    for table in found[:2]:
        parts.append(_section(table, _rows(table)))
    parts.append(_plots(figures_of(summary, runs, folder)))
    for table in found[2:]:
        if table.name in _BARS:
            parts.append(_section(table, _shares(summary, _BARS[table.name])))
        else:
            parts.append(_section(table, _endings(summary) if table.name == "endings" else _rows(table)))
    parts.append(_differences(runs))
    return "\n".join(part for part in parts if part)


def _all(found: Sequence[Table]) -> list[Table]:
    return [
        *found[:2],
        Table("plots", "Plots", "", [], []),
        *found[2:],
        Table("differences", "Where they differ", "", [], []),
    ]


def _section(table: Table, shown: str) -> str:
    note = f'<p class="soft">{html.escape(table.note)}</p>' if table.note else ""
    return f'<h2 id="front-{table.name}">{html.escape(table.title)}</h2>{note}<div class="wide">{shown}</div>'


def _rows(table: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in table.headings)
    body = []
    for heading, *cells in table.rows:
        columns = zip(table.headings[1:], cells, strict=True)
        shown = "".join(_cell(table.name, heading, column, text) for column, text in columns)
        body.append(f'<tr><th scope="row">{html.escape(heading)}</th>{shown}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _cell(table: str, row: str, column: str, text: str) -> str:
    if table == "failures" and text != "0":
        return f"<td>{_link(_filtered(group=column, outcome=row), text)}</td>"
    words = ' class="words"' if len(text) > 30 else ""
    return f"<td{words}>{html.escape(text)}</td>"


def _shares(summary: Figures, key: str) -> str:
    """Success with its interval, by group; a group that the list can filter by is a link into it."""
    models = took_part(summary)
    facet = {"by_split": "split", "by_family": "family"}.get(key)
    found = []
    for group in sorted({group for _, figures in models for group in figures[key]}, key=numbers_first):
        label = html.escape(group) if facet is None else _link(_filtered(**{facet: group}), group)
        bars = []
        for name, figures in models:
            if share := figures[key].get(group):
                low, high = share["ci95"]
                text = f"{name} {share['passed']}/{share['n']} ({100 * low:.0f} to {100 * high:.0f} %)"
                bars.append((text, Bar(_series(name), share["success"], (low, high))))
        found.append((label, bars))
    return _bars(found)


def _endings(summary: Figures) -> str:
    """How many of a model's runs ended so, as a share of all."""
    models = took_part(summary)
    kinds = sorted({kind for _, figures in models for kind in figures["endings"]})
    found = []
    for kind in kinds:
        counts = [(name, figures["endings"].get(kind, 0), figures["n"]) for name, figures in models]
        bars = [(f"{name} {n}/{of}", Bar(_series(name), n / of if of else None, None)) for name, n, of in counts]
        found.append((html.escape(kind), bars))
    return _bars(found)


def _bars(groups: Sequence[tuple[str, Sequence[tuple[str, Bar]]]]) -> str:
    """Groups (HTML) of bars, each with its text."""
    found = []
    for label, bars in groups:
        for place, (text, each) in enumerate(bars):
            first = "first" if place == 0 else ""
            found.append(
                f'<span class="group {first}">{"" if place else label}</span><span class="{first}">{bar(each)}</span>'
                f'<span class="{first}">{html.escape(text)}</span>'
            )
    return f'<div class="bars">{"".join(found)}</div>'


def _plots(figures: Sequence[Figure]) -> str:
    shown = [
        f"<figure><figcaption>{html.escape(each.title)}</figcaption>{each.svg}{_named(each.series)}</figure>"
        for each in figures
    ]
    return f'<h2 id="front-plots">Plots</h2><div class="plots">{"".join(shown)}</div>' if shown else ""


def _named(series: Sequence[tuple[int, str]]) -> str:
    swatch = '<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="s{}" width="10" height="10"/></svg>'
    return (
        '<p class="legend">' + "".join(f"<span>{swatch.format(n)}{html.escape(t)}</span>" for n, t in series) + "</p>"
    )


def _legend(summary: Figures) -> str:
    return _named([(_series(name), f"{name}: {figures['model']}") for name, figures in took_part(summary)])


def _differences(runs: Runs) -> str:
    """Problems that only one of student and teacher solves, each a link to both runs side by side."""
    student, teacher = runs.get("student", {}), runs.get("teacher", {})
    heading = '<h2 id="front-differences">Where they differ</h2>'
    common = [key for key in student if key in teacher]
    parts = [heading]
    for title, won in (("Only the teacher solves", False), ("Only the student solves", True)):
        keys = [key for key in common if student[key].verified is won and teacher[key].verified is not won]
        links = [_link(f"#{quote(student[key].trajectory_id, safe='')}&compare", key[1]) for key in keys[:LISTED]]
        more = f" and {len(keys) - LISTED:,} more" if len(keys) > LISTED else ""
        parts.append(f"<h3>{title} ({len(keys):,})</h3><p>{', '.join(links) or 'none'}{more}</p>")
    return "".join(parts) if common else ""


def _series(name: str) -> int:
    return MODELS.index(name)


def _filtered(**wanted: Any) -> str:
    return f"#/trajectories?{urlencode(wanted)}"


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(text)}</a>'
