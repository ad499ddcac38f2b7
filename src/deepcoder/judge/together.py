"""Runs inside the sandbox: the candidate's program and the tests in one process, the weaker mode.

Only for tests whose inputs are objects of the candidate's own classes (MBPP 601: Pair): such a program
could reach its verdict by walking frames. What is cheap to refuse is refused: the verdict carries a
number that arrives after the program was loaded, so that printed sentinels, exit hooks and frames sent
early decide nothing.

    in    {"code", "preamble", "names"}
    out   {"ready": true} | {"raised": ...}
    in    {"nonce", "setup", "tests", "checked"}
    out   {"nonce", "outcome": passed | wrong | error | memory, "detail"}
"""

from __future__ import annotations

import json
from typing import Any

import deepcoder_channel as channel  # type: ignore[import-not-found]

from deepcoder.judge.loading import detail_of, load, raised


def verdict(request: dict[str, Any], names: dict[str, Any]) -> tuple[str, str]:
    """Outcome and detail of one run of the tests."""
    try:
        exec(compile(request["setup"], "<setup>", "exec"), names)
        exec(compile(request["tests"], "<tests>", "exec", optimize=0), names)
        if request["checked"] is not None:
            names["check"](names[request["checked"]])
    except MemoryError:
        return "memory", "MemoryError"
    except AssertionError as error:
        return "wrong", detail_of(error, request["tests"])
    except BaseException as error:
        return "error", detail_of(error, request["tests"])
    return "passed", ""


def main() -> None:
    """Load the program, then run the tests on it."""
    program = json.loads(channel.receive())
    try:
        names = load(program)
    except BaseException as error:
        channel.send(json.dumps({"raised": raised(error)}).encode())
        return
    channel.send(b'{"ready": true}')
    request = json.loads(channel.receive())
    outcome, detail = verdict(request, names)
    channel.send(json.dumps({"nonce": request["nonce"], "outcome": outcome, "detail": detail}).encode())


main()
