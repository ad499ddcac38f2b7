"""The tables of a report, as text: report.md and report.html show the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

from deepcoder.evaluate.entrants import Name
from deepcoder.evaluate.measures import Figures

MODELS = get_args(Name)


class Table(NamedTuple):
    """`name`: a word for links; `note`: how the figures are to be read. The first cell of a row is its heading."""

    name: str
    title: str
    note: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(summary: Figures) -> list[Table]:
    """All that have something to show, in order."""
    found = [
        _models(summary),
        _ways(summary),
        _completions(summary),
        _takes(summary),
        _by(summary, "by_split", "splits", "By split"),
    ]
    found += [_by(summary, "by_difficulty", "difficulty", "By difficulty")]
    found += [_by(summary, "by_family", "families", "By family")]
    found += [_tools(summary), _quality(summary), _rules(summary), _calls(summary), _judge(summary)]
    found += [_counted(summary, "endings", "How runs ended"), _counted(summary, "failures", "Why runs failed")]
    return [table for table in found if table.rows]


def present(summary: Figures) -> list[tuple[str, Figures]]:
    """The models that took part or were to, by name."""
    return [(name, summary[name]) for name in MODELS if name in summary]


def took_part(summary: Figures) -> list[tuple[str, Figures]]:
    """The models that took part."""
    return [(name, figures) for name, figures in present(summary) if figures["available"]]


def completed(summary: Figures) -> list[tuple[str, Figures]]:
    """The models whose direct completions of a benchmark were judged, each with the figures of these."""
    found = [(name, figures.get("direct", {})) for name, figures in took_part(summary)]
    return [(name, direct) for name, direct in found if "pass@1" in direct]


def percent(value: float | None) -> str:
    """A share for people; a dash where there was nothing to count."""
    return "-" if value is None else f"{100 * value:.1f}%"


def number(value: float | None, form: str = ".3g") -> str:
    """A number for people; a dash where there is none."""
    return "-" if value is None else f"{value:{form}}"


HEADINGS = ("success", "95 %", "n", "parsed", "ran", "steps", "tokens", "p50 s")


def cells(figures: Figures) -> list[str]:
    """A model's figures under HEADINGS."""
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
    for name, found in completed(summary):
        if (beside := found["agent"]) is not None:
            lines.append(
                f"{name}: the agent solves {percent(beside['success'])}, a direct completion "
                f"{percent(beside['direct'])} (pass@1) of the same {beside['n']} tasks; difference {_points(beside)}"
            )
    lines += [
        f"{name} has no direct completions: {figures['direct']['reason']}"
        for name, figures in took_part(summary)
        if "reason" in figures.get("direct", {})
    ]
    lines += [
        f"{name} is absent: {figures['reason']}" for name, figures in present(summary) if not figures["available"]
    ]
    return lines


def _models(summary: Figures) -> Table:
    note = (
        "Success: answers that passed their hidden check, with Wilson's 95 % interval. Tokens: output, mean of a run."
    )
    rows = [[name, *cells(figures)] for name, figures in present(summary)]
    return Table("models", "Models", note, ["", *HEADINGS], rows)


def _ways(summary: Figures) -> Table:
    rows = []
    for name, figures in took_part(summary):
        if (direct := figures.get("direct")) is None:
            continue
        if "reason" in direct:
            rows.append([name, percent(figures["success"]), _bounds(figures["ci95"]), *["-"] * 5])
        elif (beside := direct["agent"]) is None:
            rows.append([name, "-", "-", percent(direct["pass@1"]), _bounds(direct["ci95"]["pass@1"]),
                         str(direct["n"]), str(direct["samples_per_task"]), "-"])  # fmt: skip
        else:
            rows.append([
                name, percent(beside["success"]), _bounds(beside["ci95"]), percent(beside["direct"]),
                _bounds(beside["direct_ci95"]), str(beside["n"]), str(direct["samples_per_task"]), _points(beside),
            ])  # fmt: skip
    headings = ["", "agent with tools", "95 %", "direct, pass@1", "95 %", "tasks", "samples a task", "agent - direct"]
    note = "The same tasks, judged by the same checks. Intervals: Wilson's of the agent, a bootstrap over tasks of the "
    note += "completions, of the difference in pairs."
    if summary.get("benchmark", {}).get("name") == "mbpp":
        note += " MBPP's usual prompt, that of the completions, shows the tests; the agent's hides them."
    return Table("ways", "Agent with tools and direct completion", note, headings, rows)


def _completions(summary: Figures) -> Table:
    models = completed(summary)
    ks = [key for key in models[0][1] if key.startswith("pass@")] if models else []
    rows = [
        [
            name, *(f"{percent(each[k])} ({_bounds(each['ci95'][k])})" for k in ks), str(each["samples"]),
            number(each["output_tokens_mean"] or None, ".0f"), number(each["seconds_mean"], ".2f"),
            str(each["cut_off"]), str(each["failed_draws"]),
            ", ".join(f"{outcome} {count}" for outcome, count in each["outcomes"].items()),
        ]
        for name, each in models
    ]  # fmt: skip
    headings = ["", *ks, "completions", "output tokens", "s", "cut off", "not answered", "outcomes"]
    about = summary.get("benchmark", {})
    note = (
        f"{about.get('samples')} of each task of {about.get('name')}, temperature {about.get('temperature')}. pass@k: "
        "the unbiased estimate, with a bootstrap over tasks. Not answered: by the provider, twice; not counted."
    )
    return Table("completions", "Direct completions", note, headings, rows)


def _bounds(interval: Sequence[float]) -> str:
    return f"{100 * interval[0]:.1f}-{100 * interval[1]:.1f}"


def _points(beside: Figures) -> str:
    """The difference of the two ways in points, with its interval."""
    interval = beside["difference_ci95"]
    bounds = f" ({100 * interval[0]:+.1f} to {100 * interval[1]:+.1f})" if interval else " (too few for an interval)"
    return f"{100 * beside['difference']:+.1f} points{bounds}"


def _takes(summary: Figures) -> Table:
    columns: list[tuple[str, Callable[[Figures], str]]] = [
        ("p90 s", lambda f: number(f.get("latency_p90_s"), ".2f")),
        ("tokens/s", lambda f: number(f["tokens_per_s"], ".0f")),
        ("input tokens", lambda f: number(f["input_tokens_mean"] or None, ".0f")),
        ("thinking tokens", lambda f: number(f.get("thinking_tokens") or None, ",.0f")),
        ("tokens a solved", lambda f: number(f["output_tokens_per_solved"] or None, ".0f")),
        ("s a solved", lambda f: number(f["wall_s_per_solved"], ".2f")),
        ("cost a solved", lambda f: number(f.get("cost_per_solved"), ".3g")),
        ("cost not shown, because", lambda f: f.get("cost_reason", "") if f.get("cost_per_solved") is None else ""),
    ]
    note = (
        f"Wall times are those of whole runs, {summary.get('concurrency', 'several')} at once. tokens/s is that of one "
        "run while its model writes. Thinking is part of the output tokens; its own number is by characters, where "
        "the provider's thinking was stored."
    )
    return _columns(summary, "takes", "What a solved problem takes", note, columns)


def _tools(summary: Figures) -> Table:
    columns: list[tuple[str, Callable[[Figures], str]]] = [
        ("calls", lambda f: str(f["tools"]["calls"])),
        ("runs with a call", lambda f: percent(f["tools"]["used_tools"])),
        ("steps read", lambda f: percent(f["tools"]["parse_rate"])),
        ("valid calls", lambda f: percent(f["tools"].get("valid_calls"))),
        ("calls without error", lambda f: percent(f["tools"]["executed_ok"])),
        ("recovered", lambda f: f"{percent(f['tools']['recovered'])} of {f['tools']['stumbled_runs']} runs"),
        ("next step mends", lambda f: percent(f["tools"].get("recovered_next"))),
        ("repeated calls", lambda f: percent(f["tools"]["redundant"])),
        ("steps, solved", lambda f: number(f["steps_mean_solved"], ".1f")),
        ("tokens, solved", lambda f: number(f.get("output_tokens_mean_solved") or None, ".0f")),
    ]
    return _columns(summary, "tools", "Use of tools", "", columns)


def _quality(summary: Figures) -> Table:
    columns: list[tuple[str, Callable[[Figures], str]]] = [
        ("coherent steps", lambda f: f"{percent(f['quality']['coherent'])} of {f['quality']['coherent_of']}"),
        ("repeated words", lambda f: percent(f["quality"]["repeated_words"])),
        ("repeated thoughts", lambda f: percent(f["quality"]["repeated_thoughts"])),
        ("words a thought", lambda f: _spread(f["quality"]["thought_words"])),
        ("characters an input", lambda f: _spread(f["quality"]["input_chars"])),
        ("characters of thinking a step", lambda f: _spread(f["quality"]["thinking_chars"])),
    ]
    note = "Coherent: the action does what its thought says, by rules. Lengths: median (nine of ten are below)."
    return _columns(summary, "quality", "Quality of responses", note, columns)


def _rules(summary: Figures) -> Table:
    models = took_part(summary)
    rules = sorted({rule for _, figures in models for rule in figures["quality"]["rules"]})
    nothing = {"applied": 0, "broken": 0}
    found = [(rule, [figures["quality"]["rules"].get(rule, nothing) for _, figures in models]) for rule in rules]
    rows = [[rule, *(f"{each['broken']} of {each['applied']}" for each in counts)] for rule, counts in found]
    note = "tool: another action than announced. value: another answer than stated. grounded: an answer that no "
    note += "observation holds. correction: the same again after an error."
    return Table("rules", "Coherence: rules broken", note, ["", *(name for name, _ in models)], rows)


def _calls(summary: Figures) -> Table:
    rows = []
    for name, figures in took_part(summary):
        if found := figures.get("tool_calls"):
            low, high = found["ci95"]
            rows.append([
                name, str(found["n"]), percent(found["tool"]), percent(found["argument"]),
                f"{100 * low:.1f}-{100 * high:.1f}", percent(found["exact"]), percent(found["no_call"]),
                *(percent(found["by_kind"].get(kind, {}).get("argument")) for kind in ("execute", "retrieve")),
            ])  # fmt: skip
    headings = ["", "n", "right tool", "right argument", "95 %", "exact", "no call where none is needed", "execute",
                "retrieve"]  # fmt: skip
    note = "One step each; the reference is the expert's. Right argument: it does what the reference does; exact: the "
    note += "same syntax tree, query or answer. The last two columns are right arguments by the tool that was needed."
    return Table("calls", "Single tool calls", note, headings, rows)


def _judge(summary: Figures) -> Table:
    found = summary.get("judge")
    title = "Judged by a model"
    if not found:
        return Table("judge", title, "", [], [])
    low, high = found["ci95"]
    rows = [[
        found["model"], str(found["pairs"]), *(str(found[name]) for name in ("student", "teacher", "tie", "by_order",
        "unread")), f"{percent(found['preferred'])} ({100 * low:.0f} to {100 * high:.0f})",
    ]]  # fmt: skip
    headings = ["", "pairs", "student", "teacher", "tie", "the order decided", "unread", "student preferred"]
    note = "Coherence, tool use and economy by a fixed rubric, not correctness; each pair in both orders."
    return Table("judge", title, note, headings, rows)


def _by(summary: Figures, key: str, name: str, title: str) -> Table:
    models = took_part(summary)
    groups = sorted({group for _, figures in models for group in figures[key]}, key=numbers_first)
    rows = [[group, *(_share(figures[key].get(group)) for _, figures in models)] for group in groups]
    return Table(name, title, "", ["", *(name for name, _ in models)], rows)


def _counted(summary: Figures, key: str, title: str) -> Table:
    models = took_part(summary)
    kinds = sorted({kind for _, figures in models for kind in figures[key]})
    rows = [[kind, *(str(figures[key].get(kind, 0)) for _, figures in models)] for kind in kinds]
    return Table(key, title, "", ["", *(name for name, _ in models)], rows)


def _columns(
    summary: Figures, name: str, title: str, note: str, columns: Sequence[tuple[str, Callable[[Figures], str]]]
) -> Table:
    """A row a model; columns that are empty everywhere are left out."""
    models = took_part(summary)
    filled = [(heading, [cell(figures) for _, figures in models]) for heading, cell in columns]
    kept = [(heading, texts) for heading, texts in filled if any(text not in ("-", "") for text in texts)]
    rows = [[model, *(texts[at] for _, texts in kept)] for at, (model, _) in enumerate(models)]
    return Table(name, title, note, ["", *(heading for heading, _ in kept)], rows)


def _share(figures: Figures | None) -> str:
    if figures is None:
        return "-"
    low, high = figures["ci95"]
    return f"{figures['passed']}/{figures['n']} ({100 * low:.0f} to {100 * high:.0f} %)"


def _spread(found: dict[str, Any]) -> str:
    return "-" if found["p50"] is None else f"{found['p50']:.0f} ({found['p90']:.0f})"


def numbers_first(group: str) -> tuple[float, str]:
    """To sort the names of groups by."""
    return (float(group), "") if group.lstrip("-").isdigit() else (float("inf"), group)
