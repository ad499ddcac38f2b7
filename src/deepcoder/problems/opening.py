"""The problem source that a config names."""

from __future__ import annotations

from deepcoder.config import ProblemsConfig
from deepcoder.problems.contracts import ProblemSource
from deepcoder.problems.huggingface import open_huggingface
from deepcoder.problems.humaneval import open_humaneval
from deepcoder.problems.jsonl import open_jsonl
from deepcoder.problems.mbpp import open_mbpp
from deepcoder.problems.procedural import ProceduralSource


def open_source(config: ProblemsConfig) -> ProblemSource:
    """Open the source; files are read (and checked) at once. Raises ProblemError."""
    if config.source == "mbpp":
        return open_mbpp(config.path, limit=config.limit)
    if config.source == "humaneval":
        return open_humaneval(config.path, limit=config.limit)
    if config.source == "jsonl":
        return open_jsonl(config.path, limit=config.limit)
    if config.source == "huggingface":
        return open_huggingface(config)
    return ProceduralSource(config)
