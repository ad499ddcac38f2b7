"""Dicts: looking up, totals, extremes, filtering, inverting."""

from __future__ import annotations

from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Values

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
OPERATIONS = (
    Operation("value_of", "{d}[{k}]", lambda d, k: dict(d.items())[k], with_key, "Look up the key.",
        train="""
            n: the value of {k} in {d}
            n: the value for <the key |>{k} in {d}
            n: the entry {k} of {d}
            v: look up {k} in {d}
            v: get the value of <the key |>{k} from {d}
            q: what value does {k} have in {d}?
            q: what is d[{k!r}] for d = {d}?
            q: prices are {d}. What does {k} cost?
            q: scores: {d}. How many points does {k} have?
        """, held_out="""
            q: which number belongs to {k} in {d}?
            v: read off what {d} says about {k}
            q: according to {d}, what goes with {k}?
        """),
    Operation("max_key", "max(d, key=d.get)", lambda d: sorted(d, key=lambda k: -d[k])[0], record,
        "Compare by value.", before="d = {d}",
        train="""
            n: the key with the <largest|highest|greatest> value in {d}
            n: the key of the maximum value in {d}
            v: find the key with the <largest|highest> value in {d}
            v: name the key that has the <largest|maximum> value in {d}
            q: which key has the <largest|highest|greatest> value in {d}?
            q: who or what has the most in {d}?
            q: scores: {d}. Who <won|has the highest score|is first>?
            q: what is max(d, key=d.get) for d = {d}?
        """, held_out="""
            q: in {d}, under which key does the top number stand?
            q: the votes are {d}. Who is the winner?
            v: tell which entry of {d} beats the others (give its key)
        """),
    Operation("min_key", "min(d, key=d.get)", lambda d: sorted(d, key=lambda k: d[k])[0], record, "Compare by value.",
        before="d = {d}",
        train="""
            n: the key with the <smallest|lowest|least> value in {d}
            n: the key of the minimum value in {d}
            v: find the key with the <smallest|lowest> value in {d}
            v: name the key that has the <smallest|minimum> value in {d}
            q: which key has the <smallest|lowest|least> value in {d}?
            q: who or what has the least in {d}?
            q: prices: {d}. Which is the cheapest?
            q: what is min(d, key=d.get) for d = {d}?
        """, held_out="""
            q: in {d}, under which key does the bottom number stand?
            q: the votes are {d}. Who came last?
            v: tell which entry of {d} lies below the others (give its key)
        """),
    Operation("sum_values", "sum({d}.values())", lambda d: sum(d[k] for k in d), record, "Sum the values.",
        train="""
            n: the <sum|total> of the values in {d}
            n: the <sum|total> of all values of the dictionary {d}
            v: add up <all|the> values in {d}
            v: sum the values of {d}
            q: what do the values in {d} add up to?
            q: what is sum(d.values()) for d = {d}?
            q: stock: {d}. How many items are there in total?
            q: {name} bought {d}. How many pieces is that altogether?
        """, held_out="""
            q: putting all entries of {d} together, how many do we have?
            n: the grand total over the dictionary {d}
            v: work out what the numbers in {d} come to
        """),
    Operation("average_value", "sum({d}.values()) / len({d})", lambda d: sum(d[k] for k in d) / len(list(d)), record,
        "Average the values.", out="float2",
        train="""
            n: the <average|mean> of the values in {d}
            n: the <average|mean> value in the dictionary {d}
            v: average the values of {d}
            v: compute the <mean|average> of the values in {d}
            q: what is the <average|mean> of the values in {d}?
            q: scores: {d}. What is the average score?
        """, held_out="""
            q: over all entries of {d}, how much is it on average?
            n: the mean number in the dictionary {d}
        """),
    Operation("sorted_keys", "sorted({d})", lambda d: [k for k, _ in sorted(d.items())], record, "Sort the keys.",
        out="list",
        train="""
            p: the keys of {d} in alphabetical order
            p: the sorted keys of {d}
            v: list the keys of {d} alphabetically
            v: sort the keys of {d}
            q: what are the keys of {d} in alphabetical order?
            q: what is sorted(d) for d = {d}?
        """, held_out="""
            v: give the keys of {d} as an index would list them, from a to z
            q: how are the keys of {d} ordered alphabetically?
        """),
    Operation("keys_by_value", "sorted(d, key=d.get)", lambda d: [k for _, k in sorted((v, k) for k, v in d.items())],
        record, "Sort the keys by value.", before="d = {d}", out="list",
        train="""
            p: the keys of {d} sorted by value<|, smallest first|, in ascending order>
            p: the keys of {d}, ordered by their values from low to high
            v: sort the keys of {d} by value<| in ascending order|, smallest first>
            v: order the keys of {d} by their values, lowest first
            q: what are the keys of {d} from the smallest to the largest value?
            q: what is sorted(d, key=d.get) for d = {d}?
        """, held_out="""
            v: rank the keys of {d} by what stands behind them, the least first
            q: going from the lowest number to the highest, in which order do the keys of {d} come?
        """),
    Operation("keys_above", "[k for k, v in {d}.items() if v > {k}]", lambda d, k: [x for x in d if d[x] > k],
        with_limit, "Filter by value.", out="list",
        train="""
            p: the keys of {d} whose value is <greater|larger> than {k}, in order
            p: the keys in {d} with a value above {k}
            v: list the keys of {d} whose values are <above|greater than> {k}
            v: find the keys of {d} with values greater than {k}
            q: which keys of {d} have a value <greater than|above> {k}?
            q: scores: {d}. Who has more than {k}? Give a list.
        """, held_out="""
            q: whose number in {d} surpasses {k}? List the keys.
            v: collect the keys of {d} that stand with more than {k}
        """),
    Operation("count_above_value", "sum(v > {k} for v in {d}.values())", lambda d, k: len([x for x in d if d[x] > k]),
        with_limit, "Count by value.",
        train="""
            n: the number of values in {d} <greater than|above> {k}
            n: the number of keys in {d} whose value <exceeds|is above> {k}
            v: count the values in {d} that are <greater than|above> {k}
            q: how many values in {d} are <greater than|above> {k}?
            q: scores: {d}. How many of them are above {k}?
        """, held_out="""
            q: in {d}, how many entries surpass {k}?
            v: tell the number of keys in {d} that stand with more than {k}
        """),
    Operation("invert", "{v: k for k, v in {d}.items()}", lambda d: dict(zip(d.values(), d.keys(), strict=True)),
        record, "Swap keys and values.",
        train="""
            n: {d} with keys and values swapped
            n: the inverse of the dictionary {d}
            v: swap keys and values <in|of> {d}
            v: invert the dictionary {d}
            v: turn the values of {d} into keys and the keys into values
            q: what is {d} with keys and values exchanged?
        """, held_out="""
            v: exchange both sides of every entry in {d}
            q: how does {d} look as a dictionary from number to name?
        """),
    Operation("add_key", "{**{d}, {k}: {v}}", lambda d, k, v: dict([*d.items(), (k, v)]), with_new, "Add the key.",
        train="""
            n: {d} with the <entry|item> {k!r}: {v} added
            n: the dictionary {d} after setting the key {k} to {v}
            v: add {k!r}: {v} to {d}
            v: add the key {k} with value {v} to the dictionary {d}
            v: set {k} to {v} in the dictionary {d} and print it
            q: what is d after d[{k!r}] = {v} if d = {d}?
        """, held_out="""
            v: extend {d} so that {k} maps to {v}; show all of it
            q: a new row {k} with {v} goes into {d}. What is the dictionary now?
        """),
    Operation("difference_of", "d[{a}] - d[{b}]", lambda d, a, b: d.get(a) - d.get(b), with_two_keys,
        "Subtract the two values.", before="d = {d}",
        train="""
            n: the value of {a} minus the value of {b} in {d}
            n: d[{a!r}] - d[{b!r}] for d = {d}
            v: subtract the value of {b} from that of {a} in {d}
            q: in {d}, how much more does {a} have than {b} (negative if less)?
            q: how much larger is the value of {a} than that of {b} in {d} (negative if smaller)?
            q: what is d[{a!r}] - d[{b!r}] if d = {d}?
        """, held_out="""
            q: by how much is {a} ahead of {b} in {d}? A minus sign means behind.
            v: take what {d} has for {a} and deduct what it has for {b}
        """),
    Operation("sum_two_keys", "d[{a}] + d[{b}]", lambda d, a, b: sum(d[k] for k in (a, b)), with_two_keys,
        "Add the two values.", before="d = {d}",
        train="""
            n: the sum of the values of {a} and {b} in {d}
            n: the total of {a} and {b} in {d}
            v: add the values of {a} and {b} in {d}
            q: how much do {a} and {b} have together in {d}?
            q: prices: {d}. What do {a} and {b} cost together?
            q: what is d[{a!r}] + d[{b!r}] if d = {d}?
        """, held_out="""
            q: taking {a} and {b} out of {d}, what is their total?
            v: combine what {d} has for {a} and for {b}
        """),
    Operation("zip_dict", "dict(zip({ws}, {xs}))", lambda ws, xs: {w: xs[i] for i, w in enumerate(ws)}, two_lists,
        "Zip the lists.",
        train="""
            n: the dictionary with the keys {ws} and the values {xs}
            n: the dict that maps {ws} to {xs}
            v: make a dictionary with keys {ws} and values {xs}
            v: combine the keys {ws} and the values {xs} into a dictionary
            v: zip {ws} and {xs} into a dict
            q: what is dict(zip({ws!r}, {xs!r}))?
        """, held_out="""
            v: pair {ws} with {xs}, one by one, in a dictionary
            q: which dictionary gives each of {ws} its number from {xs}?
        """),
)
# fmt: on
