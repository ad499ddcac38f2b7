"""Read the docstrings of the running Python's standard library: `python -m deepcoder.knowledge.collect`.

Run in a process of its own, because importing a hundred modules has side effects that a caller should
not inherit; it imports nothing of this project, so that it can run isolated (`-I`). Prints one JSON list
[symbol, signature, text] a line, sorted by symbol.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

# They print, open a window or a browser, start threads, or are of no use to somebody who writes code.
SKIPPED = frozenset({
    "antigravity", "idlelib", "lib2to3", "nturl2path", "pydoc_data", "test", "this", "tkinter", "turtle", "turtledemo",
    "msilib", "ensurepip", "venv", "sre_compile", "sre_constants", "sre_parse", "posixpath", "ntpath", "genericpath",
    "posix", "nt", "pipes",
})  # fmt: skip
SUBMODULES = ("os.path", "collections.abc", "concurrent.futures", "importlib.metadata", "importlib.resources",
              "urllib.parse", "urllib.request", "html.parser", "json.decoder", "logging.handlers", "unittest.mock",
              "xml.etree.ElementTree", "email.message", "http.client", "http.server")  # fmt: skip
BUILTIN_TYPES = (str, bytes, bytearray, int, float, complex, bool, list, tuple, dict, set, frozenset, range, slice)
MAX_TEXT, MAX_SIGNATURE = 240, 160

Row = tuple[str, str, str]


def module_names() -> list[str]:
    """Public standard library modules that are safe to import, in order."""
    names = [name for name in sys.stdlib_module_names if not name.startswith("_") and name not in SKIPPED]
    return sorted([*names, *SUBMODULES])


def collect() -> Iterator[Row]:
    """(symbol, signature, text) of every documented public name, sorted; builtins carry no prefix."""
    warnings.simplefilter("ignore")
    rows: dict[str, Row] = {}
    for name in module_names():
        try:
            module = importlib.import_module(name)
        except Exception:  # a module that this build of Python lacks (no readline, no dbm, not Windows)
            continue
        for row in _module_rows(name, module):
            if not row[2].startswith("A generic version of"):  # typing's aliases of other modules' classes
                rows.setdefault(row[0], row)
    yield from (rows[symbol] for symbol in sorted(rows))


def paragraph(text: Any, limit: int = MAX_TEXT) -> str:
    """The first paragraph of a docstring on one line, cut at a sentence or word within `limit` characters.

    A first paragraph that is short, or merely repeats the signature (`max(iterable) -> value`), gets the next
    one too; a later sentence that names an exception ("Raises ValueError if ...") is added.
    """
    if not isinstance(text, str):  # some classes keep a descriptor in `__doc__`
        return ""
    parts = [re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n\s*\n", inspect.cleandoc(text))]
    parts = [part for part in parts if part]
    if not parts:
        return ""
    first = parts[0]
    if re.match(r"[\w.]+\(.*", first) and len(parts) > 1:
        first = f"{first}. {parts[1]}"
    elif len(first) < 90 and len(parts) > 1 and not parts[1].startswith((">>>", "-", "*")):
        first = f"{first} {parts[1]}"
    if len(first) > limit:
        stop = first[:limit].rfind(". ")
        first = first[: stop + 1] if stop > limit // 3 else first[: first[:limit].rfind(" ")] + " ..."
    raised = re.search(r"Raises? (?:an? )?[`*]*\w+Error\b[^.]{0,120}\.", " ".join(parts))
    return first if raised is None or raised[0] in first else f"{first} {raised[0]}"


def _module_rows(name: str, module: types.ModuleType) -> Iterator[Row]:
    prefix = "" if name == "builtins" else f"{name}."
    if text := paragraph(module.__doc__):
        yield name, f"{name} (module)", text
    for key in _public_names(name, module):
        value = getattr(module, key, None)
        symbol = prefix + key
        if inspect.isclass(value):
            yield from _class_rows(symbol, value)
        elif callable(value):
            if text := paragraph(value.__doc__):
                yield symbol, signature(symbol, value), text
        elif isinstance(value, int | float | str) and not isinstance(value, bool) and name in ("math", "string"):
            yield symbol, f"{symbol} = {value!r}"[:MAX_SIGNATURE], f"Constant of module {name}."


def _public_names(name: str, module: types.ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed is not None and name != "builtins":
        return sorted(key for key in listed if isinstance(key, str) and not key.startswith("_"))
    own = []
    for key, value in vars(module).items():
        home = getattr(value, "__module__", None)
        if not key.startswith("_") and not isinstance(value, types.ModuleType) and home in (name, f"_{name}", None):
            own.append(key)
    return sorted(own)


def _class_rows(symbol: str, cls: type[Any]) -> Iterator[Row]:
    text = paragraph(cls.__doc__)
    inherited = any(cls.__doc__ == base.__doc__ for base in cls.__mro__[1:])
    if text and not inherited:
        yield symbol, signature(symbol, cls), text
    if issubclass(cls, BaseException) or cls.__name__ != symbol.rpartition(".")[2]:  # an alias: `typing.Text`
        return
    for key, value in sorted(vars(cls).items()):
        if key.startswith("_"):
            continue
        plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if callable(plain) and not inspect.isclass(plain) and (text := paragraph(getattr(plain, "__doc__", None))):
            yield f"{symbol}.{key}", signature(f"{symbol}.{key}", plain), text


def signature(symbol: str, value: Any) -> str:
    """`symbol(a, b=1)`: no annotations, no `self`, no addresses, no positional-only mark."""
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except Exception:  # many C functions have none, and a few make inspect itself stumble
        return _documented_signature(symbol, value)
    parts: list[str] = []
    starred = False
    for parameter in parameters:
        if parameter.name.startswith("_") or (parameter.name in ("self", "cls", "type") and not parts):
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            starred = True
        elif parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        parts.append(_part(parameter))
    text = re.sub(r"<(?:[^<>]|<[^<>]*>)*>", "...", ", ".join(parts))
    line = f"{symbol}({text})"
    return line if len(line) <= MAX_SIGNATURE else f"{line[: MAX_SIGNATURE - 4]}...)"


def _part(parameter: inspect.Parameter) -> str:
    """`b=1`; `b=...` where this machine decides it: its environment holds secrets, its paths teach nothing."""
    if any(parameter.default is value for value in (os.environ, sys.executable)):
        return f"{parameter.name}=..."
    return str(parameter.replace(annotation=parameter.empty)).replace(" = ", "=")


def _documented_signature(symbol: str, value: Any) -> str:
    """`symbol(...)` as the first line of a C function's docstring has it; the bare symbol where it has none."""
    first = (getattr(value, "__doc__", None) or "").strip().partition("\n")[0]
    last = symbol.rpartition(".")[2]
    match = re.match(rf"{re.escape(last)}(\([^)]*\))", first)
    return f"{symbol}{match[1]}"[:MAX_SIGNATURE] if match else symbol


def main() -> None:
    """Print every row as a JSON line."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    lines = [json.dumps(row, ensure_ascii=False) for row in collect()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
