"""Problem sources: benchmark files, JSONL, Hugging Face datasets, and procedural families with an expert."""

from deepcoder.problems.contracts import Policy, ProblemSource
from deepcoder.problems.opening import open_source
from deepcoder.problems.procedural import Pair, training_pairs

__all__ = ["Pair", "Policy", "ProblemSource", "open_source", "training_pairs"]
