from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.agent.observation import NO_OUTPUT, of_entries, of_run, truncate
from deepcoder.knowledge import Entry
from deepcoder.sandbox import Limits, RunResult, Status

LIMITS = Limits(cpu_s=10, wall_s=20, memory_mb=512, output_bytes=64_000)
TRACE = """Traceback (most recent call last):
  File "main.py", line 5, in <module>
    f()
  File "main.py", line 3, in f
    return json.loads("{")
           ~^~
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
ValueError: first
second
"""
SYNTAX = """Traceback (most recent call last):
  File "/somewhere/program.py", line 121, in _compile
  File "main.py", line 7
    x = (1,
        ^
SyntaxError: '(' was never closed
"""


def seen(status: Status, stdout: str = "", stderr: str = "", max_chars: int = 2000) -> str:
    return of_run(RunResult(status, stdout, stderr), LIMITS, max_chars)


def test_success_is_what_was_printed_and_nothing_else() -> None:
    assert seen(Status.OK, " 42 \n", "DeprecationWarning: old") == "42"
    assert seen(Status.OK, " \n") == NO_OUTPUT


def test_an_exception_is_one_line_with_the_programs_own_line_number() -> None:
    assert seen(Status.ERROR, "1\n", TRACE) == "1\nValueError: first (line 3)\nsecond"
    assert seen(Status.ERROR, "", SYNTAX) == "SyntaxError: '(' was never closed (line 7)"
    assert seen(Status.ERROR, "", "sys.exit said no") == "sys.exit said no"
    assert seen(Status.ERROR)


@pytest.mark.parametrize(
    ("status", "limit"), [(Status.TIMEOUT, "10 s"), (Status.MEMORY, "512 MB"), (Status.OUTPUT_LIMIT, "64000 bytes")]
)
def test_a_limit_is_named(status: Status, limit: str) -> None:
    assert limit in seen(status)
    assert seen(status, "so far").startswith("so far\n")


@pytest.mark.parametrize("status", [Status.KILLED, Status.SANDBOX_ERROR])
def test_other_ends_are_told(status: Status) -> None:
    assert seen(status)


@given(text=st.text(max_size=400), limit=st.integers(80, 300))
def test_the_middle_is_left_out_of_long_text(text: str, limit: int) -> None:
    short = truncate(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        assert short[:10] == text[:10]
        assert short[-10:] == text[-10:]
        assert "more characters" in short


@given(stdout=st.text(max_size=300), stderr=st.text(max_size=300), status=st.sampled_from(Status))
def test_an_observation_is_never_too_long_nor_empty(stdout: str, stderr: str, status: Status) -> None:
    text = seen(status, stdout, stderr, 100)
    assert 0 < len(text) <= 100


def test_entries() -> None:
    entries = [Entry("math.isqrt", "math.isqrt(n, /)", "Integer square root."), Entry("math", "math", "Mathematics.")]
    assert of_entries("isqrt", entries, 500) == "math.isqrt(n, /)\nInteger square root.\n\nmath\nMathematics."
    assert "nope" in of_entries("nope", [], 500)
