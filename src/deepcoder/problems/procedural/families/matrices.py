"""Matrices as lists of rows."""

from __future__ import annotations

import itertools

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("transpose", "[list(r) for r in zip(*{m})]", _transpose, any_shape, "Zip the rows.", main="m",
        takes="matrix", gives="matrix",
        train="""
            n: the transpose of {m}
            n: the transpose of the matrix {m}
            v: transpose {m}
            v: transpose the matrix {m}
            v: swap the rows and columns of {m}
            v: turn the rows of {m} into columns
            q: what is the transpose of {m}?
        """, held_out="""
            v: mirror {m} at its main diagonal
            q: if the columns of {m} become rows, what is the matrix?
        """),
    Operation("determinant", "m[0][0] * m[1][1] - m[0][1] * m[1][0]", _determinant,
        lambda d: {"m": d.matrix(2, 2, -5, 15 * d.level)}, "Use ad - bc.", before="m = {m}",
        train="""
            n: the determinant of {m}
            n: the determinant of the <2x2 |>matrix {m}
            v: compute the determinant of {m}
            v: find the determinant of the matrix {m}
            q: what is the determinant of {m}?
            q: what is det({m})?
        """, held_out="""
            q: by what signed factor does the map {m} scale areas?
            v: evaluate the 2x2 determinant of the rows {m}
        """),
    Operation("matrix_product", "[[sum(x * y for x, y in zip(r, c)) for c in zip(*{b})] for r in {a}]", _product,
        two_squares, "Multiply rows by columns.",
        train="""
            n: the matrix product of {a} and {b}
            n: the product of the matrices {a} and {b}
            v: multiply the matrices {a} and {b}
            v: multiply the matrix {a} by the matrix {b}
            v: compute the matrix product {a} times {b}
            q: what is the matrix product of {a} and {b}?
        """, held_out="""
            q: which matrix comes of {a} @ {b}, rows times columns?
            v: apply matrix multiplication to {a} (left) and {b} (right)
        """),
    Operation("matrix_sum", "[[x + y for x, y in zip(r, s)] for r, s in zip({a}, {b})]",
        lambda a, b: [[a[i][j] + b[i][j] for j in range(2)] for i in range(2)], two_squares, "Add elementwise.",
        gives="matrix",
        train="""
            n: the sum of the matrices {a} and {b}
            n: the matrix sum of {a} and {b}
            v: add the matrices {a} and {b}
            v: add {a} and {b} as matrices
            v: add the matrices {a} and {b} element by element
            q: what is the sum of the matrices {a} and {b}?
        """, held_out="""
            v: put the matrices {a} and {b} together, entry plus entry
            q: which matrix results from {a} + {b} in linear algebra?
        """),
    Operation("trace", "sum({m}[i][i] for i in range(len({m})))", lambda m: sum(r[i] for i, r in enumerate(m)),
        square_any, "Sum the diagonal.", main="m", gives="int",
        train="""
            n: the trace of {m}
            n: the trace of the matrix {m}
            n: the sum of the main diagonal of {m}
            v: compute the trace of {m}
            v: add up the <main diagonal|diagonal elements> of {m}
            q: what is the trace of {m}?
            q: what is the sum of the diagonal elements of {m}?
        """, held_out="""
            q: going from the top left of {m} to the bottom right, what do the entries add up to?
            v: total the entries of {m} whose row and column number agree
        """),
    Operation("row_sums", "[sum(r) for r in {m}]", lambda m: [sum(sorted(r)) for r in m], any_shape, "Sum each row.",
        main="m", takes="matrix", gives="ints", out="list",
        train="""
            p: the row sums of {m}
            p: the sums of the rows of {m}
            v: compute the sum of each row of {m}
            v: add up every row of {m}
            v: sum each row in {m} and give a list
            q: what are the row sums of {m}?
        """, held_out="""
            p: the totals of {m}, row by row
            q: what does each line of {m} add up to?
        """),
    Operation("column_sums", "[sum(c) for c in zip(*{m})]", lambda m: [sum(c) for c in _transpose(m)], any_shape,
        "Sum each column.", main="m", takes="matrix", gives="ints", out="list",
        train="""
            p: the column sums of {m}
            p: the sums of the columns of {m}
            v: compute the sum of each column of {m}
            v: add up every column of {m}
            v: sum each column in {m} and give a list
            q: what are the column sums of {m}?
        """, held_out="""
            p: the totals of {m}, column by column
            q: reading {m} from top to bottom, what does each column add up to?
        """),
    Operation("scale", "[[{k} * x for x in r] for r in {m}]", lambda m, k: [[x * k for x in r] for r in m], scaled,
        "Multiply each element.", main="m", gives="matrix",
        train="""
            n: {k} times the matrix {m!r}
            n: the matrix {m!r} multiplied by {k}
            v: multiply the matrix {m!r} by {k}
            v: multiply every element of {m} by {k}
            v: scale {m} by {k}
            q: what is {k} times the matrix {m!r}?
        """, held_out="""
            v: enlarge each entry of {m} by the factor {k}
            q: the matrix {m!r} is scaled with {k}. What is it then?
        """),
    Operation("matrix_max", "max(max(r) for r in {m})", lambda m: max(x for r in m for x in r), any_shape,
        "Take the maximum.", main="m", takes="matrix", gives="int",
        train="""
            n: the largest <element|entry|number> in the matrix {m!r}
            n: the maximum of the matrix {m!r}
            n: the <largest|biggest> number in {m}
            v: find the largest <element|entry> of {m}
            q: what is the largest <number|entry> in the matrix {m!r}?
            q: which number in {m} is the largest?
        """, held_out="""
            q: no entry of the matrix {m!r} exceeds which one?
            v: single out the top value anywhere in {m}
        """),
    Operation("flatten", "[x for r in {m} for x in r]", lambda m: list(itertools.chain(*m)), any_shape,
        "Flatten the rows.", main="m", takes="matrix", gives="ints", out="list",
        train="""
            n: {m} flattened into one list
            n: the flattened <version|form> of {m}
            v: flatten {m}
            v: flatten {m} into <one|a single> list
            v: join the rows of {m} into one list
            q: what is {m} as one flat list?
        """, held_out="""
            v: write out {m} row after row without inner brackets
            q: if the inner lists of {m} are dissolved, which list is left?
        """),
    Operation("row", "{m}[{k} - 1]", lambda m, k: m[:k][-1], with_row, "Index the row.", out="list", main="m",
        gives="ints",
        train="""
            n: row {k} of {m}, counting from 1
            n: row number {k} of the matrix {m!r} (the first row is 1)
            v: get row {k} of {m} (the first row is row 1)
            v: extract row number {k} from {m}, counting from 1
            q: what is row {k} of {m}, counting from 1?
        """, held_out="""
            q: counting lines from 1 at the top, what stands in line {k} of {m}?
            v: read off the line in place {k} of {m}, the top one having place 1
        """),
    Operation("column", "[r[{k} - 1] for r in {m}]", lambda m, k: _transpose(m)[k - 1], with_column,
        "Index each row.", out="list", main="m", gives="ints",
        train="""
            n: column {k} of {m}, counting from 1
            n: column number {k} of the matrix {m!r} (the first column is 1)
            v: get column {k} of {m} (the first column is column 1)
            v: extract column number {k} from {m}, counting from 1
            q: what is column {k} of {m}, counting from 1?
        """, held_out="""
            q: which entries of {m} stand in place {k} of their rows, places counted from 1? List them from the top.
            v: read {m} downwards at place {k} of the rows, 1 being the leftmost
        """),
    Operation("symmetric", "{m} == [list(r) for r in zip(*{m})]",
        lambda m: all(m[i][j] == m[j][i] for i in range(len(m)) for j in range(i)), maybe_symmetric,
        "Compare with the transpose.", out="bool", main="m",
        train="""
            q: is {m} symmetric?
            q: is the matrix {m!r} symmetric?
            q: is {m} equal to its transpose?
            v: check <whether|if> {m} is symmetric
            v: test <whether|if> the matrix {m!r} is symmetric
            v: determine whether {m} equals its own transpose
        """, held_out="""
            q: does {m} stay the same if rows and columns trade places?
            v: find out whether the diagonal of {m} is a mirror line
        """),
    Operation("matrix_total", "sum(sum(r) for r in {m})", lambda m: sum(itertools.chain(*m)), any_shape,
        "Sum all elements.", main="m", takes="matrix", gives="int",
        train="""
            n: the sum of all <elements|entries> of {m}
            n: the total of all numbers in the matrix {m!r}
            v: add up all <elements|entries> of {m}
            v: sum every number in {m}
            q: what do all numbers in {m} add up to?
            q: what is the sum of the entries of {m}?
        """, held_out="""
            q: adding {m} in both directions gives which grand total?
            v: work out what the entries of {m} come to altogether
        """),
)
# fmt: on
