"""What a tool's result looks like to the model.

A program that ran is its printed output and nothing else: the text is what the model answers from.
One that failed is what it printed before, then one line that says what went wrong and where.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deepcoder.knowledge import Entry
from deepcoder.sandbox import Limits, RunResult, Status

NO_OUTPUT = "(no output: print the values you want to see)"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]*)", line (?P<line>\d+)', re.MULTILINE)


def of_run(result: RunResult, limits: Limits, max_chars: int) -> str:
    """The observation of one execution of Python, at most `max_chars` characters long."""
    printed = result.stdout.strip()
    if result.status is Status.OK:
        return truncate(printed or NO_OUTPUT, max_chars)
    problem = truncate(_problem(result, limits), max_chars // 2)
    if not printed:
        return problem
    return f"{truncate(printed, max_chars - len(problem) - 1)}\n{problem}"


def of_entries(query: str, entries: Sequence[Entry], max_chars: int) -> str:
    """The observation of a search: each entry with its signature, the best one first."""
    if not entries:
        return truncate(f"Nothing was found for {query!r}.", max_chars)
    return truncate("\n\n".join(entry.render() for entry in entries), max_chars)


def truncate(text: str, max_chars: int) -> str:
    """`text` with its middle left out where it is longer than `max_chars`; a mark says how much is missing."""
    if len(text) <= max_chars:
        return text
    mark = f"\n... ({len(text) - max_chars} more characters) ...\n"
    room = max(0, max_chars - len(mark))
    mark = f"\n... ({len(text) - room} more characters) ...\n"
    head = (room + 1) // 2
    return text[:head] + mark + text[len(text) - (room - head) :]


def _problem(result: RunResult, limits: Limits) -> str:
    match result.status:
        case Status.ERROR:
            return _exception(result.stderr)
        case Status.TIMEOUT:
            return f"The program was stopped at its time limit ({limits.cpu_s:g} s of CPU, {limits.wall_s:g} s in all)."
        case Status.MEMORY:
            return f"The program ran out of memory (limit {limits.memory_mb} MB)."
        case Status.OUTPUT_LIMIT:
            return f"The program was stopped: it printed more than {limits.output_bytes} bytes."
        case Status.KILLED:
            return "The program was killed."
        case _:
            return "The sandbox failed; this is not the program's fault. Try again."


def _exception(stderr: str) -> str:
    """`ValueError: text (line 3)`: the exception, and the last line of the program that led to it."""
    text = stderr.strip()
    if not text:
        return "The program ended with an error."
    frames = list(_FRAME.finditer(text))
    own = [frame["line"] for frame in frames if not frame["file"].startswith(("/", "<"))]
    where = f" (line {own[-1]})" if own else ""
    tail = text[frames[-1].end() :].splitlines()[1:] if frames else []
    start = next((number for number, each in enumerate(tail) if each and not each[0].isspace()), None)
    if start is None:
        return text.splitlines()[-1].strip() + where
    head, *more = tail[start : start + 4]
    return "\n".join([head + where, *more])
