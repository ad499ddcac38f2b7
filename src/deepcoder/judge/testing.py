"""Runs inside the sandbox: the hidden tests, with the candidate's functions replaced by proxies.

This process never holds the candidate's code. A proxy sends its arguments to the supervisor as plain
data; the supervisor carries them to the candidate and brings back bytes, which are checked here before
anything is built from them. Every comparison is made here, on values of exact builtin types.

Three processes, each a fork of the one before, so that nothing of one run is left for the next:

    the first   waits for checks          in   b"T" + {"preamble", "setup", "tests", "names", "checked", "modules",
                                               "mutable", "calls", "cpu_s", "wall_s"}
    a check's   compiles and sets up      in   b"R": run the tests once; b"E": this check is done with
    a run's     runs the tests            out  b"C" + how many (4 bytes, big-endian)
                                               + [{"id", "name", "arguments", "keywords", "mutable"}, ...]
                                          in   b"A" + the candidate's reply to one call, in order; b"O": it has ended
                                          out  b"V" + {"outcome", "detail", "calls"}, and it is over

outcome: passed | wrong | error | memory | timeout | needs_in_process | over (the candidate ended first) |
unforeseen (the tests made other calls than `calls` foretold: run them again, foretelling nothing).
"""

from __future__ import annotations

import builtins
import functools
import gc
import importlib
import json
import os
import resource
import signal
import types
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import deepcoder_channel as channel  # type: ignore[import-not-found]

from deepcoder.judge.loading import detail_of
from deepcoder.judge.values import BadValue, NotPlain, check_value, decode, parse, to_json

WINDOW_CALLS = 128  # foretold calls that are sent at once
WINDOW_BYTES = 65_536


class TooEarly(BaseException):
    """The tests call the candidate where a check is set up: they can be set up in a run alone."""


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


# --- calls --------------------------------------------------------------------------------------


class Line:
    """A run's way to the candidate. Calls that are known beforehand go ahead of the tests, many at once."""

    def __init__(self, foretold: list[str]) -> None:
        self.foretold = deque(foretold)
        self.ahead: deque[str] = deque()  # sent, not yet asked for
        self.sent = self.calls = 0

    def ask(self, call: str, arguments: int | None) -> dict[str, Any]:
        """The reply to a call; `arguments`: how many come back changed, None where they do not."""
        if not self.ahead:
            self._send([call] if not self.foretold else self._window())
        if self.ahead.popleft() != call:
            end("unforeseen", "", self.calls)
        self.calls += 1
        frame = channel.receive()
        if frame is None or frame[:1] == b"O":
            end("over", "", self.calls)
        try:
            return checked(parse(frame[1:]), self.calls, arguments)
        except (BadValue, KeyError, RecursionError) as error:
            end("error", f"the program answered the judge with {error}", self.calls)

    def _window(self) -> list[str]:
        window, size = [self.foretold.popleft()], 0
        while self.foretold and len(window) < WINDOW_CALLS and (size := size + len(self.foretold[0])) < WINDOW_BYTES:
            window.append(self.foretold.popleft())
        return window

    def _send(self, calls: list[str]) -> None:
        first = self.sent + 1
        self.sent += len(calls)
        self.ahead.extend(calls)
        text = ",".join(f'{{"id":{number},{call}}}' for number, call in enumerate(calls, first))
        channel.send(b"C" + len(calls).to_bytes(4, "big") + b"[" + text.encode() + b"]")


def checked(reply: Any, number: int, arguments: int | None) -> dict[str, Any]:
    """A candidate's reply, nothing built from it yet. BadValue or KeyError where it is none."""
    if not isinstance(reply, dict) or reply.pop("id", None) != number:
        raise BadValue("a frame that is no reply")
    if reply.keys() == {"refused"}:
        return {"refused": str(reply["refused"])[:500]}
    if reply.keys() == {"raised"}:
        raised = reply["raised"]
        if not isinstance(raised, dict) or raised.keys() != {"types", "text"} or not isinstance(raised["text"], str):
            raise BadValue("an exception that is none")
        if not isinstance(raised["types"], list) or not raised["types"]:
            raise BadValue("an exception without a class")
        if not all(isinstance(name, str) for name in raised["types"]):
            raise BadValue("an exception without a class")
        return reply
    values = [reply["value"]]
    if arguments is not None:
        changed = reply["arguments"]
        if not isinstance(changed, list) or len(changed) != arguments:
            raise BadValue("arguments that do not match the call")
        values += changed
    if len(reply) != (1 if arguments is None else 2):
        raise BadValue("a reply with other parts")
    for value in values:
        check_value(value)
    return reply


class Proxy:
    """A function of the candidate's, called through the supervisor."""

    line: Line | None = None  # a run's, once there is one

    def __init__(self, name: str, mutable: bool) -> None:
        self.__name__ = self.__qualname__ = name
        self.mutable = mutable

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """The candidate's result, or its exception."""
        if (line := Proxy.line) is None:
            raise TooEarly
        try:
            call = call_text(self.__name__, arguments, keywords, self.mutable)
        except (NotPlain, BadValue) as error:
            end("needs_in_process", str(error), line.calls)
        reply = line.ask(call, len(arguments) if self.mutable else None)
        if "refused" in reply:
            end("error", f"the answer returned {reply['refused']}", line.calls)
        if "raised" in reply:
            raise as_exception(reply["raised"])
        try:
            value = decode(reply["value"])
            for old, new in zip(arguments, reply.get("arguments", ()), strict=False):
                write_back(old, decode(new))
        except BadValue as error:
            end("error", f"the answer returned {error}", line.calls)
        return value


def call_text(name: str, arguments: Sequence[Any], keywords: dict[str, Any], mutable: bool) -> str:
    """A call as JSON, without its number and its outer brackets."""
    call = {
        "name": name,
        "arguments": [to_json(item, reference) for item in arguments],
        "keywords": {key: to_json(item, reference) for key, item in keywords.items()},
        "mutable": mutable,
    }
    return json.dumps(call)[1:-1]


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


# --- a check and its runs -------------------------------------------------------------------------


class Check:
    """A check, compiled; set up as far as that is the same for every answer."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.names: dict[str, Any] | None = None
        self.foretold: list[str] = []
        try:
            self.code = [
                compile(request["preamble"], "<prompt>", "exec"),
                compile(request["setup"], "<setup>", "exec"),
                compile(request["tests"], "<tests>", "exec", optimize=0),  # asserts stay, -O or not
            ]
            calls = decode(request["calls"])
            if request["checked"] is not None:  # otherwise the tests are the calls
                self.names = self.load()
                if "__calls__" in self.names:  # EvalPlus: a list of argument lists (evaluate.evalplus)
                    calls = [(request["checked"], arguments, {}) for arguments in self.names["__calls__"]]
            mutable = request["mutable"]
            self.foretold = [call_text(name, given, named, name in mutable) for name, given, named in calls]
        except BaseException:  # whatever it is, a run meets it again and reports it
            self.names = None

    def load(self) -> dict[str, Any]:
        """The namespace after prompt, set-up and tests."""
        names = types.ModuleType("tests").__dict__
        for name in self.request["modules"]:
            names[name] = importlib.import_module(name)
        prompt, setup, tests = self.code
        exec(prompt, names)
        names.update({name: Proxy(name, name in self.request["mutable"]) for name in self.request["names"]})
        exec(setup, names)
        exec(tests, names)
        return names

    def run(self, foretell: bool) -> None:
        """Run the tests; does not return."""
        Proxy.line = line = Line(self.foretold if foretell else [])
        outcome, detail = "passed", ""
        try:
            names = self.load() if self.names is None else self.names
            if self.request["checked"] is not None:
                names["check"](names[self.request["checked"]])
        except MemoryError as error:
            outcome, detail = "memory", "MemoryError in the candidate" if isinstance(error, CandidateRaised) else ""
        except AssertionError as error:
            outcome = "error" if isinstance(error, CandidateRaised) else "wrong"
            detail = detail_of(error, self.request["tests"])
        except BaseException as error:
            outcome, detail = "error", detail_of(error, self.request["tests"])
        end(outcome, detail, line.calls)


def end(outcome: str, detail: str, calls: int) -> NoReturn:
    """The verdict, and the end of the process that reached it: no test can swallow it."""
    channel.send(b"V" + json.dumps({"outcome": outcome, "detail": detail, "calls": calls}).encode())
    os._exit(0)


def forked(work: Callable[[], None], cpu_s: int, wall_s: int = 0) -> None:
    """Do `work` in a fork, limited in seconds (0: no wall limit); where it dies, say so in its place."""
    pid = os.fork()
    if pid == 0:
        _limit_cpu(cpu_s)
        signal.alarm(wall_s)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        timed = number in (signal.SIGXCPU, signal.SIGALRM)
        text = {"outcome": "timeout" if timed else "killed", "detail": f"the tests ended with signal {number}"}
        channel.send(b"V" + json.dumps({**text, "calls": 0}).encode())


def _limit_cpu(seconds: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (hard if seconds is None else seconds, hard))


def serve_check(request: dict[str, Any]) -> None:
    """Runs of one check, until it is done with."""
    check = Check(request)
    _limit_cpu(None)  # what counts from here on are the runs, each by itself
    gc.freeze()  # runs share these pages
    while (frame := channel.receive()) not in (None, b"E"):
        if frame[:1] == b"R":  # anything else is what an earlier candidate still had to say
            forked(functools.partial(check.run, frame == b"R"), request["cpu_s"], request["wall_s"])


def main() -> None:
    """Checks, until the other side closes."""
    silent = os.open("/dev/null", os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)  # what tests print is read by nobody, and must not add up to the output limit
    while (frame := channel.receive()) is not None:
        if frame[:1] == b"T":
            request = json.loads(frame[1:])
            forked(functools.partial(serve_check, request), request["cpu_s"] * 4)


main()
