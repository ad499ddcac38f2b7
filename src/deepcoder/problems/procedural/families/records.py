"""Dicts: looking up, totals, extremes, filtering, inverting."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values, of_family

NAME = "records"


def record(draw: Draw) -> Values:
    """Words or names with different numbers."""
    return {"d": draw.record(3, 6)}


def with_key(draw: Draw) -> Values:
    """A dict and one of its keys."""
    d = draw.record(3, 6)
    return {"d": d, "k": draw.choice(list(d))}


def with_two_keys(draw: Draw) -> Values:
    """A dict and two of its keys."""
    d = draw.record(4, 6)
    a = draw.choice(list(d))
    return {"d": d, "a": a, "b": draw.choice([key for key in d if key != a])}


def with_limit(draw: Draw) -> Values:
    """A dict and a limit."""
    return {"d": draw.record(4, 6), "k": draw.small(3, 16) * 5}


def with_new(draw: Draw) -> Values:
    """A dict, a new key and its value."""
    words = draw.words(4, 5)
    return {"d": {word: draw.int(1, 99) for word in words[1:]}, "k": words[0], "v": draw.int(1, 99)}


def two_lists(draw: Draw) -> Values:
    """Keys and values."""
    ws = draw.words(3, 5)
    return {"ws": ws, "xs": [draw.int(1, 99) for _ in ws]}


# fmt: off
OPERATIONS = of_family(NAME, (
    Operation("value_of", "{d}[{k}]", lambda d, k: dict(d.items())[k], with_key, "Look up the key."),
    Operation("max_key", "max(d, key=d.get)", lambda d: sorted(d, key=lambda k: -d[k])[0], record,
        "Compare by value.", before="d = {d}"),
    Operation("min_key", "min(d, key=d.get)", lambda d: sorted(d, key=lambda k: d[k])[0], record, "Compare by value.",
        before="d = {d}"),
    Operation("sum_values", "sum({d}.values())", lambda d: sum(d[k] for k in d), record, "Sum the values."),
    Operation("average_value", "sum({d}.values()) / len({d})", lambda d: sum(d[k] for k in d) / len(list(d)), record,
        "Average the values.", out="float2"),
    Operation("sorted_keys", "sorted({d})", lambda d: [k for k, _ in sorted(d.items())], record, "Sort the keys.",
        out="list"),
    Operation("keys_by_value", "sorted(d, key=d.get)", lambda d: [k for _, k in sorted((v, k) for k, v in d.items())],
        record, "Sort the keys by value.", before="d = {d}", out="list"),
    Operation("keys_above", "[k for k, v in {d}.items() if v > {k}]", lambda d, k: [x for x in d if d[x] > k],
        with_limit, "Filter by value.", out="list"),
    Operation("count_above_value", "sum(v > {k} for v in {d}.values())", lambda d, k: len([x for x in d if d[x] > k]),
        with_limit, "Count by value."),
    Operation("invert", "{v: k for k, v in {d}.items()}", lambda d: dict(zip(d.values(), d.keys(), strict=True)),
        record, "Swap keys and values."),
    Operation("add_key", "{**{d}, {k}: {v}}", lambda d, k, v: dict([*d.items(), (k, v)]), with_new, "Add the key."),
    Operation("difference_of", "d[{a}] - d[{b}]", lambda d, a, b: d.get(a) - d.get(b), with_two_keys,
        "Subtract the two values.", before="d = {d}"),
    Operation("sum_two_keys", "d[{a}] + d[{b}]", lambda d, a, b: sum(d[k] for k in (a, b)), with_two_keys,
        "Add the two values.", before="d = {d}"),
    Operation("zip_dict", "dict(zip({ws}, {xs}))", lambda ws, xs: {w: xs[i] for i, w in enumerate(ws)}, two_lists,
        "Zip the lists."),
))
