"""Problem sources: benchmark files, JSONL, Hugging Face datasets, and procedural families with an expert."""

from deepcoder.problems.contracts import Policy, ProblemSource
from deepcoder.problems.opening import open_source
from deepcoder.problems.procedural import Worked, worked_problems

__all__ = ["Policy", "ProblemSource", "Worked", "open_source", "worked_problems"]
