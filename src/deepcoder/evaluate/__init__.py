"""The evaluate stage: base, student and teacher on the same problems; and files of benchmark samples."""

from deepcoder.evaluate.judging import Subset, compare_results, evaluate_samples
from deepcoder.evaluate.stage import outputs, rewrite, run, run_benchmark, run_on

__all__ = ["Subset", "compare_results", "evaluate_samples", "outputs", "rewrite", "run", "run_benchmark", "run_on"]
