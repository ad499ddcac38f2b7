"""Units: lengths, weights, temperatures, times, data, money."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "units"


def amount(draw: Draw) -> Values:
    """A whole amount."""
    return {"x": draw.int(2, 50 * 4**draw.level)}


def temperature(draw: Draw) -> Values:
    """A temperature."""
    return {"x": draw.int(-40, 140)}


def seconds(draw: Draw) -> Values:
    """A number of seconds."""
    return {"x": draw.int(61, 10 ** (2 + draw.level))}


def clock(draw: Draw) -> Values:
    """A time on the clock and minutes to add."""
    return {"h": draw.small(0, 23), "m": draw.small(10, 59), "k": draw.int(15, 600)}


def duration(draw: Draw) -> Values:
    """Hours and minutes."""
    return {"h": draw.small(1, 30), "m": draw.small(1, 59)}


def trip(draw: Draw) -> Values:
    """A distance and a speed."""
    return {"a": draw.int(20, 900), "b": draw.int(15, 130)}


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("km_to_miles", "{x} / 1.609344", lambda x: x * 1000 / 1609.344, amount, "Divide by 1.609344.",
        out="float2"),
    Operation("miles_to_km", "{x} * 1.609344", lambda x: x * 1609.344 / 1000, amount, "Multiply by 1.609344.",
        out="float2"),
    Operation("c_to_f", "{x} * 9 / 5 + 32", lambda x: (x + 40) * 1.8 - 40, temperature, "Use 9/5 and 32.",
        out="float2"),
    Operation("f_to_c", "({x} - 32) * 5 / 9", lambda x: (x + 40) / 1.8 - 40, temperature, "Use 32 and 5/9.",
        out="float2"),
    Operation("kg_to_pounds", "{x} / 0.45359237", lambda x: x * 1000 / 453.59237, amount, "Divide by 0.45359237.",
        out="float2"),
    Operation("inches_to_cm", "{x} * 2.54", lambda x: x * 254 / 100, amount, "Multiply by 2.54.", out="float2"),
    Operation("hms", "f'{x // 3600}:{x // 60 % 60:02d}:{x % 60:02d}'",
        lambda x: f"{x // 3600}:{x % 3600 // 60:02d}:{x % 60:02d}", seconds, "Use divisions by 3600 and 60.",
        before="x = {x}", gives=""),
    Operation("to_minutes", "{h} * 60 + {m}", lambda h, m: sum([m, *[60] * h]), duration, "Multiply the hours by 60.",
        gives="int"),
    Operation("clock_add", "f'{t // 60 % 24:02d}:{t % 60:02d}'",
        lambda h, m, k: f"{(h + (m + k) // 60) % 24:02d}:{(m + k) % 60:02d}", clock, "Add the minutes modulo a day.",
        before="t = {h} * 60 + {m} + {k}"),
    Operation("bytes", "{x} * 1024", lambda x: x << 10, amount, "Multiply by 1024.", gives="int"),
    Operation("cents", "f'{x / 100:.2f}'", lambda x: f"{x // 100}.{x % 100:02d}",
        lambda d: {"x": d.int(101, 10 ** (3 + d.level))}, "Divide by 100.", before="x = {x}"),
    Operation("travel_time", "{a} / {b}", lambda a, b: a * 60 / b / 60, trip, "Divide distance by speed.",
        out="float2"),
    Operation("weeks_days", "f'{x // 7} weeks {x % 7} days'", lambda x: "{} weeks {} days".format(*divmod(x, 7)),
        lambda d: {"x": d.int(15, 900)}, "Divide by 7.", before="x = {x}"),
))
