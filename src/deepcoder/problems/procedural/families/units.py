"""Units: lengths, weights, temperatures, times, data, money."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("km_to_miles", "{x} / 1.609344", lambda x: x * 1000 / 1609.344, amount, "Divide by 1.609344.",
        out="float2",
        train="""
            n: {x} km in miles (1 mile = 1.609344 km)
            n: {x} kilometres in miles, with 1 mile = 1.609344 km
            v: convert {x} km to miles (1 mile is 1.609344 km)
            v: convert {x} <kilometres|kilometers> to miles using 1.609344 km per mile
            q: how many miles are {x} km if a mile is 1.609344 km?
            q: {name} ran {x} km. How many miles is that (1.609344 km each)?
        """, held_out="""
            q: a road sign says {x} km. What would it say in miles of 1.609344 km?
            v: turn {x} km into miles, a mile being 1.609344 km
        """),
    Operation("miles_to_km", "{x} * 1.609344", lambda x: x * 1609.344 / 1000, amount, "Multiply by 1.609344.",
        out="float2",
        train="""
            n: {x} miles in km (1 mile = 1.609344 km)
            n: {x} miles in kilometres, with 1 mile = 1.609344 km
            v: convert {x} miles to km (1 mile is 1.609344 km)
            v: convert {x} miles to <kilometres|kilometers> using 1.609344 km per mile
            q: how many <km|kilometres> are {x} miles if a mile is 1.609344 km?
            q: {name} drove {x} miles. How many km is that (1 mile = 1.609344 km)?
        """, held_out="""
            q: a road sign says {x} miles. What would it say in km, at 1.609344 km to the mile?
            v: turn {x} miles of 1.609344 km each into km
        """),
    Operation("c_to_f", "{x} * 9 / 5 + 32", lambda x: (x + 40) * 1.8 - 40, temperature, "Use 9/5 and 32.",
        out="float2",
        train="""
            n: {x} degrees Celsius in Fahrenheit
            n: {x} °C in °F
            n: the Fahrenheit equivalent of {x} degrees Celsius
            v: convert {x} degrees Celsius to Fahrenheit
            v: convert {x} °C to °F
            v: convert {x} Celsius to Fahrenheit
            q: how many degrees Fahrenheit are {x} degrees Celsius?
            q: what is {x} Celsius in Fahrenheit?
        """, held_out="""
            q: a thermometer shows {x} °C. What would one with a Fahrenheit scale show?
            v: put the temperature of {x} Celsius on the Fahrenheit scale
        """),
    Operation("f_to_c", "({x} - 32) * 5 / 9", lambda x: (x + 40) / 1.8 - 40, temperature, "Use 32 and 5/9.",
        out="float2",
        train="""
            n: {x} degrees Fahrenheit in Celsius
            n: {x} °F in °C
            n: the Celsius equivalent of {x} degrees Fahrenheit
            v: convert {x} degrees Fahrenheit to Celsius
            v: convert {x} °F to °C
            v: convert {x} Fahrenheit to Celsius
            q: how many degrees Celsius are {x} degrees Fahrenheit?
            q: what is {x} Fahrenheit in Celsius?
        """, held_out="""
            q: a thermometer shows {x} °F. What would one with a Celsius scale show?
            v: put the temperature of {x} Fahrenheit on the Celsius scale
        """),
    Operation("kg_to_pounds", "{x} / 0.45359237", lambda x: x * 1000 / 453.59237, amount, "Divide by 0.45359237.",
        out="float2",
        train="""
            n: {x} kg in pounds (1 pound = 0.45359237 kg)
            n: {x} kilograms in pounds, with 1 pound = 0.45359237 kg
            v: convert {x} kg to pounds (1 pound is 0.45359237 kg)
            v: convert {x} kilograms to pounds using 0.45359237 kg per pound
            q: how many pounds are {x} kg if a pound is 0.45359237 kg?
            q: a parcel weighs {x} kg. How many pounds of 0.45359237 kg is that?
        """, held_out="""
            q: a scale shows {x} kg. What does one in pounds (0.45359237 kg each) show?
            v: turn {x} kg into pounds, a pound being 0.45359237 kg
        """),
    Operation("inches_to_cm", "{x} * 2.54", lambda x: x * 254 / 100, amount, "Multiply by 2.54.", out="float2",
        train="""
            n: {x} inches in <cm|centimetres>
            n: {x} in. in cm (1 inch = 2.54 cm)
            v: convert {x} inches to <cm|centimetres|centimeters>
            v: convert {x} inches to cm with 2.54 cm per inch
            q: how many <cm|centimetres> are {x} inches?
            q: a screen is {x} inches wide. How many cm is that (1 inch = 2.54 cm)?
        """, held_out="""
            q: a board of {x} inches measures how much in cm, an inch having 2.54 cm?
            v: turn {x} inches of 2.54 cm each into cm
        """),
    Operation("hms", "f'{x // 3600}:{x // 60 % 60:02d}:{x % 60:02d}'",
        lambda x: f"{x // 3600}:{x % 3600 // 60:02d}:{x % 60:02d}", seconds, "Use divisions by 3600 and 60.",
        before="x = {x}", gives="",
        train="""
            n: {x} seconds as h:mm:ss
            n: {x} seconds in the format h:mm:ss
            v: convert {x} seconds to h:mm:ss
            v: write {x} seconds as hours:minutes:seconds (h:mm:ss)
            v: format {x} seconds as h:mm:ss
            q: how long are {x} seconds, written as h:mm:ss?
        """, held_out="""
            q: a stopwatch has counted {x} seconds. What does it show in the form h:mm:ss?
            v: split {x} seconds into hours, minutes and seconds, in the form h:mm:ss
        """),
    Operation("to_minutes", "{h} * 60 + {m}", lambda h, m: sum([m, *[60] * h]), duration, "Multiply the hours by 60.",
        gives="int",
        train="""
            n: {h} hours and {m} minutes in minutes
            n: the number of minutes in {h} hours and {m} minutes
            v: convert {h} hours and {m} minutes to minutes
            v: convert {h} h {m} min to minutes
            q: how many minutes are {h} hours and {m} minutes?
            q: a flight takes {h} hours and {m} minutes. How many minutes is that?
        """, held_out="""
            q: a film runs {h} h {m} min. What is its length in minutes alone?
            v: express {h} hours plus {m} minutes only in minutes
        """),
    Operation("clock_add", "f'{t // 60 % 24:02d}:{t % 60:02d}'",
        lambda h, m, k: f"{(h + (m + k) // 60) % 24:02d}:{(m + k) % 60:02d}", clock, "Add the minutes modulo a day.",
        before="t = {h} * 60 + {m} + {k}",
        train="""
            n: the time {k} minutes after {h}:{m} (24-hour clock, hh:mm)
            v: add {k} minutes to {h}:{m} and give the time as hh:mm (24 hours)
            v: find the time {k} minutes after {h}:{m}, as hh:mm on a 24-hour clock
            q: what time is it {k} minutes after {h}:{m}? Answer as hh:mm (24-hour clock).
            q: a train leaves at {h}:{m} and takes {k} minutes. When does it arrive (hh:mm, 24-hour clock)?
        """, held_out="""
            q: it is {h}:{m} now. What will a digital 24-hour clock (hh:mm) show in {k} minutes?
            v: move a clock at {h}:{m} forward by {k} minutes and read it as hh:mm
        """),
    Operation("bytes", "{x} * 1024", lambda x: x << 10, amount, "Multiply by 1024.", gives="int",
        train="""
            n: {x} KiB in bytes
            n: the number of bytes in {x} KiB
            n: {x} kibibytes in bytes
            v: convert {x} KiB to bytes
            v: convert {x} kibibytes to bytes
            q: how many bytes are {x} KiB?
            q: a file has {x} KiB. How many bytes is that?
        """, held_out="""
            q: a disk block of {x} KiB holds how many bytes?
            v: express {x} KiB in single bytes
        """),
    Operation("cents", "f'{x / 100:.2f}'", lambda x: f"{x // 100}.{x % 100:02d}",
        lambda d: {"x": d.int(101, 10 ** (3 + d.level))}, "Divide by 100.", before="x = {x}",
        train="""
            n: {x} cents in euros, with two decimals
            n: {x} cents in dollars, with two decimals
            v: convert {x} cents to <euros|dollars> with two decimals
            v: write {x} cents as <euros|dollars> with two decimals
            q: how many <euros|dollars> are {x} cents, with two decimals?
        """, held_out="""
            q: a till counts {x} cents. What is that as a price with two decimals?
            v: express {x} cents as whole units, point and two digits
        """),
    Operation("travel_time", "{a} / {b}", lambda a, b: a * 60 / b / 60, trip, "Divide distance by speed.",
        out="float2",
        train="""
            n: the time in hours for {a} km at {b} km/h
            n: the travel time in hours over {a} km at {b} km per hour
            v: compute the hours needed for {a} km at {b} km/h
            q: how many hours does it take to go {a} km at {b} km/h?
            q: {name} drives {a} km at {b} km/h. How many hours does it take?
        """, held_out="""
            q: the station is {a} km away and the train does {b} km/h. How many hours is that?
            v: work out the duration, in hours, of {a} km covered at {b} km/h
        """),
    Operation("weeks_days", "f'{x // 7} weeks {x % 7} days'", lambda x: "{} weeks {} days".format(*divmod(x, 7)),
        lambda d: {"x": d.int(15, 900)}, "Divide by 7.", before="x = {x}",
        train="""
            n: {x} days as 'W weeks D days'
            v: convert {x} days to weeks and days, in the form 'W weeks D days'
            v: write {x} days as 'W weeks D days'
            q: how many weeks and days are {x} days? Answer as 'W weeks D days'.
        """, held_out="""
            q: a voyage lasts {x} days. Say it in the form 'W weeks D days'.
            v: split {x} days into full weeks and days, in the form 'W weeks D days'
        """),
)
# fmt: on
