"""Dates: weekdays, distances, shifts, calendars."""

from __future__ import annotations

import datetime

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "dates"
IMPORT = "from datetime import date"
SHIFT = "from datetime import date, timedelta"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def one(draw: Draw) -> Values:
    """A date."""
    return {"t": draw.date()}


def two(draw: Draw) -> Values:
    """Two dates, the first one earlier."""
    a = draw.date()
    b = a + datetime.timedelta(days=draw.int(2, 60 * 8 ** (draw.level - 1)))
    return {"a": a, "b": b}


def shifted(draw: Draw) -> Values:
    """A date and a number of days."""
    return {"t": draw.date(), "k": draw.int(3, 40 * 5 ** (draw.level - 1))}


def maybe_same_weekday(draw: Draw) -> Values:
    """Two dates some weeks apart, or some weeks and a few days."""
    t = draw.date()
    return {"a": t, "b": t + datetime.timedelta(days=7 * draw.int(1, 60) + draw.choice((0, 0, 1, 2)))}


def year(draw: Draw) -> Values:
    """A year, leap more often than not by chance."""
    y = draw.int(1700, 2400)
    return {"y": y if draw.chance(0.4) else y // 4 * 4}


def month(draw: Draw) -> Values:
    """A year and a month."""
    y = draw.int(1900, 2100)
    return {"y": y if draw.chance(0.6) else y // 4 * 4, "m": draw.small(1, 12)}


def _leap(y: int) -> bool:
    return y % 400 == 0 or (y % 4 == 0 and y % 100 != 0)


def _weekday(t: datetime.date) -> str:
    """Zeller's congruence."""
    m, y = (t.month, t.year) if t.month > 2 else (t.month + 12, t.year - 1)
    return WEEKDAYS[(t.day + 13 * (m + 1) // 5 + y + y // 4 - y // 100 + y // 400 + 5) % 7]


# fmt: off
OPERATIONS = (
    Operation("weekday", "{t}.strftime('%A')", _weekday, one, "Find the weekday.", before=IMPORT,
        train="""
            n: the <day of the week|weekday> of {t}
            n: the weekday on {t}
            v: find the <weekday|day of the week> of {t}
            v: name the day of the week for {t}
            q: <which|what> day of the week <was|is> {t}?
            q: <which|what> weekday is {t}?
            q: on which <day of the week|weekday> does {t} fall?
            q: what day is {t} (Monday, Tuesday, ...)?
            q: {name} was born on {t}. Which day of the week was that?
        """, held_out="""
            q: is {t} a Monday, a Tuesday or what?
            v: tell me the name of the day in the week on which {t} lies
            q: a contract is dated {t}. Name the weekday of that date.
        """),
    Operation("days_between", "({b} - {a}).days", lambda a, b: b.toordinal() - a.toordinal(), two,
        "Subtract the dates.", before=IMPORT, gives="int",
        train="""
            n: the number of days <from|between> {a} <and|to> {b}
            n: the <distance|difference> in days between {a} and {b}
            v: count the days <from {a} to|between {a} and> {b}
            v: compute how many days lie between {a} and {b}
            q: how many days are <there |>between {a} and {b}?
            q: how many days <pass|is it> from {a} to {b}?
            q: {name} travelled from {a} to {b}. How many days later was the return?
        """, held_out="""
            q: today is {a}. How many days must I wait for {b}?
            n: the length in days of the period that starts on {a} and ends on {b}, first day not counted
            q: if a countdown starts on {a}, on which number of days must it start to reach 0 on {b}?
        """),
    Operation("add_days", "{t} + timedelta(days={k})", lambda t, k: datetime.date.fromordinal(t.toordinal() + k),
        shifted, "Add the days.", before=SHIFT,
        train="""
            n: the date {k} days after {t} (YYYY-MM-DD)
            n: the date {k} days after {t}, in ISO format
            v: add {k} days to {t} and give the date as YYYY-MM-DD
            v: find the date {k} days after {t} (ISO format)
            q: <which|what> date is {k} days after {t}? <Use|Answer as> YYYY-MM-DD.
            q: what is the date {k} days after {t}, in ISO format?
            q: a bill of {t} is due in {k} days. On which date (YYYY-MM-DD)?
        """, held_out="""
            q: {t} plus {k} days is when? Write year-month-day.
            v: go {k} days forward from {t} and name that date in ISO format
            q: it is {t} and the shop opens in {k} days. When is that (YYYY-MM-DD)?
        """),
    Operation("subtract_days", "{t} - timedelta(days={k})", lambda t, k: datetime.date.fromordinal(t.toordinal() - k),
        shifted, "Subtract the days.", before=SHIFT,
        train="""
            n: the date {k} days before {t} (YYYY-MM-DD)
            n: the date {k} days before {t}, in ISO format
            v: subtract {k} days from {t} and give the date as YYYY-MM-DD
            v: find the date {k} days before {t} (ISO format)
            q: <which|what> date is {k} days before {t}? <Use|Answer as> YYYY-MM-DD.
            q: what was the date {k} days before {t}, in ISO format?
        """, held_out="""
            q: {t} minus {k} days is when? Write year-month-day.
            v: go {k} days back from {t} and name that date in ISO format
            q: it is {t} and the letter was sent {k} days ago. When was that (YYYY-MM-DD)?
        """),
    Operation("day_of_year", "{t}.timetuple().tm_yday", lambda t: (t - datetime.date(t.year - 1, 12, 31)).days, one,
        "Get the day of the year.", before=IMPORT, gives="int",
        train="""
            n: the day of the year of {t}
            n: the day number of {t} within its year
            v: find the day of the year for {t} (1 to 366)
            v: compute which day of the year {t} is
            q: <which|what> day of the year is {t} (a number from 1 to 366)?
            q: {t} is day number what in its year?
        """, held_out="""
            q: counting from 1 January as day 1, what number has {t}?
            v: tell how far into its year {t} is, in days, with 1 for New Year's Day
        """),
    Operation("leap_year", "calendar.isleap({y})", _leap, year, "Use calendar.isleap.", before="import calendar",
        out="bool",
        train="""
            q: <is|was> {y} a leap year?
            q: is the year {y} a leap year?
            v: check <whether|if> {y} is a leap year
            v: determine <whether|if> {y} is a leap year
            q: does {y} have 366 days?
            q: does the year {y} have a 29 February?
        """, held_out="""
            q: is there an extra day in {y}?
            v: find out whether February {y} has 29 days
        """),
    Operation("month_length", "calendar.monthrange({y}, {m})[1]",
        lambda y, m: 28 + _leap(y) if m == 2 else 30 + (m in (1, 3, 5, 7, 8, 10, 12)), month,
        "Use calendar.monthrange.", before="import calendar", gives="int",
        train="""
            n: the number of days in month {m} of {y}
            n: the length in days of month {m} in the year {y}
            v: find the number of days in month {m} of {y}
            q: how many days does month {m} of {y} have?
            q: how many days are in month number {m} of the year {y}?
            q: what is calendar.monthrange({y}, {m})[1]?
        """, held_out="""
            q: on which day number does month {m} of {y} end?
            v: tell how long month {m} of {y} is, in days
        """),
    Operation("iso_week", "{t}.isocalendar()[1]", lambda t: int(t.strftime("%V")), one, "Use isocalendar.",
        before=IMPORT, gives="int",
        train="""
            n: the ISO week number of {t}
            n: the ISO calendar week of {t}
            v: find the ISO week number of {t}
            q: in <which|what> ISO week is {t}?
            q: what is the ISO week number of {t}?
            q: <which|what> calendar week (ISO) does {t} belong to?
        """, held_out="""
            q: an ISO calendar shows {t} in the row of which week?
            v: say which week of the ISO year has {t} in it
        """),
    Operation("reformat", "{t}.strftime('%d/%m/%Y')", lambda t: "/".join(reversed(t.isoformat().split("-"))), one,
        "Format the date.", before=IMPORT,
        train="""
            n: {t} in the format <dd/mm/yyyy|DD/MM/YYYY>
            v: write {t} as dd/mm/yyyy
            v: convert {t} to the format dd/mm/yyyy
            v: format {t} as DD/MM/YYYY
            v: rewrite the date {t} as dd/mm/yyyy
            q: how is {t} written as dd/mm/yyyy?
        """, held_out="""
            v: put {t} in the form day/month/year with two, two and four digits
            q: with slashes and the day first (two digits each), how does {t} look?
        """),
    Operation("same_weekday", "{a}.weekday() == {b}.weekday()", lambda a, b: _weekday(a) == _weekday(b),
        maybe_same_weekday, "Compare the weekdays.", before=IMPORT, out="bool",
        train="""
            q: do {a} and {b} fall on the same <weekday|day of the week>?
            q: are {a} and {b} on the same <weekday|day of the week>?
            v: check <whether|if> {a} and {b} fall on the same weekday
            v: determine whether {a} and {b} are the same day of the week
            q: is the weekday of {a} the same as that of {b}?
        """, held_out="""
            q: would {a} and {b} stand in one column of a calendar with weekday columns?
            v: find out whether {a} and {b} share their weekday
        """),
    Operation("age", "{b}.year - {a}.year - (({b}.month, {b}.day) < ({a}.month, {a}.day))",
        lambda a, b: (b.year * 10000 + b.month * 100 + b.day - a.year * 10000 - a.month * 100 - a.day) // 10000,
        lambda d: {"a": d.date(1940, 2000), "b": d.date(2001, 2030)}, "Count full years.", before=IMPORT, gives="int",
        train="""
            n: the age on {b} of somebody born on {a}
            n: the number of full years from {a} to {b}
            v: compute the age on {b} of a person born on {a}
            v: count the full years between {a} and {b}
            q: {name} was born on {a}. How old is {name} on {b}?
            q: how old is a person born on {a} on {b}?
        """, held_out="""
            q: someone came into the world on {a}. How many birthdays were celebrated by {b}, the birth not counted?
            v: say how many whole years have gone by from {a} until {b}
        """),
)
# fmt: on
