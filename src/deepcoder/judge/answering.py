"""Runs inside the sandbox: loads the candidate's program and answers calls to its functions.

Nothing here can make a verdict: this process sees inputs and gives values. What the candidate does to
it (patched builtins, forged frames, exit hooks) changes only its own answers.

    in    {"code", "preamble", "names"}                       the program, once
    out   {"ready": true} | {"raised": ...}
    in    [{"id", "name", "arguments", "keywords", "mutable"}, ...]  calls, answered in this order, a frame each
    out   {"id", "value", "arguments"?} | {"id", "raised": ...} | {"id", "refused": text}
"""

from __future__ import annotations

import json
from typing import Any

import deepcoder_channel as channel  # type: ignore[import-not-found]

from deepcoder.judge.loading import load, raised
from deepcoder.judge.values import MAX_BYTES, BadValue, NotPlain, decode, to_json


def answer(call: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Make one call, and its result plain."""
    arguments = [decode(item, names.__getitem__) for item in call["arguments"]]
    keywords = {key: decode(item, names.__getitem__) for key, item in call["keywords"].items()}
    value = names[call["name"]](*arguments, **keywords)
    try:
        reply = {"value": to_json(value)}
        if call["mutable"]:
            reply["arguments"] = [to_json(item) for item in arguments]
    except (NotPlain, BadValue) as error:
        return {"refused": str(error)}
    return reply


def main() -> None:
    """Load, then answer until the other side closes."""
    program = json.loads(channel.receive())
    try:
        names = load(program)
    except BaseException as error:
        channel.send(json.dumps({"raised": raised(error)}).encode())
        return
    channel.send(b'{"ready": true}')
    while (frame := channel.receive()) is not None:
        for call in json.loads(frame):
            channel.send(framed(call, names))


def framed(call: dict[str, Any], names: dict[str, Any]) -> bytes:
    """The reply to one call, as it travels."""
    try:
        reply = answer(call, names)
    except BaseException as error:
        reply = {"raised": raised(error)}
    frame = json.dumps({"id": call["id"], **reply}, separators=(",", ":")).encode()
    if len(frame) > MAX_BYTES:
        refusal = {"id": call["id"], "refused": f"a value of {len(frame)} bytes"}
        frame = json.dumps(refusal).encode()
    return frame


main()
