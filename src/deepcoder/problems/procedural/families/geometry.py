"""Geometry: lengths, areas, volumes, distances."""

from __future__ import annotations

import math

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

NAME = "geometry"


def radius(draw: Draw) -> Values:
    """A radius."""
    return {"r": draw.int(1, 50 * draw.level)}


def sides(draw: Draw) -> Values:
    """Two lengths."""
    return {"a": draw.int(2, 50 * draw.level), "b": draw.int(2, 50 * draw.level)}


def box(draw: Draw) -> Values:
    """Three lengths."""
    return {key: draw.int(2, 45) for key in "abc"}


def points(draw: Draw) -> Values:
    """Two points."""
    return {"p": (draw.small(-9, 19), draw.small(-9, 19)), "q": (draw.small(-9, 19), draw.small(-9, 19))}


def triangle(draw: Draw) -> Values:
    """Three sides of a real triangle."""
    a, b = draw.int(4, 45), draw.int(4, 45)
    return {"a": a, "b": b, "c": draw.small(abs(a - b) + 1, a + b - 1)}


def cylinder(draw: Draw) -> Values:
    """Radius and height."""
    return {"r": draw.small(2, 30), "h": draw.small(2, 50)}


def corners(draw: Draw) -> Values:
    """Corners of a triangle."""
    return {"ps": [(draw.small(0, 12), draw.small(0, 12)) for _ in range(3)]}


def _shoelace(ps: list[tuple[int, int]]) -> float:
    (a, b), (c, d), (e, f) = ps
    return abs((c - a) * (f - b) - (e - a) * (d - b)) / 2


# fmt: off
OPERATIONS = (
    Operation("circle_area", "math.pi * {r} ** 2", lambda r: math.pi * r * r, radius, "Use pi r squared.",
        before="import math", out="float2",
        train="""
            n: the area of a circle with radius {r}
            n: the area of a circle of radius {r}
            v: compute the area of a circle with radius {r}
            v: find the area of a circle whose radius is {r}
            q: what is the area of a circle of radius {r}?
            q: a <round table|pond|circle> has a radius of {r} <m|cm>. What is its area?
        """, held_out="""
            q: how much space does a disc with radius {r} cover?
            v: work out how large a circle is inside, its radius being {r}
        """),
    Operation("circumference", "2 * math.pi * {r}", lambda r: math.tau * r, radius, "Use 2 pi r.",
        before="import math", out="float2",
        train="""
            n: the circumference of a circle with radius {r}
            n: the perimeter of a circle of radius {r}
            v: compute the circumference of a circle with radius {r}
            v: find the circumference of a circle whose radius is {r}
            q: what is the circumference of a circle of radius {r}?
            q: a wheel has a radius of {r} cm. What is its circumference?
        """, held_out="""
            q: how long is the way once around a circle of radius {r}?
            v: work out the length of the rim of a disc with radius {r}
        """),
    Operation("hypotenuse", "math.hypot({a}, {b})", lambda a, b: (a * a + b * b) ** 0.5, sides, "Use math.hypot.",
        before="import math", out="float2",
        train="""
            n: the hypotenuse of a right triangle with legs {a} and {b}
            n: the length of the diagonal of a rectangle with sides {a} and {b}
            v: compute the hypotenuse of a right triangle with legs {a} and {b}
            v: find the diagonal of a rectangle of {a} by {b}
            q: a right triangle has legs {a} and {b}. How long is the hypotenuse?
            q: how long is the diagonal of a {a} by {b} rectangle?
            q: what is math.hypot({a}, {b})?
        """, held_out="""
            q: I walk {a} m east and {b} m north. How far from the start am I, as the crow flies?
            v: get the longest side of a right triangle from its short sides {a} and {b}
        """),
    Operation("rectangle_area", "{a} * {b}", lambda a, b: sum(a for _ in range(b)), sides, "Multiply the sides.",
        train="""
            n: the area of a rectangle with sides {a} and {b}
            n: the area of a {a} by {b} rectangle
            v: compute the area of a rectangle of width {a} and height {b}
            v: find the area of a rectangle with sides {a} and {b}
            q: a rectangle is {a} long and {b} wide. What is its area?
            q: what is the area of a <room|field|garden> of {a} m by {b} m, in square metres?
        """, held_out="""
            q: how many tiles of 1 by 1 cover a floor of {a} by {b}?
            v: work out how much surface a sheet of {a} by {b} has
        """),
    Operation("rectangle_perimeter", "2 * ({a} + {b})", lambda a, b: a + b + a + b, sides, "Add the sides twice.",
        train="""
            n: the perimeter of a rectangle with sides {a} and {b}
            n: the perimeter of a {a} by {b} rectangle
            v: compute the perimeter of a rectangle of width {a} and height {b}
            v: find the perimeter of a rectangle with sides {a} and {b}
            q: a rectangle is {a} long and {b} wide. What is its perimeter?
            q: how long is a fence around a garden of {a} m by {b} m?
        """, held_out="""
            q: how far do I walk once around a field of {a} by {b}?
            v: work out the length of a frame for a picture of {a} by {b}
        """),
    Operation("triangle_area", "{a} * {b} / 2", lambda a, b: a * b * 0.5, sides, "Use half base times height.",
        out="float2",
        train="""
            n: the area of a triangle with base {a} and height {b}
            v: compute the area of a triangle with base {a} and height {b}
            v: find the area of a triangle whose base is {a} and whose height is {b}
            q: a triangle has base {a} and height {b}. What is its area?
            q: what is the area of a triangle of base {a} and height {b}?
        """, held_out="""
            q: a sail is {a} m wide at its foot and {b} m high, a triangle. How many square metres has it?
            v: work out the surface of a triangle, {a} at the bottom and {b} high
        """),
    Operation("heron", "math.sqrt(s * (s - {a}) * (s - {b}) * (s - {c}))",
        lambda a, b, c: ((a + b + c) * (b + c - a) * (a + c - b) * (a + b - c)) ** 0.5 / 4, triangle,
        "Use Heron's formula.", before="import math\ns = ({a} + {b} + {c}) / 2", out="float2",
        train="""
            n: the area of a triangle with sides {a}, {b} and {c}
            v: compute the area of a triangle with sides {a}, {b} and {c}
            v: use Heron's formula for a triangle with sides {a}, {b}, {c}
            q: a triangle has the sides {a}, {b} and {c}. What is its area?
            q: what is the area of a triangle whose sides are {a}, {b} and {c}?
        """, held_out="""
            q: three fences of {a}, {b} and {c} m close in a triangle of land. How many square metres is it?
            v: work out the surface between three sticks of lengths {a}, {b} and {c}
        """),
    Operation("distance", "math.dist({p}, {q})", lambda p, q: ((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2) ** 0.5,
        points, "Use math.dist.", before="import math", out="float2",
        train="""
            n: the distance between the points {p} and {q}
            n: the Euclidean distance between {p} and {q}
            n: the distance from {p} to {q}
            v: compute the distance between the points {p} and {q}
            v: find the Euclidean distance from {p} to {q}
            q: how far apart are the points {p} and {q}?
            q: what is math.dist({p}, {q})?
        """, held_out="""
            q: how long is a straight line from {p} to {q}?
            v: measure, as the crow flies, from {p} to {q}
        """),
    Operation("manhattan", "abs({p}[0] - {q}[0]) + abs({p}[1] - {q}[1])",
        lambda p, q: sum(max(u, v) - min(u, v) for u, v in zip(p, q, strict=True)), points,
        "Add the absolute differences.",
        train="""
            n: the Manhattan distance between {p} and {q}
            n: the taxicab distance from {p} to {q}
            v: compute the Manhattan distance between {p} and {q}
            v: find the <Manhattan|taxicab> distance from {p} to {q}
            q: what is the Manhattan distance between the points {p} and {q}?
        """, held_out="""
            q: moving only along grid lines, how far is it from {p} to {q}?
            v: count the blocks that a taxi drives from {p} to {q} on a grid
        """),
    Operation("box_volume", "{a} * {b} * {c}", lambda a, b, c: math.prod((a, b, c)), box, "Multiply the sides.",
        train="""
            n: the volume of a box with sides {a}, {b} and {c}
            n: the volume of a {a} by {b} by {c} box
            v: compute the volume of a box of {a} by {b} by {c}
            v: find the volume of a cuboid with edges {a}, {b} and {c}
            q: a box measures {a} x {b} x {c}. What is its volume?
            q: what is the volume of a box that is {a} long, {b} wide and {c} high?
        """, held_out="""
            q: how many cubes of side 1 fit into a chest of {a} by {b} by {c}?
            v: work out how much room a cuboid with edges {a}, {b}, {c} has
        """),
    Operation("box_surface", "2 * ({a} * {b} + {b} * {c} + {a} * {c})",
        lambda a, b, c: sum(x * y for x, y in ((a, b), (b, a), (b, c), (c, b), (a, c), (c, a))), box,
        "Add the six faces.",
        train="""
            n: the surface area of a box with sides {a}, {b} and {c}
            n: the surface area of a {a} by {b} by {c} box
            v: compute the surface area of a box of {a} by {b} by {c}
            v: find the surface area of a cuboid with edges {a}, {b} and {c}
            q: a box measures {a} x {b} x {c}. What is its surface area?
        """, held_out="""
            q: how much paper covers all six faces of a parcel of {a} by {b} by {c}?
            v: work out the outside area of a cuboid with edges {a}, {b}, {c}
        """),
    Operation("sphere_volume", "4 / 3 * math.pi * {r} ** 3", lambda r: math.pi * r**3 * 4 / 3,
        lambda d: {"r": d.int(1, 60)}, "Use 4/3 pi r cubed.", before="import math", out="float2",
        train="""
            n: the volume of a sphere with radius {r}
            v: compute the volume of a sphere of radius {r}
            v: find the volume of a ball with radius {r}
            q: what is the volume of a sphere with radius {r}?
            q: a ball has a radius of {r} cm. What is its volume?
        """, held_out="""
            q: how much air does a perfectly round balloon of radius {r} hold?
            v: work out the content of a globe whose radius is {r}
        """),
    Operation("cylinder_volume", "math.pi * {r} ** 2 * {h}", lambda r, h: math.pi * (r * r * h), cylinder,
        "Use pi r squared h.", before="import math", out="float2",
        train="""
            n: the volume of a cylinder with radius {r} and height {h}
            v: compute the volume of a cylinder with radius {r} and height {h}
            v: find the volume of a cylinder of radius {r} and height {h}
            q: a cylinder has radius {r} and height {h}. What is its volume?
            q: a can has a radius of {r} cm and a height of {h} cm. What is its volume?
        """, held_out="""
            q: how much fits into a round tank of radius {r} that is {h} high?
            v: work out the content of a pipe of length {h} with inner radius {r}
        """),
    Operation("corner_area", "abs((c - a) * (f - b) - (e - a) * (d - b)) / 2", _shoelace, corners,
        "Use the shoelace formula.", before="(a, b), (c, d), (e, f) = {ps}", out="float2",
        train="""
            n: the area of the triangle with the corners {ps}
            v: compute the area of the triangle with vertices {ps}
            v: find the area of the triangle whose corners are {ps}
            q: what is the area of the triangle with the vertices {ps}?
        """, held_out="""
            q: joining the points {ps} by lines closes in which area?
            v: work out how much surface lies between the points {ps}
        """),
    Operation("angle_sum", "({n} - 2) * 180", lambda n: n * 180 - 360, lambda d: {"n": d.int(5, 60)},
        "Use (n - 2) * 180.",
        train="""
            n: the sum of the interior angles of a polygon with {n} sides, in degrees
            v: compute the sum of the interior angles of a polygon with {n} sides (in degrees)
            q: what do the interior angles of a polygon with {n} sides add up to, in degrees?
            q: how many degrees are the inner angles of a {n}-gon in total?
        """, held_out="""
            q: in a shape with {n} straight sides, how many degrees do the inner corners make together?
            v: total, in degrees, the corners inside a figure with {n} edges
        """),
)
# fmt: on
