from __future__ import annotations

import signal
from pathlib import Path

import pytest

# A job that a shell started in the background ignores Ctrl-C, and so would every process that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Benchmark files and the Qwen3 tokenizer, where a developer has put them beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the development data folder {SHARED}")
    return SHARED
