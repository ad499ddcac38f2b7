"""The evaluate stage: base, student and teacher on the same problems; and files of benchmark samples."""

from deepcoder.evaluate.judging import evaluate_samples
from deepcoder.evaluate.stage import outputs, run, run_on

__all__ = ["evaluate_samples", "outputs", "run", "run_on"]
