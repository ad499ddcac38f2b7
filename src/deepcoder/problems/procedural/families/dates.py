"""Dates: weekdays, distances, shifts, calendars."""

from __future__ import annotations

import datetime

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

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
OPERATIONS = of_family(NAME, (
    Operation("weekday", "{t}.strftime('%A')", _weekday, one, "Find the weekday.", before=IMPORT),
    Operation("days_between", "({b} - {a}).days", lambda a, b: b.toordinal() - a.toordinal(), two,
        "Subtract the dates.", before=IMPORT, gives="int"),
    Operation("add_days", "{t} + timedelta(days={k})", lambda t, k: datetime.date.fromordinal(t.toordinal() + k),
        shifted, "Add the days.", before=SHIFT),
    Operation("subtract_days", "{t} - timedelta(days={k})", lambda t, k: datetime.date.fromordinal(t.toordinal() - k),
        shifted, "Subtract the days.", before=SHIFT),
    Operation("day_of_year", "{t}.timetuple().tm_yday", lambda t: (t - datetime.date(t.year - 1, 12, 31)).days, one,
        "Get the day of the year.", before=IMPORT, gives="int"),
    Operation("leap_year", "calendar.isleap({y})", _leap, year, "Use calendar.isleap.", before="import calendar",
        out="bool"),
    Operation("month_length", "calendar.monthrange({y}, {m})[1]",
        lambda y, m: 28 + _leap(y) if m == 2 else 30 + (m in (1, 3, 5, 7, 8, 10, 12)), month,
        "Use calendar.monthrange.", before="import calendar", gives="int"),
    Operation("iso_week", "{t}.isocalendar()[1]", lambda t: int(t.strftime("%V")), one, "Use isocalendar.",
        before=IMPORT, gives="int"),
    Operation("reformat", "{t}.strftime('%d/%m/%Y')", lambda t: "/".join(reversed(t.isoformat().split("-"))), one,
        "Format the date.", before=IMPORT),
    Operation("same_weekday", "{a}.weekday() == {b}.weekday()", lambda a, b: _weekday(a) == _weekday(b),
        maybe_same_weekday, "Compare the weekdays.", before=IMPORT, out="bool"),
    Operation("age", "{b}.year - {a}.year - (({b}.month, {b}.day) < ({a}.month, {a}.day))",
        lambda a, b: (b.year * 10000 + b.month * 100 + b.day - a.year * 10000 - a.month * 100 - a.day) // 10000,
        lambda d: {"a": d.date(1940, 2000), "b": d.date(2001, 2030)}, "Count full years.", before=IMPORT, gives="int"),
))
