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
        lambda xs: sum(map(int, xs)), mixed, "Sum the values.",
        train="""
            n: the sum of {xs}, where some numbers are written as strings
            n: the total of {xs}, taking text such as '7' as a number
            v: add up {xs}; strings count as numbers
            v: sum {xs}<|, treating strings as numbers>
            v: total the values {xs} even though some are strings
            q: some of these numbers are strings: {xs}. What is their sum?
            q: what do the values {xs} add up to<| if strings are read as numbers>?
        """,
        held_out="""
            q: a form gave me {xs}, quotes and all. What is the total of these numbers?
            v: work out the total of {xs}, quoted numbers included
        """),
    trap("max_mixed", "print(max({xs}))", "TypeError", "compare them as int.", "max(int(x) for x in {xs})",
        lambda xs: sorted(map(int, xs))[-1], mixed, "Take the maximum.",
        train="""
            n: the largest number in {xs}, where some numbers are strings
            n: the maximum of {xs}, taking strings as numbers
            v: find the largest of {xs}; strings count as numbers
            v: find the maximum of {xs}<|, reading strings as numbers>
            q: some of these numbers are strings: {xs}. Which is the largest?
            q: which number in {xs} is the biggest, quoted ones included?
        """,
        held_out="""
            q: from a form I have {xs}, quotes and all. What is the highest number?
            v: tell the greatest value in {xs}, quoted numbers included
        """),
    trap("sum_none", "print(sum({xs}))", "TypeError", "skip None.", "sum(x for x in {xs} if x is not None)",
        lambda xs: sum(filter(None, xs)), with_none, "Sum the values.",
        train="""
            n: the sum of {xs}, ignoring None
            n: the total of the known values in {xs}
            v: add up {xs} and skip None
            v: sum {xs}, ignoring missing values
            v: total the numbers in {xs}; None means missing
            q: one measurement is missing in {xs}. What is the sum of the others?
            q: what is the sum of {xs} without the None?
        """,
        held_out="""
            q: a sensor failed once and logged {xs}. What do the real readings add up to?
            v: work out the total of {xs}, where None counts nothing
        """),
    trap("missing_key", "d = {d}\nprint(d[{k}])", "KeyError", "use get with a default.", "d.get({k}, {z})",
        lambda d, k, z: {k: z, **d}[k], missing_key, "Look up the key.",
        train="""
            n: the value of {k} in {d}, or {z} if it is missing
            n: the value for the key {k} in {d} (default {z})
            v: look up {k} in {d}; use {z} if there is no such key
            v: get {k} from {d}, falling back to {z}
            v: read the entry {k} of {d}, with {z} as the default
            q: what is the value of {k} in {d}? If the key is missing, answer {z}.
            q: {name} looks for {k} in {d}. What is found, {z} meaning nothing?
        """,
        held_out="""
            q: stock list: {d}. How many {k}? Say {z} where it is not listed.
            v: fetch what {d} holds under {k}, {z} standing in for an absent key
        """, before="d = {d}"),
    trap("index_range", "xs = {xs}\nprint(xs[{k} - 1])", "IndexError", "the list is shorter: answer none.",
        "xs[{k} - 1] if len(xs) >= {k} else 'none'", lambda xs, k: dict(enumerate(xs, 1)).get(k, "none"), too_far,
        "Index the list.",
        train="""
            n: element number {k} of {xs}, or none if there is no such element
            n: item number {k} of {xs} (none if the list is too short)
            v: give element number {k} of {xs}; say none if it does not exist
            v: pick item {k} of {xs}, or answer none
            q: what is item number {k} of {xs}? Answer none if there is none.
            q: which number is at position {k} (from 1) in {xs}? If there is none, answer none.
        """,
        held_out="""
            q: counting from one, what has place {k} in {xs}? Reply none where the list ends before.
            v: name entry {k} of {xs}, with the reply none where it has fewer
        """, before="xs = {xs}"),
    trap("sum_units", "print(sum(int(x) for x in {xs}))", "ValueError", "split off the unit.",
        "sum(int(x.split()[0]) for x in {xs})", lambda xs: sum(int("".join(filter(str.isdigit, x))) for x in xs),
        with_unit, "Sum the quantities.",
        train="""
            n: the sum of the amounts {xs}, without the unit
            n: the total of {xs} (number only)
            v: add up the quantities {xs} and give the number only
            v: sum {xs}; answer with the number only
            q: what do {xs} add up to? Give only the number.
            q: {name} notes {xs}. How much is that in total (number only)?
        """,
        held_out="""
            q: the labels say {xs}. What is the overall amount, leaving the unit away?
            v: work out the combined quantity of {xs}, as a bare number
        """),
    trap("add_commas", "print(int({s}) + int({t}))", "ValueError", "remove the commas.",
        "int({s}.replace(',', '')) + int({t}.replace(',', ''))",
        lambda s, t: int("".join(filter(str.isdigit, s))) + int("".join(filter(str.isdigit, t))), with_commas,
        "Convert and add.",
        train="""
            n: the sum of {s} and {t}, where the comma separates thousands
            n: the total of the amounts {s} and {t} (commas separate thousands)
            v: add {s} and {t}; commas are thousands separators
            v: add the amounts {s} and {t} and answer without commas
            q: two bills say {s} and {t}. What is the total, written without commas?
            q: how much are {s} and {t} together, without commas?
        """,
        held_out="""
            q: town A has {s} people, town B has {t}. How many in both? No commas in the answer.
            v: combine the sums {s} and {t} into one number without commas
        """),
    trap("decimal_to_int", "print(int({s}) * {k})", "ValueError", "convert to float first.", "int(float({s})) * {k}",
        lambda s, k: int(s.partition(".")[0]) * k, decimal_text, "Convert to int and multiply.",
        train="""
            n: {k} times the whole part of the text {s}
            n: the integer part of the string {s}, multiplied by {k}
            v: convert the string {s} to an integer (drop the decimals) and multiply it by {k}
            v: cut the decimals off the string {s} and multiply by {k}
            q: what is the integer part of the string {s} times {k}?
            q: drop the decimals of the string {s}; what is {k} times that?
        """,
        held_out="""
            q: a file has the entry {s} as text. Only its whole units count: what is {k} of them?
            v: take the units before the point in the text {s}, and of these {k} times as many
        """),
    trap("join_numbers", "print('-'.join({xs}))", "TypeError", "convert the numbers to str.",
        "'-'.join(str(x) for x in {xs})", lambda xs: str(xs)[1:-1].replace(", ", "-"), numbers_to_join,
        "Join the numbers.",
        train="""
            n: {xs} joined <with dashes|by dashes> into one string
            n: the string of {xs} joined by '-'
            v: join {xs} with dashes
            v: write {xs} in one string, separated by dashes
            v: concatenate {xs} with '-' in between
            q: what do you get when you join {xs} with '-'?
        """,
        held_out="""
            v: turn {xs} into a code in which a - stands between neighbours
            q: {xs} as one text with hyphens: how does it look?
        """),
    trap("word_plus_number", "print({s} + {n})", "TypeError", "convert the number to str.", "{s} + str({n})",
        lambda s, n: f"{s}{n}", word_and_number, "Append the number.",
        train="""
            n: {s} with the number {n} appended
            n: the word {s} followed directly by the number {n}
            v: append the number {n} to the word {s}
            v: put the number {n} directly after the word {s}
            v: make a user name of {s} and the number {n}, without a space
            q: what is the word {s} followed by the number {n}, without a space?
        """,
        held_out="""
            v: build an identifier: the word {s}, directly behind it the number {n}
            q: a file is called {s} plus its number {n}, nothing in between. What is it called?
        """),
    trap("tuple_item", "t = {t}\nt[0] = {n}\nprint(t)", "TypeError", "tuples are fixed: build a new one.",
        "({n},) + {t}[1:]", lambda t, n: (n, *t[1:]), fixed_pair, "Assign the first item.",
        train="""
            n: the tuple {t} with its first item replaced by {n}
            n: {t} with {n} as the first item, as a tuple
            v: replace the first item of the tuple {t} by {n}
            v: set the first element of the tuple {t} to {n} and print the tuple
            v: change the first value in the tuple {t} to {n}
            q: what is the tuple {t} after setting its first item to {n}?
        """,
        held_out="""
            v: put {n} where the tuple {t} has its first entry; show the tuple
            q: the head of the tuple {t} becomes {n}. What is the tuple then?
        """),
    trap("slash_date", "from datetime import date\nprint(date.fromisoformat({s}).strftime('%A'))", "ValueError",
        "parse it with strptime.", "datetime.strptime({s}, '%d/%m/%Y').strftime('%A')", _weekday, slashed,
        "Find the weekday.",
        train="""
            n: the day of the week of {s} (day/month/year)
            n: the weekday of the date {s}, written day/month/year
            v: find the weekday of {s} (dd/mm/yyyy)
            v: name the day of the week for {s}, format day/month/year
            q: <which|what> day of the week was {s} (dd/mm/yyyy)?
            q: on which weekday does {s} fall (day/month/year)?
        """,
        held_out="""
            q: a ticket is stamped {s}, day first. Which weekday is that?
            v: tell whether {s} (day first) is a Monday, a Tuesday or which other day
        """, before="from datetime import datetime"),
    trap("impossible_date", "from datetime import date\nprint(date.fromisoformat({s}))", "ValueError",
        "there is no such date.", "'invalid'", lambda s: "invalid", impossible_date, "Parse the date.",
        train="""
            v: check the date {s}: print it if it exists, else invalid
            v: parse the date {s} and print it; answer invalid if there is no such date
            v: read {s} as a date, or answer invalid
            q: is {s} a real date? Answer with the date, or with invalid.
            q: does the date {s} exist? Give the date or the word invalid.
        """,
        held_out="""
            q: {s} stands in a form. Repeat it if the calendar has it, else say invalid.
            v: accept {s} if it is on the calendar (repeat it), or else call it invalid
        """),
    trap("count_numeric", "print(sum(int(x) for x in {xs}))", "ValueError", "keep only the numbers.",
        "sum(int(x) for x in {xs} if x.isdigit())", lambda xs: sum(int(x) for x in xs if x.isnumeric()),
        maybe_numbers, "Sum the numbers.",
        train="""
            n: the sum of the numbers in {xs}, ignoring words
            n: the total of the numeric items of {xs}
            v: add up the numbers in {xs} and skip the words
            v: sum the items of {xs} that are numbers
            q: what do the numbers in {xs} add up to, words left out?
            q: what is the sum of the numeric strings in {xs}?
        """,
        held_out="""
            q: {xs}: leaving the words aside, what is the total?
            v: total whatever can be read as a number in {xs}
        """),
    trap("sum_nested", "print(sum({xs}))", "TypeError", "sum the inner lists too.",
        "sum(sum(x) if isinstance(x, list) else x for x in {xs})", _leaves, nested, "Sum the values.",
        train="""
            n: the sum of all numbers in {xs}, inner lists included
            n: the total over the nested list {xs}
            v: add up all numbers in the nested list {xs}
            v: sum {xs} with the inner lists included
            q: what do all the numbers in {xs} add up to?
            q: what is the sum of every number in the nested list {xs}?
        """,
        held_out="""
            v: total {xs} at every level of nesting
            q: if {xs} is flattened, what do its numbers sum to?
        """),
    trap("divide_zero", "print([{n} // x for x in {xs}])", "ZeroDivisionError", "skip the zero.",
        "[{n} // x for x in {xs} if x != 0]", lambda n, xs: [(n - n % x) // x for x in filter(None, xs)],
        zero_divisors, "Divide by each number.",
        train="""
            p: the integer quotients of {n} by each of {xs}, skipping 0
            n: the list of {n} // x for x in {xs}, leaving out x = 0
            v: divide {n} by each number in {xs}, with integer division and without the zero
            v: integer-divide {n} by every element of {xs}; skip division by zero
            q: what is {n} // x for each x in {xs}, leaving zero out? Give a list.
        """,
        held_out="""
            v: share {n} by each of {xs} in turn, whole parts only; a 0 yields no entry
            q: how often does each of {xs} fit into {n}, zero left aside? List the numbers.
        """),
    trap("integer_root", "print(math.isqrt({n}))", "NameError", "import math.", "math.isqrt({n})",
        lambda n: int((n + 0.5) ** 0.5), root, "Use math.isqrt.",
        train="""
            n: the integer square root of {n}
            n: the square root of {n}, rounded down
            n: the whole part of the square root of {n}
            v: compute the integer square root of {n}
            v: take the square root of {n} and round it down
            q: what is math.isqrt({n})?
            q: what is the largest integer whose square is at most {n}?
        """,
        held_out="""
            q: how long is the side of the largest square that {n} tiles can form?
            n: the root of {n} with its decimals dropped
        """, before="import math"),
)
# fmt: on
