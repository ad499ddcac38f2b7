from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Benchmark files and the Qwen3 tokenizer, where a developer has put them beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the development data folder {SHARED}")
    return SHARED
