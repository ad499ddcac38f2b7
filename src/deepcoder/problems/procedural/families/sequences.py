"""Sequences: Fibonacci, arithmetic, geometric, Collatz, figurate numbers."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "sequences"


def index(draw: Draw) -> Values:
    """An index."""
    return {"n": draw.small(6, 20 * draw.level)}


def progression(draw: Draw) -> Values:
    """First term, step, index."""
    return {"a": draw.int(1, 60), "d": draw.small(2, 19), "n": draw.int(6, 99)}


def geometric(draw: Draw) -> Values:
    """First term, ratio, index."""
    return {"a": draw.small(1, 12), "r": draw.small(2, 5), "n": draw.small(4, 9)}


def start(draw: Draw) -> Values:
    """A start."""
    return {"n": draw.int(5, 99 * draw.level)}


def limits(draw: Draw) -> Values:
    """Two ends."""
    a = draw.int(1, 60)
    return {"a": a, "b": a + draw.int(8, 90 * draw.level)}


def stepped(draw: Draw) -> Values:
    """Start, end and step."""
    a = draw.small(0, 30)
    k = draw.small(2, 9)
    return {"a": a, "b": a + k * draw.small(3, 8) + draw.small(1, k), "k": k}


def shown(draw: Draw) -> Values:
    """The first terms of an arithmetic progression."""
    a, d = draw.int(1, 60), draw.small(2, 15)
    return {"xs": [a + i * d for i in range(draw.small(4, 5))]}


def _fibonacci(n: int) -> int:
    g = (1 + 5**0.5) / 2
    return round(g**n / 5**0.5)


def _collatz(n: int) -> list[int]:
    return [n] if n == 1 else [n, *_collatz(n // 2 if n % 2 == 0 else 3 * n + 1)]


# fmt: off
OPERATIONS = (
    Operation("fibonacci", "a", _fibonacci, index, "Iterate Fibonacci.",
        before="a, b = 0, 1\nfor _ in range({n}):\n    a, b = b, a + b", main="n",
        train="""
            n: the Fibonacci number F({n}), where F(1) = F(2) = 1
            n: the {n}th Fibonacci number (F(1) = F(2) = 1)
            v: compute the {n}th Fibonacci number, with F(1) = F(2) = 1
            v: find F({n}) in the Fibonacci sequence 1, 1, 2, 3, 5, ...
            q: what is the {n}th number of the Fibonacci sequence 1, 1, 2, 3, ...?
            q: what is Fibonacci number {n} if the first two are 1?
        """, held_out="""
            q: in the Fibonacci row 1, 1, 2, 3, 5, 8, what stands in place {n}?
            v: go to place {n} of Fibonacci's row, which opens with 1 and 1
        """),
    Operation("fibonacci_list", "f[:{n}]", lambda n: [_fibonacci(i) for i in range(1, n + 1)],
        lambda d: {"n": d.small(4, 18)}, "Build the list.",
        before="f = [1, 1]\nwhile len(f) < {n}:\n    f.append(f[-1] + f[-2])", out="list", main="n", gives="ints",
        train="""
            p: the first {n} Fibonacci numbers, starting 1, 1
            v: list the first {n} Fibonacci numbers (1, 1, 2, ...)
            v: generate {n} Fibonacci numbers starting with 1, 1
            q: what are the first {n} numbers of the Fibonacci sequence 1, 1, 2, 3, ...?
        """, held_out="""
            v: write down Fibonacci's row from 1, 1 up to {n} members
            q: which {n} numbers open the Fibonacci row 1, 1, 2?
        """),
    Operation("arithmetic_term", "{a} + ({n} - 1) * {d}", lambda a, d, n: [*range(a, a + n * d, d)][n - 1],
        progression, "Add n - 1 steps.",
        train="""
            n: term {n} of the arithmetic sequence with first term {a} and <difference|step> {d}
            n: the {n}th term of the arithmetic progression that starts at {a} with common difference {d}
            v: find term number {n} of the arithmetic sequence {a}, {a} + {d}, ...
            q: an arithmetic sequence starts with {a} and grows by {d}. What is term number {n}?
            q: what is term {n} of a sequence that starts at {a} and increases by {d} each time?
            q: {name} saves {a} coins on day 1 and {d} more every day. How many coins are saved on day {n}?
        """, held_out="""
            q: I count from {a} in steps of {d}; {a} is the first number. What is number {n}?
            v: start with {a} as number 1, go on by {d} each time, and name number {n}
        """),
    Operation("arithmetic_sum", "sum({a} + i * {d} for i in range({n}))",
        lambda a, d, n: n * (2 * a + (n - 1) * d) // 2, progression, "Sum the terms.",
        train="""
            n: the sum of the first {n} terms of the arithmetic sequence with first term {a} and <difference|step> {d}
            v: add up the first {n} terms of the arithmetic progression starting at {a} with step {d}
            v: sum the first {n} terms of the arithmetic sequence that starts at {a} and grows by {d}
            q: an arithmetic sequence starts with {a} and grows by {d}. What is the sum of its first {n} terms?
        """, held_out="""
            q: I count from {a} in steps of {d} and say {n} numbers. What is their total?
            v: total {n} numbers of which {a} is the first and each next one is {d} more
        """),
    Operation("geometric_term", "{a} * {r} ** ({n} - 1)", lambda a, r, n: a * r**n // r, geometric,
        "Multiply n - 1 times.",
        train="""
            n: term {n} of the geometric sequence with first term {a} and ratio {r}
            n: the {n}th term of the geometric progression that starts at {a} with ratio {r}
            v: find term number {n} of the geometric sequence with start {a} and ratio {r}
            q: a geometric sequence starts with {a} and has ratio {r}. What is term number {n}?
            q: what is term {n} of a sequence that starts at {a} and is multiplied by {r} each time?
        """, held_out="""
            q: number 1 is {a}, and each next number is {r} times the one before. What is number {n}?
            v: begin with {a} and keep multiplying by {r}; name number {n}, {a} being number 1
        """),
    Operation("sum_to", "sum(range(1, {n} + 1))", lambda n: n * (n + 1) // 2,
        lambda d: {"n": d.int(10, 40 * 10**d.level)}, "Sum the range.", main="n",
        train="""
            n: the sum of <all |>the <numbers|integers|whole numbers> from 1 to {n}
            n: the triangular number T({n})
            n: 1 + 2 + ... + {n}
            n: the sum of the first {n} positive integers
            v: add <all|the> numbers from 1 to {n}
            v: sum the integers from 1 to {n}
            q: what do the numbers from 1 to {n} add up to?
            q: what is sum(range(1, {n} + 1))?
        """, held_out="""
            q: a triangle of dots has rows of 1, 2, 3 up to {n} dots. How many dots is that?
            v: total everything from 1 up to and including {n}
        """),
    Operation("sum_between", "sum(range({a}, {b} + 1))", lambda a, b: (a + b) * (b - a + 1) // 2, limits,
        "Sum the range.",
        train="""
            n: the sum of <all |>the <numbers|integers|whole numbers> from {a} to {b}, <both included|inclusive>
            v: add <all|the> numbers from {a} to {b} inclusive
            v: sum the integers from {a} to {b}, both included
            q: what do the numbers from {a} to {b} (inclusive) add up to?
            q: what is sum(range({a}, {b} + 1))?
        """, held_out="""
            v: total everything from {a} up to and including {b}
            q: page numbers run from {a} through {b}. What is their sum?
        """),
    Operation("sum_squares", "sum(i * i for i in range(1, {n} + 1))", lambda n: n * (n + 1) * (2 * n + 1) // 6,
        lambda d: {"n": d.int(5, 60 * d.level)}, "Sum the squares.", main="n",
        train="""
            n: the sum of the squares from 1 to {n}
            n: the sum of the squares of the first {n} positive integers
            n: 1^2 + 2^2 + ... + {n}^2
            v: add the squares of <all |>the numbers from 1 to {n}
            v: sum i * i for i from 1 to {n}
            q: what is the sum of i ** 2 for i from 1 to {n}?
        """, held_out="""
            q: squares with sides 1, 2, 3 up to {n} are laid out. What is their whole area?
            v: square each number up to {n}, starting with 1, and total these squares
        """),
    Operation("collatz_steps", "k", lambda n: len(_collatz(n)) - 1, start, "Iterate and count.",
        before="n, k = {n}, 0\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    k += 1", main="n",
        takes="int", gives="int",
        train="""
            n: the number of Collatz steps from {n} to 1
            n: the length of the Collatz path from {n} to 1, in steps
            v: count the Collatz steps from {n} down to 1
            q: how many steps does the Collatz sequence take from {n} to 1?
            q: how many times must the Collatz rule (halve even, 3n + 1 for odd) be applied to {n} to reach 1?
        """, held_out="""
            q: halve it if even, else triple it and add 1: how often until {n} has become 1?
            v: follow {n} by the rule of Collatz and tell after how many moves it is 1
        """),
    Operation("collatz_max", "m", lambda n: max(_collatz(n)), start, "Iterate and keep the maximum.",
        before="n = m = {n}\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    m = max(m, n)", main="n",
        train="""
            n: the largest number in the Collatz sequence that starts at {n}
            n: the maximum of the Collatz sequence from {n} to 1
            v: find the highest value of the Collatz sequence starting at {n}
            q: what is the highest number that the Collatz sequence reaches from {n}?
        """, held_out="""
            q: how high does {n} climb, at its peak, under the rule of Collatz?
            v: follow {n} by the rule of Collatz down to 1 and name the peak
        """),
    Operation("range_list", "list(range({a}, {b}, {k}))",
        lambda a, b, k: [x for x in range(a, b) if (x - a) % k == 0], stepped, "Use range.", out="list", gives="ints",
        train="""
            p: the numbers from {a} up to, but not including, {b} in steps of {k}
            v: list the numbers from {a} to {b} (excluded) in steps of {k}
            v: count from {a} in steps of {k} and stop before {b}
            q: what is list(range({a}, {b}, {k}))?
            q: which numbers does range({a}, {b}, {k}) give? List them.
        """, held_out="""
            v: write every number that one lands on when hopping from {a} by {k} at a time, as long as it is below {b}
            p: the stations {a}, {a} plus {k} and so on that lie below {b}
        """),
    Operation("next_term", "xs[-1] + xs[1] - xs[0]", lambda xs: 2 * xs[-1] - xs[-2], shown,
        "Add the common difference.", before="xs = {xs}",
        train="""
            n: the next <term|number> of the arithmetic sequence {xs!r}
            n: the next number in {xs!r} (constant differences)
            v: continue the arithmetic sequence {xs!r} by one number and give it
            q: <which|what> number comes next in the arithmetic sequence {xs!r}?
            q: the sequence {xs!r} grows by a constant. What is the next number?
        """, held_out="""
            q: {xs!r} goes on in equal steps. With what?
            v: extend the evenly spaced numbers {xs!r} by one and name it
        """),
    Operation("multiples", "[{k} * i for i in range(1, {n} + 1)]", lambda k, n: list(range(k, k * n + 1, k)),
        lambda d: {"k": d.int(3, 60), "n": d.small(3, 8)}, "Multiply by 1 to n.", out="list", gives="ints",
        train="""
            p: the first {n} multiples of {k}
            p: the first {n} positive multiples of {k}, as a list
            v: list the first {n} multiples of {k}, starting with {k} itself
            v: write the first {n} numbers in the times table of {k}
            q: what are the first {n} multiples of {k}, beginning with {k}?
        """, held_out="""
            v: count by {k}s, {n} numbers in all, the first being {k}
            q: the row of {k} in the multiplication table has which first {n} entries?
        """),
)
# fmt: on
