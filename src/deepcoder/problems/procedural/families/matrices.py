"""Matrices as lists of rows."""

from __future__ import annotations

import itertools

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "matrices"
Matrix = list[list[int]]


def any_shape(draw: Draw) -> Values:
    """A matrix of two or three rows and columns."""
    return {"m": draw.matrix(draw.small(2, 3), draw.small(2, 3), 0, 9 * draw.level)}


def square(draw: Draw) -> Values:
    """A square matrix."""
    n = 2 if draw.level < 3 else 3
    return {"m": draw.matrix(n, n, 0, 9 * draw.level)}


def square_any(draw: Draw) -> Values:
    """A square matrix with two or three rows."""
    n = draw.small(2, 3)
    return {"m": draw.matrix(n, n, 0, 9 * draw.level)}


def two_squares(draw: Draw) -> Values:
    """Two matrices of two rows and columns."""
    return {"a": draw.matrix(2, 2, 0, 6 * draw.level), "b": draw.matrix(2, 2, 0, 6 * draw.level)}


def scaled(draw: Draw) -> Values:
    """A matrix and a factor."""
    return {"m": draw.matrix(2, draw.small(2, 3)), "k": draw.small(2, 12)}


def with_row(draw: Draw) -> Values:
    """A matrix and one of its rows."""
    m = draw.matrix(3, draw.small(2, 3), 0, 9 * draw.level)
    return {"m": m, "k": draw.small(1, 3)}


def with_column(draw: Draw) -> Values:
    """A matrix and one of its columns."""
    m = draw.matrix(draw.small(2, 3), 3, 0, 9 * draw.level)
    return {"m": m, "k": draw.small(1, 3)}


def maybe_symmetric(draw: Draw) -> Values:
    """A square matrix, symmetric half of the time."""
    n = draw.small(2, 3)
    m = draw.matrix(n, n)
    if draw.chance(0.6):
        m = [[m[min(i, j)][max(i, j)] for j in range(n)] for i in range(n)]
    return {"m": m}


def _transpose(m: Matrix) -> Matrix:
    return [[row[j] for row in m] for j in range(len(m[0]))]


def _determinant(m: Matrix) -> int:
    if len(m) == 1:
        return m[0][0]
    return sum((-1) ** j * m[0][j] * _determinant([r[:j] + r[j + 1 :] for r in m[1:]]) for j in range(len(m)))


def _product(a: Matrix, b: Matrix) -> Matrix:
    return [[a[i][0] * b[0][j] + a[i][1] * b[1][j] for j in range(2)] for i in range(2)]


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("transpose", "[list(r) for r in zip(*{m})]", _transpose, any_shape, "Zip the rows.", main="m",
        takes="matrix", gives="matrix"),
    Operation("determinant", "m[0][0] * m[1][1] - m[0][1] * m[1][0]", _determinant,
        lambda d: {"m": d.matrix(2, 2, -5, 15 * d.level)}, "Use ad - bc.", before="m = {m}"),
    Operation("matrix_product", "[[sum(x * y for x, y in zip(r, c)) for c in zip(*{b})] for r in {a}]", _product,
        two_squares, "Multiply rows by columns."),
    Operation("matrix_sum", "[[x + y for x, y in zip(r, s)] for r, s in zip({a}, {b})]",
        lambda a, b: [[a[i][j] + b[i][j] for j in range(2)] for i in range(2)], two_squares, "Add elementwise.",
        gives="matrix"),
    Operation("trace", "sum({m}[i][i] for i in range(len({m})))", lambda m: sum(r[i] for i, r in enumerate(m)),
        square_any, "Sum the diagonal.", main="m", gives="int"),
    Operation("row_sums", "[sum(r) for r in {m}]", lambda m: [sum(sorted(r)) for r in m], any_shape, "Sum each row.",
        main="m", takes="matrix", gives="ints", out="list"),
    Operation("column_sums", "[sum(c) for c in zip(*{m})]", lambda m: [sum(c) for c in _transpose(m)], any_shape,
        "Sum each column.", main="m", takes="matrix", gives="ints", out="list"),
    Operation("scale", "[[{k} * x for x in r] for r in {m}]", lambda m, k: [[x * k for x in r] for r in m], scaled,
        "Multiply each element.", main="m", gives="matrix"),
    Operation("matrix_max", "max(max(r) for r in {m})", lambda m: max(x for r in m for x in r), any_shape,
        "Take the maximum.", main="m", takes="matrix", gives="int"),
    Operation("flatten", "[x for r in {m} for x in r]", lambda m: list(itertools.chain(*m)), any_shape,
        "Flatten the rows.", main="m", takes="matrix", gives="ints", out="list"),
    Operation("row", "{m}[{k} - 1]", lambda m, k: m[:k][-1], with_row, "Index the row.", out="list", main="m",
        gives="ints"),
    Operation("column", "[r[{k} - 1] for r in {m}]", lambda m, k: _transpose(m)[k - 1], with_column,
        "Index each row.", out="list", main="m", gives="ints"),
    Operation("symmetric", "{m} == [list(r) for r in zip(*{m})]",
        lambda m: all(m[i][j] == m[j][i] for i in range(len(m)) for j in range(i)), maybe_symmetric,
        "Compare with the transpose.", out="bool", main="m"),
    Operation("matrix_total", "sum(sum(r) for r in {m})", lambda m: sum(itertools.chain(*m)), any_shape,
        "Sum all elements.", main="m", takes="matrix", gives="int"),
))
