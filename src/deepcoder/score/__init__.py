"""score: examples and a larger model of the same vocabulary -> its likeliest tokens at each trained one."""

from deepcoder.score.stage import outputs, run

__all__ = ["outputs", "run"]
