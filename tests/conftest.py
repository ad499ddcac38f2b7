from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A job that a shell started in the background ignores Ctrl-C, and so would every process that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is timed: the machine may be busy.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Benchmark files and the Qwen3 tokenizer, where a developer has put them beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the development data folder {SHARED}")
    return SHARED
