"""Older record versions are read: each is turned into the next one until it is the current one.

A change that gives a field a default needs no new version: rows without it are read as they are. A field
that is renamed, split or given another meaning does: raise RECORD_VERSION (and the Literal in Trajectory),
and register here what makes a row of the version before into one of the new. There has been one version
so far, so nothing is registered; a test holds that no step is ever missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deepcoder.errors import RecordError
from deepcoder.records import RECORD_VERSION

Row = dict[str, Any]
Upgrade = Callable[[Row], Row]
"""Takes a row of version n, returns one of version n + 1 (without setting `version`); the row may be changed."""

UPGRADES: Mapping[int, Upgrade] = {}
"""By the version that is read: UPGRADES[1] makes 2 of 1."""


def upgraded(row: Row, where: str, *, upgrades: Mapping[int, Upgrade] = UPGRADES, current: int = RECORD_VERSION) -> Row:
    """The row in the current version. RecordError names `where` for a version that is newer, unknown or missing."""
    version = row.get("version")
    if version == current:
        return row
    if not isinstance(version, int) or isinstance(version, bool) or not (version in upgrades or version > current):
        raise RecordError(
            f"{where}: record version {version!r}; this deepcoder reads versions up to {current}",
            hint="the row was not written by deepcoder, or its `version` is lost",
        )
    if version > current:
        raise RecordError(
            f"{where}: record version {version} is newer than this deepcoder, which reads up to {current}",
            hint="use the deepcoder that wrote it, or a newer one",
        )
    while version < current:
        row = {**upgrades[version](dict(row)), "version": version + 1}
        version += 1
    return row
