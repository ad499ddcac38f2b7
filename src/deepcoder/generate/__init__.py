"""The generate stage: a teacher's agent runs on problems, each one verified, stored as it comes."""

from deepcoder.generate.stage import outputs, run

__all__ = ["outputs", "run"]
