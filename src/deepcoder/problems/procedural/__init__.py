"""Procedural problems: families of operations, wordings composed from templates, an expert for each."""

from deepcoder.problems.procedural.pairs import Pair, training_pairs
from deepcoder.problems.procedural.source import ProceduralSource

__all__ = ["Pair", "ProceduralSource", "training_pairs"]
