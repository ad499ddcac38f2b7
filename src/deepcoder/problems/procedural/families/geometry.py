"""Geometry: lengths, areas, volumes, distances."""

from __future__ import annotations

import math

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

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
OPERATIONS = of_family(NAME, (
    Operation("circle_area", "math.pi * {r} ** 2", lambda r: math.pi * r * r, radius, "Use pi r squared.",
        before="import math", out="float2"),
    Operation("circumference", "2 * math.pi * {r}", lambda r: math.tau * r, radius, "Use 2 pi r.",
        before="import math", out="float2"),
    Operation("hypotenuse", "math.hypot({a}, {b})", lambda a, b: (a * a + b * b) ** 0.5, sides, "Use math.hypot.",
        before="import math", out="float2"),
    Operation("rectangle_area", "{a} * {b}", lambda a, b: sum(a for _ in range(b)), sides, "Multiply the sides."),
    Operation("rectangle_perimeter", "2 * ({a} + {b})", lambda a, b: a + b + a + b, sides, "Add the sides twice."),
    Operation("triangle_area", "{a} * {b} / 2", lambda a, b: a * b * 0.5, sides, "Use half base times height.",
        out="float2"),
    Operation("heron", "math.sqrt(s * (s - {a}) * (s - {b}) * (s - {c}))",
        lambda a, b, c: ((a + b + c) * (b + c - a) * (a + c - b) * (a + b - c)) ** 0.5 / 4, triangle,
        "Use Heron's formula.", before="import math\ns = ({a} + {b} + {c}) / 2", out="float2"),
    Operation("distance", "math.dist({p}, {q})", lambda p, q: ((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2) ** 0.5,
        points, "Use math.dist.", before="import math", out="float2"),
    Operation("manhattan", "abs({p}[0] - {q}[0]) + abs({p}[1] - {q}[1])",
        lambda p, q: sum(max(u, v) - min(u, v) for u, v in zip(p, q, strict=True)), points,
        "Add the absolute differences."),
    Operation("box_volume", "{a} * {b} * {c}", lambda a, b, c: math.prod((a, b, c)), box, "Multiply the sides."),
    Operation("box_surface", "2 * ({a} * {b} + {b} * {c} + {a} * {c})",
        lambda a, b, c: sum(x * y for x, y in ((a, b), (b, a), (b, c), (c, b), (a, c), (c, a))), box,
        "Add the six faces."),
    Operation("sphere_volume", "4 / 3 * math.pi * {r} ** 3", lambda r: math.pi * r**3 * 4 / 3,
        lambda d: {"r": d.int(1, 60)}, "Use 4/3 pi r cubed.", before="import math", out="float2"),
    Operation("cylinder_volume", "math.pi * {r} ** 2 * {h}", lambda r, h: math.pi * (r * r * h), cylinder,
        "Use pi r squared h.", before="import math", out="float2"),
    Operation("corner_area", "abs((c - a) * (f - b) - (e - a) * (d - b)) / 2", _shoelace, corners,
        "Use the shoelace formula.", before="(a, b), (c, d), (e, f) = {ps}", out="float2"),
    Operation("angle_sum", "({n} - 2) * 180", lambda n: n * 180 - 360, lambda d: {"n": d.int(5, 60)},
        "Use (n - 2) * 180."),
))
