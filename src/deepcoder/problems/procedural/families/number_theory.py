"""Number theory: divisors, primes, digits, congruences."""

from __future__ import annotations

import math

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "number_theory"

FACTORIZE = """
n, p, fs = {n}, 2, []
while n > 1:
    while n % p == 0:
        fs.append(p)
        n //= p
    p += 1
"""


def number(draw: Draw) -> Values:
    """A number of two to four digits."""
    return {"n": draw.int(20, 10 ** (1 + draw.level))}


def big(draw: Draw) -> Values:
    """A number of up to seven digits."""
    return {"n": draw.int(100, 10 ** (2 * draw.level + 1))}


def divisible_number(draw: Draw) -> Values:
    """A number with several divisors."""
    return {"n": draw.choice((2, 3, 4, 6)) * draw.choice((2, 3, 5, 7)) * draw.int(2, 50)}


def pair(draw: Draw) -> Values:
    """Two numbers with a common factor."""
    k = draw.small(2, 12 * draw.level)
    return {"a": k * draw.int(2, 60), "b": k * draw.int(2, 60)}


def maybe_prime(draw: Draw) -> Values:
    """An odd number, half of the time a prime."""
    n = draw.int(11, 2000)
    if draw.chance(0.5):
        while not is_prime(n):
            n += 1
    return {"n": n}


def maybe_square(draw: Draw) -> Values:
    """A square half of the time."""
    n = draw.int(4, 90) ** 2
    return {"n": n if draw.chance(0.5) else n + draw.small(1, 9)}


def modular(draw: Draw) -> Values:
    """Base, exponent, modulus."""
    return {"a": draw.int(2, 99), "b": draw.int(5, 90), "m": draw.int(7, 200)}


def is_prime(n: int) -> bool:
    """By trial division."""
    return n > 1 and all(n % i for i in range(2, int(n**0.5) + 1))


def factors(n: int) -> list[int]:
    """Prime factors, smallest first."""
    found = []
    p = 2
    while n > 1:
        while n % p == 0:
            found.append(p)
            n //= p
        p += 1
    return found


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _divisors(n: int) -> list[int]:
    low = [i for i in range(1, math.isqrt(n) + 1) if n % i == 0]
    return sorted({*low, *(n // i for i in low)})


def _nth_prime(k: int) -> int:
    return [n for n in range(2, 1000) if is_prime(n)][k - 1]


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("gcd", "math.gcd({a}, {b})", _gcd, pair, "Use math.gcd.", before="import math"),
    Operation("lcm", "math.lcm({a}, {b})", lambda a, b: a // _gcd(a, b) * b, pair, "Use math.lcm.",
        before="import math"),
    Operation("is_prime", "{n} > 1 and all({n} % i for i in range(2, int({n} ** 0.5) + 1))", is_prime, maybe_prime,
        "Test for divisors.", main="n", takes="int", out="bool"),
    Operation("prime_factors", "fs", factors, divisible_number, "Divide out the factors.", out="list", main="n",
        before=FACTORIZE, takes="int", gives="ints"),
    Operation("divisors", "[i for i in range(1, {n} + 1) if {n} % i == 0]", _divisors, divisible_number,
        "List the divisors.", main="n", takes="int", gives="ints", out="list"),
    Operation("count_divisors", "sum({n} % i == 0 for i in range(1, {n} + 1))", lambda n: len(_divisors(n)),
        divisible_number, "Count the divisors.", main="n", takes="int", gives="int"),
    Operation("digit_sum", "sum(int(c) for c in str({n}))", lambda n: sum(n // 10**i % 10 for i in range(40)), big,
        "Sum the digits.", main="n", takes="int", gives="int"),
    Operation("count_digits", "len(str({n}))", lambda n: next(i for i in range(1, 60) if n < 10**i), big,
        "Count the digits.", main="n", takes="int", gives="int"),
    Operation("digital_product", "math.prod(int(c) for c in str({n}))",
        lambda n: math.prod([ord(c) - 48 for c in f"{n}"]), number, "Multiply the digits.", before="import math",
        main="n", takes="int", gives="int"),
    Operation("reverse_digits", "int(str({n})[::-1])", lambda n: int("".join(reversed(f"{n}"))), big,
        "Reverse the digits.", main="n", takes="int", gives="int"),
    Operation("primes_below", "[p for p in range(2, {n}) if all(p % i for i in range(2, p))]",
        lambda n: [p for p in range(2, n) if is_prime(p)], lambda d: {"n": d.int(8, 60)}, "List the primes.",
        out="list", main="n"),
    Operation("count_primes", "sum(all(p % i for i in range(2, p)) for p in range(2, {n}))",
        lambda n: len([p for p in range(2, n) if is_prime(p)]), lambda d: {"n": d.int(10, 400)}, "Count the primes.",
        main="n"),
    Operation("next_prime", "next(p for p in range({n} + 1, 2 * {n} + 2) if all(p % i for i in range(2, p)))",
        lambda n: next(p for p in range(n + 1, 2 * n + 2) if is_prime(p)), lambda d: {"n": d.int(5, 900)},
        "Find the next prime.", main="n", takes="int", gives="int"),
    Operation("nth_prime", "[p for p in range(2, 1000) if all(p % i for i in range(2, p))][{k} - 1]", _nth_prime,
        lambda d: {"k": d.int(3, 120)}, "List primes and index."),
    Operation("is_square", "math.isqrt({n}) ** 2 == {n}", lambda n: n in [i * i for i in range(200)], maybe_square,
        "Check the integer root.", before="import math", out="bool", main="n"),
    Operation("power_mod", "pow({a}, {b}, {m})", lambda a, b, m: a**b % m, modular, "Use three-argument pow."),
    Operation("coprime", "math.gcd({a}, {b}) == 1", lambda a, b: _gcd(a, b) < 2,
        lambda d: pair(d) if d.chance(0.4) else {"a": d.int(5, 300), "b": d.int(5, 300)}, "Check the gcd.",
        before="import math", out="bool"),
))
