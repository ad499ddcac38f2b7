from __future__ import annotations

import copy
from pathlib import Path

import pytest
from tests.prepare.prepare_chats import small_tokenizer

from deepcoder.config import StudentConfig
from deepcoder.models.chatml import CHATML_TEMPLATE, student_tokenizer
from deepcoder.prepare.align import Aligner


@pytest.fixture(scope="session")
def qwen_native(shared: Path) -> Aligner:
    """The real Qwen3 tokenizer with its stock template."""
    return Aligner(student_tokenizer(StudentConfig(tokenizer=shared / "qwen3-tokenizer", template="native")))


@pytest.fixture(scope="session")
def qwen(qwen_native: Aligner) -> Aligner:
    """The real Qwen3 tokenizer with the student's template; it takes seconds to load, so only once."""
    tokenizer = copy.copy(qwen_native.tokenizer)
    tokenizer.chat_template = CHATML_TEMPLATE
    return Aligner(tokenizer)


@pytest.fixture(scope="session")
def nano() -> Aligner:
    """nano's own tokenizer."""
    return Aligner(student_tokenizer(StudentConfig()))


@pytest.fixture(scope="session")
def small() -> Aligner:
    """A BPE trained here, whose merges know no word borders."""
    return Aligner(small_tokenizer())


@pytest.fixture(params=["qwen", "qwen_native", "nano", "small"])
def aligner(request: pytest.FixtureRequest) -> Aligner:
    """Each tokenizer and template in turn."""
    found: Aligner = request.getfixturevalue(request.param)
    return found
