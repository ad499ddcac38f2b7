"""The trajectory store: append-only JSONL shards that survive a crash, compacted to Parquet on demand.

    RUN/trajectories/shard-00000.jsonl      verified trajectories, one a line
    RUN/trajectories/shard-00000.parquet    the same after `deepcoder compact`; it takes the place of the JSONL file
    RUN/trajectories/rejected.jsonl         runs that were not verified, so that a resume does not repeat them
    RUN/trajectories/rejected-00000.parquet the same, compacted

A row is the Trajectory record, flat, with two derived keys: `messages` (the canonical chat) and `verified`.
Readers take both forms and older record versions (deepcoder.trajectories.upgrades).
"""

from deepcoder.trajectories.compaction import Compacted, compact
from deepcoder.trajectories.jsonl import cut_half_line, json_line, json_rows
from deepcoder.trajectories.rows import is_trained, trajectory_of, trajectory_row
from deepcoder.trajectories.shards import (
    REJECTED,
    read_rejected,
    read_shard,
    read_trajectories,
    rejected_shards,
    shards,
    stored_rows,
)
from deepcoder.trajectories.writer import ShardWriter

__all__ = [
    "REJECTED",
    "Compacted",
    "ShardWriter",
    "compact",
    "cut_half_line",
    "is_trained",
    "json_line",
    "json_rows",
    "read_rejected",
    "read_shard",
    "read_trajectories",
    "rejected_shards",
    "shards",
    "stored_rows",
    "trajectory_of",
    "trajectory_row",
]
