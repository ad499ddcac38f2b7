"""Runs inside the sandbox: the hidden tests, with the candidate's functions replaced by proxies.

This process never holds the candidate's code. A proxy sends its arguments to the supervisor as plain
data and gets plain data back, so every comparison is made here, on values of exact builtin types.

    in    {"preamble", "setup", "tests", "names", "checked", "modules", "mutable"}
    out   {"call", "arguments", "keywords", "mutable"}  ->  in {"value", "arguments"?} | {"raised"} | {"refused"}
    out   {"outcome": passed | wrong | error | memory | needs_in_process, "detail"}
"""

from __future__ import annotations

import builtins
import importlib
import json
import types
from typing import Any

import deepcoder_channel as channel  # type: ignore[import-not-found]

from deepcoder.judge.loading import detail_of
from deepcoder.judge.values import BadValue, NotPlain, decode, to_json


class NeedsCandidate(BaseException):
    """An argument that cannot travel as plain data. Not an Exception: no test may swallow it."""


class Refused(BaseException):
    """The candidate returned what is not plain data."""


class CandidateRaised(Exception):
    """The candidate raised. Raised as a subclass of the builtin exception that it was, where it was one."""


def as_exception(raised: dict[str, Any]) -> CandidateRaised:
    """An exception that tests can catch by the builtin class that the candidate raised."""
    name = str(raised["types"][0])
    for candidate in raised["types"]:
        base = getattr(builtins, str(candidate), None)
        if isinstance(base, type) and issubclass(base, Exception):
            try:
                kind: type[CandidateRaised] = type(name, (CandidateRaised, base), {})
                return kind(raised["text"])
            except TypeError:  # UnicodeDecodeError and the like take more arguments
                continue
    return CandidateRaised(f"{name}: {raised['text']}")


class Proxy:
    """A function of the candidate's, called through the supervisor."""

    def __init__(self, name: str, mutable: bool) -> None:
        self.__name__ = self.__qualname__ = name
        self.mutable = mutable

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """The candidate's result, or its exception."""
        try:
            call = {
                "call": self.__name__,
                "arguments": [to_json(item, reference) for item in arguments],
                "keywords": {key: to_json(item, reference) for key, item in keywords.items()},
                "mutable": self.mutable,
            }
        except (NotPlain, BadValue) as error:
            raise NeedsCandidate(str(error)) from None
        channel.send(json.dumps(call).encode())
        reply = json.loads(channel.receive())
        if "refused" in reply:
            raise Refused(reply["refused"])
        if "raised" in reply:
            raise as_exception(reply["raised"])
        try:
            value = decode(reply["value"])
            for old, new in zip(arguments, reply.get("arguments", ()), strict=False):
                write_back(old, decode(new))
        except BadValue as error:
            raise Refused(str(error)) from None
        return value


def reference(value: Any) -> str | None:
    """The name of a proxy that is passed as an argument."""
    return value.__name__ if isinstance(value, Proxy) else None


def write_back(old: Any, new: Any) -> None:
    """Make a mutable argument equal to what the candidate left of it."""
    if isinstance(old, list | bytearray) and isinstance(new, list | bytearray):
        old[:] = new
    elif isinstance(old, dict | set) and isinstance(new, dict | set):
        old.clear()
        old.update(new)


def run(request: dict[str, Any]) -> None:
    """Run the tests in a fresh namespace; returns where they pass."""
    module = types.ModuleType("tests")
    names = module.__dict__
    for name in request["modules"]:
        names[name] = importlib.import_module(name)
    exec(compile(request["preamble"], "<prompt>", "exec"), names)
    names.update({name: Proxy(name, name in request["mutable"]) for name in request["names"]})
    exec(compile(request["setup"], "<setup>", "exec"), names)
    exec(compile(request["tests"], "<tests>", "exec", optimize=0), names)  # asserts stay, -O or not
    if request["checked"] is not None:
        names["check"](names[request["checked"]])


def verdict(request: dict[str, Any]) -> tuple[str, str]:
    """Outcome and detail of one run of the tests."""
    try:
        run(request)
    except NeedsCandidate as error:
        return "needs_in_process", str(error)
    except Refused as error:
        return "error", f"the answer returned {error}"
    except MemoryError as error:
        return "memory", "MemoryError in the candidate" if isinstance(error, CandidateRaised) else "MemoryError"
    except AssertionError as error:
        outcome = "error" if isinstance(error, CandidateRaised) else "wrong"
        return outcome, detail_of(error, request["tests"])
    except BaseException as error:
        return "error", detail_of(error, request["tests"])
    return "passed", ""


def main() -> None:
    """One run of tests."""
    request = json.loads(channel.receive())
    outcome, detail = verdict(request)
    channel.send(json.dumps({"outcome": outcome, "detail": detail}).encode())


main()
