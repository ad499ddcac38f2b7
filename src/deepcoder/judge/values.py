"""Plain data as text: how arguments and results travel between sandboxed processes.

A value becomes JSON of null, true, false, numbers, strings and tagged lists; every container and every
type that JSON has no word for is `[tag, item, ...]`, so that a list and a tuple, 1 and 1.0, a str and a
bytes stay apart. Nothing is unpickled, nothing is imported by name, no method of a value is called on
the reading side. `check_value` walks the JSON without building it: the supervisor forwards what passes
and never constructs a candidate's set or dict itself (hash-collision attacks stay in the sandbox).

    None bool int float str           themselves (big ints and lone surrogates tagged)
    bytes bytearray complex           b B c
    list tuple set frozenset dict     l t s f d
    Counter OrderedDict defaultdict deque range Decimal Fraction date datetime time timedelta
    dict_keys dict_values dict_items  their contents
    re.Match                          text and span (its groups are lost)
    iterators and generators          drained, at most MAX_ITERATOR items, and given back as an iterator
    builtin types and functions       by name (an argument such as `str` or `len`)

A subclass of a plain type (a namedtuple, an IntEnum) is written as the plain type. Anything else is
refused with NotPlain. The module imports the standard library alone: its source also runs inside the
sandbox.
"""

from __future__ import annotations

import builtins
import datetime
import json
import numbers
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_BYTES = 16_000_000  # of one encoded value; the sandbox's frames end at 16 MiB
MAX_DEPTH = 100  # of nesting
MAX_ITERATOR = 100_000  # items taken from an iterator
_SAFE_INT = 1 << 62


class NotPlain(TypeError):
    """The value is not plain data; the message names the type."""


class BadValue(ValueError):
    """Text that `encode` cannot have written, or a value that is too large or too deep."""


# --- writing ------------------------------------------------------------------------------------


def encode(value: Any, references: Callable[[Any], str | None] | None = None) -> str:
    """JSON text of a plain value.

    `references` may name values that the other side already has (the functions under test); it gives
    None for everything else. Raises NotPlain, or BadValue beyond MAX_BYTES or MAX_DEPTH.
    """
    try:
        text = json.dumps(to_json(value, references), separators=(",", ":"))
    except RecursionError:
        raise BadValue(f"a value nested deeper than {MAX_DEPTH} levels") from None
    if len(text) > MAX_BYTES:
        raise BadValue(f"a value of more than {MAX_BYTES} bytes")
    return text


def to_json(value: Any, references: Callable[[Any], str | None] | None = None, depth: int = 0) -> Any:
    """The JSON form of a plain value, not yet as text."""
    if depth > MAX_DEPTH:
        raise BadValue(f"a value nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int:
        return value if -_SAFE_INT < value < _SAFE_INT else ["i", hex(value)]
    if kind is str:
        return value if _is_clean(value) else ["u", value.encode("utf-8", "surrogatepass").hex()]
    if references is not None and (reference := references(value)) is not None:
        return ["R", reference]
    below = depth + 1
    if kind in _SEQUENCES:
        return [_SEQUENCES[kind], *(to_json(item, references, below) for item in value)]
    if kind in _MAPPINGS:
        return [_MAPPINGS[kind], *(to_json(part, references, below) for pair in value.items() for part in pair)]
    for base, write in _WRITERS:
        if isinstance(value, base):
            return write(value, references, depth)
    name = getattr(value, "__name__", None)
    if isinstance(name, str) and callable(value) and getattr(builtins, name, None) is value:
        return ["T", name]
    raise NotPlain(f"a {kind.__module__}.{kind.__qualname__} is not plain data")


def _is_clean(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _drain(value: Iterator[Any]) -> list[Any]:
    items: list[Any] = []
    for item in value:
        if len(items) == MAX_ITERATOR:
            raise BadValue(f"an iterator of more than {MAX_ITERATOR} items")
        items.append(item)
    return items


def _flat(kind: Callable[[Any], Any]) -> Callable[[Any, Any, int], Any]:
    return lambda value, references, depth: to_json(kind(value), references, depth)


def _tagged(tag: str, parts: Callable[[Any], list[Any]]) -> Callable[[Any, Any, int], Any]:
    return lambda value, references, depth: [tag, *(to_json(part, references, depth + 1) for part in parts(value))]


_SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "f", deque: "q"}
_MAPPINGS: dict[type, str] = {dict: "d", Counter: "C", OrderedDict: "O", defaultdict: "D"}
# Tried in this order: exact kinds first, then subclasses of the plain types, then numpy-like numbers.
_WRITERS: list[tuple[type | tuple[type, ...], Callable[[Any, Any, int], Any]]] = [
    (bytes, lambda value, _r, _d: ["b", bytes(value).hex()]),
    (bytearray, lambda value, _r, _d: ["B", bytes(value).hex()]),
    (complex, lambda value, _r, _d: ["c", value.real, value.imag]),
    (range, lambda value, _r, _d: ["r", *(to_json(part) for part in (value.start, value.stop, value.step))]),
    (Decimal, lambda value, _r, _d: ["m", str(value)]),
    (Fraction, _tagged("F", lambda value: [value.numerator, value.denominator])),
    (datetime.datetime, lambda value, _r, _d: ["dt", value.isoformat()]),
    (datetime.date, lambda value, _r, _d: ["da", value.isoformat()]),
    (datetime.time, lambda value, _r, _d: ["ti", value.isoformat()]),
    (datetime.timedelta, _tagged("td", lambda value: [value.days, value.seconds, value.microseconds])),
    (re.Match, _tagged("M", lambda value: [value.string, value.start(), value.end()])),
    (KeysView, _tagged("K", list)),
    (ItemsView, _tagged("I", lambda value: [part for pair in value for part in pair])),
    (ValuesView, _tagged("V", list)),
    (str, _flat(str.__str__)), (tuple, _flat(tuple)), (list, _flat(list)),
    (frozenset, _flat(frozenset)), (set, _flat(set)),
    (Mapping, _flat(dict)),
    (Iterator, _tagged("G", _drain)),
    (numbers.Integral, _flat(int)), (numbers.Real, _flat(float)),
]  # fmt: skip


# --- checking, without building -------------------------------------------------------------------


def parse(data: bytes) -> Any:
    """JSON of a frame. Raises BadValue on anything else, or beyond MAX_BYTES."""
    if len(data) > MAX_BYTES + 1000:
        raise BadValue(f"a frame of {len(data)} bytes")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"a frame that is not JSON: {type(error).__name__}") from None


def check_value(data: Any, depth: int = 0) -> None:
    """Raise BadValue unless `data` has the form that `to_json` writes. Builds nothing."""
    if depth > MAX_DEPTH:
        raise BadValue(f"a value nested deeper than {MAX_DEPTH} levels")
    if data is None or isinstance(data, bool | int | float | str):
        return
    if not isinstance(data, list) or not data or not isinstance(data[0], str) or data[0] not in _READERS:
        raise BadValue(f"{str(data)[:80]!r} is not an encoded value")
    rest = data[1:]
    if data[0] in _LEAVES:
        forms = _LEAVES[data[0]]
        if len(rest) != len(forms) or any(type(part) not in form for part, form in zip(rest, forms, strict=True)):
            raise BadValue(f"{str(data)[:80]!r} is not an encoded value")
        return
    for part in rest:
        check_value(part, depth + 1)


# --- reading ------------------------------------------------------------------------------------


def decode(data: Any, references: Callable[[str], Any] | None = None) -> Any:
    """The value of checked JSON. Raises BadValue where the parts do not make a value (an unhashable key)."""
    if not isinstance(data, list):
        return data
    tag, *rest = data
    if tag == "R":
        if references is None:
            raise BadValue("a reference where none can be")
        return references(rest[0])
    if tag not in _LEAVES:
        rest = [decode(part, references) for part in rest]
    try:
        return _READERS[tag](rest)
    except BadValue:
        raise
    except Exception as error:
        raise BadValue(f"{str(data)[:80]!r} does not make a value: {error}") from None


def _pairs(parts: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(parts[::2], parts[1::2], strict=True))


def _match(parts: list[Any]) -> re.Match[str] | re.Match[bytes]:
    text, start, end = parts
    if not isinstance(text, str | bytes) or type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise BadValue("no match")
    pattern = f"(?s:.{{{end - start}}})"
    found: re.Match[str] | re.Match[bytes] | None
    if isinstance(text, str):
        found = re.compile(pattern).match(text, start)
    else:
        found = re.compile(pattern.encode()).match(text, start)
    if found is None:
        raise BadValue("a match beyond its text")
    return found


def _builtin(parts: list[Any]) -> Any:
    value = getattr(builtins, parts[0], None)
    if parts[0].startswith("_") or not callable(value):
        raise BadValue(f"{parts[0]!r} is no builtin")
    return value


_LEAVES: dict[str, tuple[tuple[type, ...], ...]] = {
    "i": ((str,),), "u": ((str,),), "b": ((str,),), "B": ((str,),), "c": ((int, float), (int, float)),
    "m": ((str,),), "dt": ((str,),), "da": ((str,),), "ti": ((str,),), "T": ((str,),), "R": ((str,),),
}  # fmt: skip
_READERS: dict[str, Callable[[list[Any]], Any]] = {
    "i": lambda p: int(p[0], 16),
    "u": lambda p: bytes.fromhex(p[0]).decode("utf-8", "surrogatepass"),
    "b": lambda p: bytes.fromhex(p[0]),
    "B": lambda p: bytearray.fromhex(p[0]),
    "c": lambda p: complex(p[0], p[1]),
    "l": lambda p: p,
    "t": tuple,
    "s": set,
    "f": frozenset,
    "q": deque,
    "d": lambda p: dict(_pairs(p)),
    "C": lambda p: Counter(dict(_pairs(p))),
    "O": lambda p: OrderedDict(_pairs(p)),
    "D": lambda p: defaultdict(None, _pairs(p)),
    "r": lambda p: range(*p),
    "m": lambda p: Decimal(p[0]),
    "F": lambda p: Fraction(*p),
    "dt": lambda p: datetime.datetime.fromisoformat(p[0]),
    "da": lambda p: datetime.date.fromisoformat(p[0]),
    "ti": lambda p: datetime.time.fromisoformat(p[0]),
    "td": lambda p: datetime.timedelta(*p),
    "M": _match,
    "K": lambda p: dict.fromkeys(p).keys(),
    "I": lambda p: dict(_pairs(p)).items(),
    "V": lambda p: dict(enumerate(p)).values(),
    "G": iter,
    "T": _builtin,
    "R": lambda p: p,
}
