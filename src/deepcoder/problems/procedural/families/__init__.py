"""The families. Each module holds one table with its wordings: what is asked, and the code that answers it."""

from __future__ import annotations

from functools import cache

from deepcoder.problems.procedural.chains import ChainFamily
from deepcoder.problems.procedural.documentation import DocumentationFamily
from deepcoder.problems.procedural.families import (
    arithmetic,
    bases,
    bits,
    combinatorics,
    dates,
    documentation_questions,
    error_recovery,
    functions,
    geometry,
    letters,
    lists,
    matrices,
    number_theory,
    ranking,
    records,
    sequences,
    sets,
    strings,
    text_statistics,
    transforms,
    units,
)
from deepcoder.problems.procedural.family import Family, OperationFamily
from deepcoder.problems.procedural.functions import FunctionFamily
from deepcoder.problems.procedural.operation import Operation
from deepcoder.problems.procedural.recovery import RecoveryFamily
from deepcoder.problems.procedural.steps import StepsFamily

TABLES = (
    arithmetic, number_theory, strings, letters, lists, transforms, records, dates, text_statistics, bases,
    combinatorics, matrices, sets, ranking, units, bits, sequences, geometry,
)  # fmt: skip


@cache
def all_families() -> tuple[Family, ...]:
    """Every family, in a fixed order."""
    plain = tuple(OperationFamily(table.NAME, table.OPERATIONS) for table in TABLES)
    chained = all_operations()
    return (
        *plain,
        DocumentationFamily(documentation_questions.QUESTIONS),
        FunctionFamily(functions.NAME, functions.TASKS),
        StepsFamily(chained, chained),
        RecoveryFamily(error_recovery.NAME, error_recovery.TRAPS),
        ChainFamily(chained),
    )


def all_operations() -> tuple[Operation, ...]:
    """Every operation of the plain families."""
    return tuple(operation for table in TABLES for operation in table.OPERATIONS)
