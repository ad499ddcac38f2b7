"""prepare: verified trajectories -> token ids and span ids, one row a trajectory."""

from deepcoder.prepare.stage import outputs, run

__all__ = ["outputs", "run"]
