"""Error recovery: inputs on which the first thing that one writes fails."""

from __future__ import annotations

import datetime
from typing import Any

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.recovery import trap

NAME = "error_recovery"


def mixed(draw: Draw) -> dict[str, Any]:
    """Numbers, some of them written as strings."""
    xs: list[Any] = draw.ints(4, 7)
    for place in {draw.small(0, len(xs) - 1), draw.small(1, len(xs) - 1)}:
        xs[place] = str(xs[place])
    return {"xs": xs}


def with_none(draw: Draw) -> dict[str, Any]:
    """Numbers with one or two missing."""
    xs: list[Any] = draw.ints(4, 7)
    xs.insert(draw.small(1, len(xs) - 1), None)
    return {"xs": xs}


def missing_key(draw: Draw) -> dict[str, Any]:
    """A dict and a key that it does not have."""
    words = draw.words(4, 6)
    d = {word: draw.int(1, 99) for word in words[1:]}
    return {"d": d, "k": words[0], "z": draw.choice((0, -1, 100, 7))}


def too_far(draw: Draw) -> dict[str, Any]:
    """A list and a place beyond its end."""
    xs = draw.ints(3, 6)
    return {"xs": xs, "k": len(xs) + draw.small(1, 5)}


def with_unit(draw: Draw) -> dict[str, Any]:
    """Quantities with a unit: '12 kg'."""
    unit = draw.choice(("kg", "km", "cm", "ml", "px", "EUR"))
    return {"xs": [f"{n} {unit}" for n in draw.ints(3, 5)]}


def with_commas(draw: Draw) -> dict[str, Any]:
    """Two amounts with thousands separators."""
    return {"s": f"{draw.int(1000, 999999):,}", "t": f"{draw.int(1000, 99999):,}"}


def decimal_text(draw: Draw) -> dict[str, Any]:
    """A number with decimals as text."""
    return {"s": f"{draw.int(2, 999)}.{draw.small(1, 9)}", "k": draw.small(2, 9)}


def numbers_to_join(draw: Draw) -> dict[str, Any]:
    """Numbers to be joined to a string."""
    return {"xs": draw.ints(3, 7)}


def word_and_number(draw: Draw) -> dict[str, Any]:
    """A word and a number."""
    return {"s": draw.plain_word(), "n": draw.int(1, 999)}


def fixed_pair(draw: Draw) -> dict[str, Any]:
    """A tuple and a new first item."""
    return {"t": tuple(draw.ints(3, 5)), "n": draw.int(1, 99)}


def slashed(draw: Draw) -> dict[str, Any]:
    """A date as day/month/year."""
    return {"s": draw.date().strftime("%d/%m/%Y")}


def impossible_date(draw: Draw) -> dict[str, Any]:
    """A date that does not exist."""
    year = draw.int(1950, 2060)
    day, month = draw.choice(((30, 2), (31, 4), (31, 6), (31, 9), (31, 11), (32, 1), (0, 5), (29, 13)))
    return {"s": f"{year}-{month:02d}-{day:02d}"}


def maybe_numbers(draw: Draw) -> dict[str, Any]:
    """Words and numbers as text."""
    items = [*map(str, draw.ints(2, 4)), *draw.words(1, 3)]
    draw.random.shuffle(items)
    return {"xs": items}


def pairs_as_text(draw: Draw) -> dict[str, Any]:
    """A dict written with single quotes, as text."""
    return {"s": str(draw.record(2, 4))}


def nested(draw: Draw) -> dict[str, Any]:
    """Lists and numbers mixed."""
    return {"xs": [draw.ints(2, 3), draw.int(1, 99), draw.ints(2, 3)]}


def zero_divisors(draw: Draw) -> dict[str, Any]:
    """A number and divisors, one of them 0."""
    xs = [draw.small(2, 12) for _ in range(draw.size(3, 5))]
    xs.insert(draw.small(0, len(xs)), 0)
    return {"n": draw.int(50, 999), "xs": xs}


def root(draw: Draw) -> dict[str, Any]:
    """A number."""
    return {"n": draw.int(10, 99999)}


def _leaves(xs: list[Any]) -> int:
    return sum(sum(x) if isinstance(x, list) else x for x in xs)


def _weekday(s: str) -> str:
    day, month, year = map(int, s.split("/"))
    return datetime.date(year, month, day).strftime("%A")


# fmt: off
TRAPS = (
    trap("sum_mixed", "print(sum({xs}))", "TypeError", "convert every item to int.", "sum(int(x) for x in {xs})",
        lambda xs: sum(map(int, xs)), mixed, "Sum the values."),
    trap("max_mixed", "print(max({xs}))", "TypeError", "compare them as int.", "max(int(x) for x in {xs})",
        lambda xs: sorted(map(int, xs))[-1], mixed, "Take the maximum."),
    trap("sum_none", "print(sum({xs}))", "TypeError", "skip None.", "sum(x for x in {xs} if x is not None)",
        lambda xs: sum(filter(None, xs)), with_none, "Sum the values."),
    trap("missing_key", "d = {d}\nprint(d[{k}])", "KeyError", "use get with a default.", "d.get({k}, {z})",
        lambda d, k, z: {k: z, **d}[k], missing_key, "Look up the key.", before="d = {d}"),
    trap("index_range", "xs = {xs}\nprint(xs[{k} - 1])", "IndexError", "the list is shorter: answer none.",
        "xs[{k} - 1] if len(xs) >= {k} else 'none'", lambda xs, k: dict(enumerate(xs, 1)).get(k, "none"), too_far,
        "Index the list.", before="xs = {xs}"),
    trap("sum_units", "print(sum(int(x) for x in {xs}))", "ValueError", "split off the unit.",
        "sum(int(x.split()[0]) for x in {xs})", lambda xs: sum(int("".join(filter(str.isdigit, x))) for x in xs),
        with_unit, "Sum the quantities."),
    trap("add_commas", "print(int({s}) + int({t}))", "ValueError", "remove the commas.",
        "int({s}.replace(',', '')) + int({t}.replace(',', ''))",
        lambda s, t: int("".join(filter(str.isdigit, s))) + int("".join(filter(str.isdigit, t))), with_commas,
        "Convert and add."),
    trap("decimal_to_int", "print(int({s}) * {k})", "ValueError", "convert to float first.", "int(float({s})) * {k}",
        lambda s, k: int(s.partition(".")[0]) * k, decimal_text, "Convert to int and multiply."),
    trap("join_numbers", "print('-'.join({xs}))", "TypeError", "convert the numbers to str.",
        "'-'.join(str(x) for x in {xs})", lambda xs: str(xs)[1:-1].replace(", ", "-"), numbers_to_join,
        "Join the numbers."),
    trap("word_plus_number", "print({s} + {n})", "TypeError", "convert the number to str.", "{s} + str({n})",
        lambda s, n: f"{s}{n}", word_and_number, "Append the number."),
    trap("tuple_item", "t = {t}\nt[0] = {n}\nprint(t)", "TypeError", "tuples are fixed: build a new one.",
        "({n},) + {t}[1:]", lambda t, n: (n, *t[1:]), fixed_pair, "Assign the first item."),
    trap("slash_date", "from datetime import date\nprint(date.fromisoformat({s}).strftime('%A'))", "ValueError",
        "parse it with strptime.", "datetime.strptime({s}, '%d/%m/%Y').strftime('%A')", _weekday, slashed,
        "Find the weekday.", before="from datetime import datetime"),
    trap("impossible_date", "from datetime import date\nprint(date.fromisoformat({s}))", "ValueError",
        "there is no such date.", "'invalid'", lambda s: "invalid", impossible_date, "Parse the date."),
    trap("count_numeric", "print(sum(int(x) for x in {xs}))", "ValueError", "keep only the numbers.",
        "sum(int(x) for x in {xs} if x.isdigit())", lambda xs: sum(int(x) for x in xs if x.isnumeric()),
        maybe_numbers, "Sum the numbers."),
    trap("sum_nested", "print(sum({xs}))", "TypeError", "sum the inner lists too.",
        "sum(sum(x) if isinstance(x, list) else x for x in {xs})", _leaves, nested, "Sum the values."),
    trap("divide_zero", "print([{n} // x for x in {xs}])", "ZeroDivisionError", "skip the zero.",
        "[{n} // x for x in {xs} if x != 0]", lambda n, xs: [(n - n % x) // x for x in filter(None, xs)],
        zero_divisors, "Divide by each number."),
    trap("integer_root", "print(math.isqrt({n}))", "NameError", "import math.", "math.isqrt({n})",
        lambda n: int((n + 0.5) ** 0.5), root, "Use math.isqrt.", before="import math"),
)
# fmt: on
