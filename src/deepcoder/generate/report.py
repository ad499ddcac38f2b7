"""`report.md` of a generation: counts, histograms, tools, rejected runs by reason with examples, contamination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from deepcoder.generate.contamination import Hit
from deepcoder.generate.summary import Example, Summary, summarise
from deepcoder.runs import write_atomic
from deepcoder.trajectories import read_rejected, read_trajectories

REPORT = "report.md"
_BAR, _HITS = 40, 50


def write_report(folder: Path, counts: Mapping[str, int | float | str], hits: Sequence[Hit]) -> Path:
    """Read the folder's runs once, one at a time, and write its report; the path of the report."""
    rejected = (run for run in read_rejected(folder) if not run.trained)  # scored ones lie there too
    summary = summarise(read_trajectories(folder), rejected)
    write_atomic(folder / REPORT, report(summary, counts, hits))
    return folder / REPORT


def report(summary: Summary, counts: Mapping[str, int | float | str], hits: Sequence[Hit]) -> str:
    """The report as Markdown."""
    parts = [
        "# Trajectories",
        _table(("what", "number"), [(key, _number(value)) for key, value in counts.items()]),
        "## Families",
        _table(
            ("family", "verified", "rejected"),
            [(name, str(each["verified"]), str(each["rejected"])) for name, each in sorted(summary.families.items())],
        ),
        *_verified(summary),
        *_rejected(summary),
        *_contamination(hits),
    ]
    return "\n\n".join(parts) + "\n"


def _verified(summary: Summary) -> list[str]:
    if not summary.verified:
        return []
    tools = [
        (name, f"{number:,}", _share(number, summary.tools.total())) for name, number in summary.tools.most_common()
    ]
    parts = [
        "## Verified runs",
        "Steps a run:",
        histogram(summary.steps),
        "Characters a run, the first message left out (`n`: n to 2n - 1):",
        histogram(summary.chars),
    ]
    if summary.tokens:
        parts += ["Output tokens a run (`n`: n to 2n - 1):", histogram(summary.tokens)]
    parts += ["Actions:", _table(("action", "steps", "share"), tools)]
    errors = ", ".join(f"{name} {number:,}" for name, number in summary.failures.most_common())
    share = _share(summary.recovered, summary.verified)
    parts.append(
        f"Runs that recovered from a failed step: {summary.recovered:,} ({share}). Failed steps: {errors or 'none'}."
    )
    return parts


def _rejected(summary: Summary) -> list[str]:
    if not summary.rejected:
        return ["## Rejected runs", "None."]
    total = summary.rejected.total()
    rows = [(reason, f"{number:,}", _share(number, total)) for reason, number in summary.rejected.most_common()]
    parts = ["## Rejected runs", _table(("reason", "runs", "share"), rows)]
    for reason, _ in summary.rejected.most_common():
        parts.append(f"### {reason}")
        parts += [part for example in summary.examples[reason] for part in _example(example)]
    return parts


def _example(example: Example) -> list[str]:
    head = f"`{example.problem_id}`, {example.steps} steps" + (f": {_line(example.detail)}" if example.detail else "")
    return [head, _verbatim(f"{example.problem}\n...\n{example.last}")]


def _contamination(hits: Sequence[Hit]) -> list[str]:
    parts = ["## Contamination"]
    if not hits:
        return [*parts, "No hits."]
    found = Counter((hit.benchmark, hit.by) for hit in hits)
    parts.append(_table(("benchmark", "by", "hits"), [(*key, f"{number:,}") for key, number in sorted(found.items())]))
    telling = sorted(hits, key=lambda hit: hit.by == "id")  # the problem's own id says nothing new
    rows = [(hit.problem_id, hit.task, hit.by, _line(hit.detail)) for hit in telling[:_HITS]]
    parts.append(_table(("problem", "task", "by", "what"), rows))
    if len(hits) > _HITS:
        parts.append(f"... and {len(hits) - _HITS:,} more: contamination.json.")
    return parts


def histogram(counts: Counter[int]) -> str:
    """One line a value in order: the value, its count, a bar; the longest bar has 40 signs, the shortest one."""
    most, wide = max(counts.values()), len(str(max(counts)))
    lines = [
        f"{value:>{wide}} {'█' * max(1, counts[value] * _BAR // most)} {counts[value]:,}" for value in sorted(counts)
    ]
    return _verbatim("\n".join(lines))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _verbatim(text: str) -> str:
    """An indented block: nothing in the text can end it."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _line(text: str) -> str:
    return " ".join(text.split())


def _number(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
