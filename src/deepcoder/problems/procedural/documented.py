"""What the running Python documents: symbols, parameters, exceptions, and which of its functions can be asked about."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import inspect
import re
from collections import Counter
from functools import cache
from typing import Any

# Modules of the documentation index whose functions are pleasant to ask about.
_MODULES = """
ast asyncio base64 binascii bisect bz2 calendar cmath codecs colorsys contextlib copy csv dataclasses difflib fileinput
fnmatch functools getpass gettext glob gzip hashlib heapq hmac html inspect io ipaddress json keyword linecache locale
logging lzma math mimetypes operator os os.path pickle pickletools pkgutil plistlib pprint quopri random re reprlib
runpy secrets shlex shutil socket sqlite3 ssl statistics string struct subprocess sysconfig tempfile textwrap threading
time timeit tokenize traceback tracemalloc types unicodedata urllib.parse uuid warnings wave weakref webbrowser zipfile
zlib
"""
MODULES = tuple(_MODULES.split())
TYPES = ("str", "bytes", "bytearray", "list", "tuple", "dict", "set", "frozenset", "int", "float")
PLAIN = (bool, int, float)  # exactly: members of an enumeration are shown otherwise
MOST_PARAMETERS = 8  # longer signatures are cut in the index


@cache
def resolve(symbol: str) -> Any:
    """The object called `symbol`: `math.gcd`, `list.index`, `sorted`. LookupError where this Python has none."""
    parts = symbol.split(".")
    if hasattr(builtins, parts[0]):
        value: Any = builtins
    else:
        cut = 2 if parts[:2] == ["os", "path"] else 1
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            raise LookupError(f"no module for {symbol}") from None
        parts = parts[cut:]
    for part in parts:
        value = getattr(value, part, None)
    if value is None:
        raise LookupError(f"this Python has no {symbol}")
    return value


@cache
def parameters(symbol: str) -> tuple[inspect.Parameter, ...]:
    """Its parameters without self; LookupError where inspect finds none."""
    try:
        found = inspect.signature(resolve(symbol)).parameters.values()
    except (ValueError, TypeError):
        raise LookupError(f"{symbol} has no signature") from None
    return tuple(
        p
        for place, p in enumerate(found)
        if not p.name.startswith("_") and not (place == 0 and p.name in ("self", "cls", "type"))
    )


@cache
def documented_functions() -> dict[str, tuple[inspect.Parameter, ...]]:
    """Functions of the standard library and methods of builtin types with their parameters, by dotted name."""
    found: dict[str, tuple[inspect.Parameter, ...]] = {}
    for owner in (*_modules(), "builtins", *TYPES):
        for name, value in sorted(vars(_owner(owner)).items()):
            if name.startswith("_") or not inspect.isroutine(value) or not inspect.getdoc(value):
                continue
            if not _is_own(owner, name):
                continue
            symbol = name if owner == "builtins" else f"{owner}.{name}"
            with contextlib.suppress(LookupError):
                if len(parameters(symbol)) <= MOST_PARAMETERS:
                    found[symbol] = parameters(symbol)
    return found


@cache
def more_subjects(key: str, listed: frozenset[str]) -> tuple[str, ...]:
    """Subjects of a kind of question whose symbol is not `listed`; none for a kind that is answered by a search."""
    functions = {symbol: found for symbol, found in documented_functions().items() if symbol not in listed}
    defaults = {f"{symbol}:{p.name}": p.default for symbol, found in functions.items() for p in found}
    match key:
        case "module_of":
            return tuple(symbol for symbol in functions if _in_one_module(symbol))
        case "default_of":
            return tuple(subject for subject, value in defaults.items() if value is None or type(value) in PLAIN)
        case "default_times":
            return tuple(subject for subject, value in defaults.items() if type(value) is int)
        case "parameter_name":
            return tuple(symbol for symbol, found in functions.items() if found)
        case "exception_of":
            return tuple(symbol for symbol in functions if _RAISES.search(inspect.getdoc(resolve(symbol)) or ""))
        case _:
            return ()


def find_exception(seen: str) -> str | None:
    """The first exception that a text says to be raised."""
    match = re.search(r"[Rr]aises? (?:an? )?`*(\w+Error)\b", seen)
    return match[1] if match else None


_RAISES = re.compile(r"\bRaises? (?:an? )?`*\w+Error\b[^.]")  # as the index keeps it of a long docstring


@cache
def _modules() -> tuple[str, ...]:
    """Those of MODULES that this Python has: some are built without sqlite3 or ssl."""
    found = []
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
            found.append(name)
    return tuple(found)


def _owner(name: str) -> Any:
    if name == "builtins":
        return builtins
    return getattr(builtins, name) if name in TYPES else importlib.import_module(name)


def _is_own(owner: str, name: str) -> bool:
    """Whether a module means to offer a name, and did not only import it."""
    module = _owner(owner)
    listed = getattr(module, "__all__", None)
    home = getattr(getattr(module, name), "__module__", None)
    return owner in TYPES or (home in (owner, f"_{owner}", None) if listed is None else name in listed)


def _in_one_module(symbol: str) -> bool:
    """Long names that one module alone has: a search for others may find another entry first."""
    owner, _, last = symbol.rpartition(".")
    return bool(owner) and owner not in TYPES and "_" in last and _times_defined()[last] == 1


@cache
def _times_defined() -> Counter[str]:
    return Counter(name for module in (*_modules(), "builtins") for name in dir(_owner(module)))
