"""The families. Each module holds one table of operations with its wordings, or one kind of problem."""

from __future__ import annotations

from functools import cache

from deepcoder.problems.procedural.families import arithmetic, lists, strings
from deepcoder.problems.procedural.family import Family, OperationFamily


@cache
def all_families() -> tuple[Family, ...]:
    """Every family, in a fixed order."""
    tables = (arithmetic, strings, lists)
    return tuple(OperationFamily(table.NAME, table.OPERATIONS) for table in tables)
