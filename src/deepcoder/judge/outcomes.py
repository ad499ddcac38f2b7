"""From how a sandboxed process ended, or what was raised in it, to an Outcome."""

from __future__ import annotations

from typing import Any

from deepcoder.judge.values import BadValue
from deepcoder.records import Outcome
from deepcoder.sandbox import RunResult, Status

_OUTCOMES = {
    Status.TIMEOUT: Outcome.TIMEOUT,
    Status.MEMORY: Outcome.MEMORY,
    Status.OUTPUT_LIMIT: Outcome.OUTPUT_LIMIT,
    Status.KILLED: Outcome.KILLED,
    Status.SANDBOX_ERROR: Outcome.SANDBOX_ERROR,
}


def outcome_of_end(result: RunResult, who: str, *, trusted: bool = False) -> tuple[Outcome, str]:
    """A session that ended before it gave its answer.

    A candidate that exits early is an error of its own; the judge's own side (`trusted`) never exits
    early, so there it is a fault of the machinery.
    """
    outcome = _OUTCOMES.get(result.status)
    if outcome is None:
        last = result.stderr.strip().splitlines()[-1:] or ["it exited"]
        outcome = Outcome.SANDBOX_ERROR if trusted else Outcome.ERROR
        return outcome, f"{who} ended before a verdict: {last[0][:300]}"
    return outcome, f"{who} ended with {result.status.value} after {result.cpu_s:.1f} s of CPU time"


def outcome_of_exception(raised: Any) -> tuple[Outcome, str]:
    """An exception described by the candidate's side. Raises BadValue where it is no such description."""
    if not isinstance(raised, dict) or raised.keys() != {"types", "text"} or not isinstance(raised["text"], str):
        raise BadValue("an exception that is none")
    names = raised["types"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise BadValue("an exception without a class")
    outcome = Outcome.MEMORY if "MemoryError" in names else Outcome.ERROR
    return outcome, f"{names[0]}: {raised['text']}"[:500].rstrip(": ")
