"""Number theory: divisors, primes, digits, congruences."""

from __future__ import annotations

import math

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("gcd", "math.gcd({a}, {b})", _gcd, pair, "Use math.gcd.", before="import math",
        train="""
            n: the greatest common divisor of {a} and {b}
            n: the <gcd|GCD> of {a} and {b}
            n: the <highest|largest|greatest> common <factor|divisor> of {a} and {b}
            v: find the <gcd|greatest common divisor> of {a} and {b}
            v: compute gcd({a}, {b})
            q: what is gcd({a}, {b})?
            q: <which|what> is the largest number that divides both {a} and {b}?
            q: what is the greatest common divisor of {a} and {b}?
            q: {a} red and {b} blue beads go into equal bags, none left over. How many bags are there at most?
        """, held_out="""
            n: the biggest integer by which both {a} and {b} can be divided
            q: {a} and {b} share divisors. Which one is the greatest?
            q: by what number can the fraction {a}/{b} be reduced at most?
        """),
    Operation("lcm", "math.lcm({a}, {b})", lambda a, b: a // _gcd(a, b) * b, pair, "Use math.lcm.",
        before="import math",
        train="""
            n: the least common multiple of {a} and {b}
            n: the <lcm|LCM> of {a} and {b}
            n: the <lowest|smallest> common multiple of {a} and {b}
            v: find the <lcm|least common multiple> of {a} and {b}
            v: compute lcm({a}, {b})
            q: what is lcm({a}, {b})?
            q: <which|what> is the smallest <positive |>number divisible by both {a} and {b}?
            q: two bells ring together, then every {a} and every {b} minutes. When do they next ring together?
        """, held_out="""
            n: the first positive number that both {a} and {b} divide
            q: {a} and {b} have many multiples in common. Which is the least positive one?
            v: determine the smallest number that is a multiple of {a} as well as of {b}
        """),
    Operation("is_prime", "{n} > 1 and all({n} % i for i in range(2, int({n} ** 0.5) + 1))", is_prime, maybe_prime,
        "Test for divisors.", main="n", takes="int", out="bool",
        train="""
            q: is {n} <a prime number|prime|a prime>?
            q: is {n} prime or not?
            v: check <whether|if> {n} is <prime|a prime number>
            v: test {n} for primality
            v: determine <whether|if> {n} is <prime|a prime number>
            v: decide whether {n} is a prime
        """, held_out="""
            q: does {n} have no divisors but 1 and itself?
            v: find out whether {n} belongs to the primes
            q: {n}: prime?
        """),
    Operation("prime_factors", "fs", factors, divisible_number, "Divide out the factors.", out="list", main="n",
        before=FACTORIZE, takes="int", gives="ints",
        train="""
            p: the prime factors of {n}, with repetition, <in ascending order|smallest first>
            n: the prime factorization of {n} as a list of primes, smallest first
            v: factorize {n} into primes (a list, smallest first, with repetition)
            v: factor {n} into primes and list them in ascending order
            v: list the prime factors of {n} with repetition, in increasing order
            q: what are the prime factors of {n}, with repetition, in ascending order?
        """, held_out="""
            v: split {n} into primes and list all of these, the smallest first
            q: which primes, in rising order and as often as needed, multiply to {n}?
        """),
    Operation("divisors", "[i for i in range(1, {n} + 1) if {n} % i == 0]", _divisors, divisible_number,
        "List the divisors.", main="n", takes="int", gives="ints", out="list",
        train="""
            p: the <divisors|factors> of {n}
            p: all <positive divisors|divisors|factors> of {n}, in ascending order
            v: list <all|the> <divisors|factors> of {n}
            v: find all <divisors|positive divisors> of {n}
            q: what are the <divisors|factors> of {n}?
            q: which <numbers|positive integers> divide {n}<| evenly| without remainder>?
        """, held_out="""
            p: the numbers from 1 up by which {n} can be divided evenly
            q: {n} is a multiple of which positive integers? List them from the smallest up.
            v: write down everything that divides {n}, smallest first
        """),
    Operation("count_divisors", "sum({n} % i == 0 for i in range(1, {n} + 1))", lambda n: len(_divisors(n)),
        divisible_number, "Count the divisors.", main="n", takes="int", gives="int",
        train="""
            n: the number of <divisors|factors|positive divisors> of {n}
            n: the count of divisors of {n}
            v: count the <divisors|factors|positive divisors> of {n}
            q: how many <divisors|factors|positive divisors> does {n} have?
            q: how many <positive integers|numbers> divide {n}?
        """, held_out="""
            q: by how many different positive numbers is {n} divisible?
            v: tell the amount of divisors that {n} possesses
        """),
    Operation("digit_sum", "sum(int(c) for c in str({n}))", lambda n: sum(n // 10**i % 10 for i in range(40)), big,
        "Sum the digits.", main="n", takes="int", gives="int",
        train="""
            n: the sum of the digits of {n}
            n: the <digit sum|sum of digits> of {n}
            n: the sum of all digits in {n}
            v: add up the digits of {n}
            v: sum the digits <of|in> {n}
            v: compute the digit sum of {n}
            q: what is the sum of the digits of {n}?
            q: what do the digits of {n} add up to?
        """, held_out="""
            n: the cross sum of {n}
            q: adding every figure in {n} gives what?
            v: take {n} apart into digits and total them
        """),
    Operation("count_digits", "len(str({n}))", lambda n: next(i for i in range(1, 60) if n < 10**i), big,
        "Count the digits.", main="n", takes="int", gives="int",
        train="""
            n: the number of digits <in|of> {n}
            n: the digit count of {n}
            v: count the digits <of|in> {n}
            q: how many digits does {n} have?
            q: how many digits are <there |>in {n}?
            q: what is len(str({n}))?
        """, held_out="""
            q: written out in decimal, how many figures does {n} take?
            n: the length of {n} in decimal digits
        """),
    Operation("digital_product", "math.prod(int(c) for c in str({n}))",
        lambda n: math.prod([ord(c) - 48 for c in f"{n}"]), number, "Multiply the digits.", before="import math",
        main="n", takes="int", gives="int",
        train="""
            n: the product of the digits of {n}
            n: the product of all digits in {n}
            v: multiply the digits of {n}
            v: multiply all digits of {n} together
            q: what is the product of the digits of {n}?
            q: what do you get when you multiply the digits of {n}?
        """, held_out="""
            q: if each figure of {n} is a factor, what is the product?
            v: take {n} apart into digits and multiply these
        """),
    Operation("reverse_digits", "int(str({n})[::-1])", lambda n: int("".join(reversed(f"{n}"))), big,
        "Reverse the digits.", main="n", takes="int", gives="int",
        train="""
            n: the number {n!r} with its digits reversed
            n: {n} with <its|the> digits in reverse order
            v: reverse the digits of {n}
            v: write the digits of {n} in reverse order
            q: what number do you get when you reverse the digits of {n}?
            q: what is {n} with its digits reversed?
        """, held_out="""
            q: reading {n} from right to left gives which number?
            v: mirror the digits of {n} and give the number
        """),
    Operation("primes_below", "[p for p in range(2, {n}) if all(p % i for i in range(2, p))]",
        lambda n: [p for p in range(2, n) if is_prime(p)], lambda d: {"n": d.int(8, 60)}, "List the primes.",
        out="list", main="n",
        train="""
            p: the primes <below|less than|smaller than> {n}
            p: all prime numbers <below|less than|under> {n}
            v: list <all|the> <primes|prime numbers> <below|less than|smaller than> {n}
            v: find all primes less than {n}
            q: which prime numbers are <smaller than|below|less than> {n}?
            q: what are the primes under {n}?
        """, held_out="""
            v: write down each prime that does not reach {n}
            q: going up from 2 and stopping before {n}, which primes do I pass?
        """),
    Operation("count_primes", "sum(all(p % i for i in range(2, p)) for p in range(2, {n}))",
        lambda n: len([p for p in range(2, n) if is_prime(p)]), lambda d: {"n": d.int(10, 400)}, "Count the primes.",
        main="n",
        train="""
            n: the number of primes <below|less than|smaller than> {n}
            n: the count of prime numbers <below|under> {n}
            v: count the <primes|prime numbers> <below|less than|smaller than> {n}
            q: how many <primes|prime numbers> are <there |><below|less than|smaller than> {n}?
        """, held_out="""
            q: how many primes does one pass before reaching {n}?
            v: say how many of the numbers under {n} are prime
        """),
    Operation("next_prime", "next(p for p in range({n} + 1, 2 * {n} + 2) if all(p % i for i in range(2, p)))",
        lambda n: next(p for p in range(n + 1, 2 * n + 2) if is_prime(p)), lambda d: {"n": d.int(5, 900)},
        "Find the next prime.", main="n", takes="int", gives="int",
        train="""
            n: the <smallest|first> prime <number |><greater|larger> than {n}
            n: the next prime after {n}
            v: find the <next|first> prime <number |>after {n}
            v: find the smallest prime greater than {n}
            q: which prime <comes next after|follows> {n}?
            q: what is the next prime number after {n}?
        """, held_out="""
            q: counting up from {n}, which prime do I meet first, {n} itself left out?
            v: search above {n} for the nearest prime
        """),
    Operation("nth_prime", "[p for p in range(2, 1000) if all(p % i for i in range(2, p))][{k} - 1]", _nth_prime,
        lambda d: {"k": d.int(3, 120)}, "List primes and index.",
        train="""
            n: the {k}th prime number, 2 being the first
            n: prime number {k!r} (the first is 2)
            n: the prime with number {k} in the sequence 2, 3, 5, 7, ...
            v: find the {k}th prime, counting 2 as the first
            q: <which|what> is the {k}th prime number (2 is the first)?
        """, held_out="""
            q: if all primes are numbered from 1 on, which one has number {k}?
            v: count primes from 2 and stop at number {k}; which prime is that?
        """),
    Operation("is_square", "math.isqrt({n}) ** 2 == {n}", lambda n: n in [i * i for i in range(200)], maybe_square,
        "Check the integer root.", before="import math", out="bool", main="n",
        train="""
            q: is {n} a <perfect square|square number>?
            q: is {n} the square of <an integer|a whole number>?
            v: check <whether|if> {n} is a perfect square
            v: test <whether|if> {n} is a square number
            v: determine if {n} is a perfect square
        """, held_out="""
            q: is the square root of {n} a whole number?
            v: find out whether some integer times itself gives {n}
        """),
    Operation("power_mod", "pow({a}, {b}, {m})", lambda a, b, m: a**b % m, modular, "Use three-argument pow.",
        train="""
            n: {a} to the power {b} modulo {m}
            n: {a} ** {b} % {m}
            n: the remainder of {a} to the power of {b} divided by {m}
            n: {a}^{b} mod {m}
            v: compute {a}^{b} mod {m}
            v: raise {a} to the power {b} modulo {m}
            q: what is pow({a}, {b}, {m})?
        """, held_out="""
            q: which remainder does {a} raised to {b} leave on division by {m}?
            v: do the modular exponentiation with base {a}, exponent {b}, modulus {m}
        """),
    Operation("coprime", "math.gcd({a}, {b}) == 1", lambda a, b: _gcd(a, b) < 2,
        lambda d: pair(d) if d.chance(0.4) else {"a": d.int(5, 300), "b": d.int(5, 300)}, "Check the gcd.",
        before="import math", out="bool",
        train="""
            q: are {a} and {b} <coprime|relatively prime>?
            q: is the greatest common divisor of {a} and {b} equal to 1?
            v: check <whether|if> {a} and {b} are <coprime|relatively prime>
            v: determine if {a} and {b} have no common factor other than 1
            q: do {a} and {b} have no common divisor except 1?
        """, held_out="""
            q: is {a}/{b} already in lowest terms?
            v: find out whether only 1 divides both {a} and {b}
        """),
)
# fmt: on
