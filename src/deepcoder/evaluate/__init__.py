"""The evaluate stage: base, student and teacher on the same problems; and files of benchmark samples."""

from deepcoder.evaluate.judging import evaluate_samples

__all__ = ["evaluate_samples"]
