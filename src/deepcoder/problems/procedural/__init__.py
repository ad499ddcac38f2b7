"""Procedural problems: families of operations, wordings composed from templates, an expert for each."""

from deepcoder.problems.procedural.source import ProceduralSource
from deepcoder.problems.procedural.worked import Worked, worked_problems

__all__ = ["ProceduralSource", "Worked", "worked_problems"]
