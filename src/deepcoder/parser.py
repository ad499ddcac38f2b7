"""What a model wrote -> one Step: tolerant on input, canonical on output.

    Thought: <reasoning>
    Action: execute_python | retrieve_knowledge | finish
    Action Input:
    <argument; Python in a ```python fence, anything else plain>

`parse_step(render_step(step))` gives the step's thought, action and input back, and what parse_step
returns always has that property: its result is rendered and read again until nothing changes. Text
in which no action can be read becomes a ParseFailure, whose message is fed back to the model as its
observation. It never raises.

Read as well: CRLF, full-width colons, labels in bold or in another case, `<think>` blocks (left
out), chatter before the thought, a missing `Action Input:`, calls (`finish(42)`, `finish[42]`), JSON
arguments (`{"code": "..."}`), a missing, unclosed, nested or longer fence. Only the first action
counts: a second one, and an invented `Observation:` with all that follows it, are dropped.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from deepcoder.records import ACTION, ACTION_INPUT, THOUGHT, Action, Step, StepError, render_step

# The key under which a model that writes JSON passes a tool's only argument.
_ARGUMENTS = {"execute_python": "code", "retrieve_knowledge": "query", "finish": "answer"}
_COLON = r"[ \t]*(?P=bold)?[ \t]*[:：](?:(?P=bold))?[ \t]*"
_BOLD = r"^[ \t]*(?:#{1,4}[ \t]+)?(?P<bold>\*{1,3}|_{1,2}|)"


def _label(name: str) -> re.Pattern[str]:
    return re.compile(_BOLD + name + _COLON, re.IGNORECASE | re.MULTILINE)


_THOUGHT, _ACTION, _INPUT, _OBSERVATION = map(_label, ("thoughts?", "action", r"action[ \t_]*input", "observation"))
# Inside a plain argument (which may be a program) only a label that looks like one ends it: no
# indentation and its own capital letters. `action: str` in a dataclass is not a label.
_END = re.compile(
    r"^(?:#{1,4} )?(?:\*{1,3}|_{1,2})?"
    r"(?:Thought|Action|Action Input|Observation|THOUGHT|ACTION|ACTION INPUT|OBSERVATION)"
    r"(?:\*{1,3}|_{1,2})?[ \t]*[:：]",
    re.MULTILINE,
)
_FENCE = re.compile(r"^[ \t]*(?P<ticks>`{3,})[ \t]*(?P<language>[\w+.-]*)[ \t]*$", re.MULTILINE)
_INLINE_FENCE = re.compile(r"(?P<ticks>`{3,})(?:python|py)?(?P<body>[^\n]*?)(?P=ticks)")
_CALL = re.compile(r"^(?P<name>[A-Za-z_]\w*)[ \t]*(?P<bracket>[(\[])(?P<arguments>.*)$", re.DOTALL)
_CLOSING = {"(": ")", "[": "]"}


@dataclass(frozen=True)
class ParseFailure:
    """No step could be read. `message` is the observation that tells the model what to write."""

    error: StepError
    message: str
    thought: str = ""


def parse_step(text: str, names: Collection[str] = tuple(Action)) -> Step | ParseFailure:
    """The first step in `text`; `names` are the actions that exist. Only thought, action and input are set.

    A mapping from names to the names of their arguments lets those be read in calls and JSON too.
    """
    result = _read(text, names)
    for _ in range(20):
        if isinstance(result, ParseFailure):
            return result
        again = _read(render_step(result), names)
        if again == result:
            return result
        result = again
    return ParseFailure(StepError.NO_ACTION, _how_to("The step could not be read.", names))


def answer_text(argument: str) -> str:
    """The answer in the input of a `finish` step: without the fence around a program, if there is one."""
    body = _fenced(argument)
    return argument.strip() if body is None else body


def reasoning_of(text: str) -> str:
    """What stands in the leading `<think>` blocks of a model's text; empty where there are none."""
    text = _lines(text)
    rest = _after_thinking(text)
    return re.sub(r"</?think>", "", text[: len(text) - len(rest)]).strip()


def without_reasoning(text: str) -> str:
    """A model's text behind its leading `<think>` blocks."""
    return _after_thinking(_lines(text)).lstrip()


def as_thought(text: str) -> str:
    """Any text as a thought: a line that would read as a label of its own loses its colon."""
    text = _lines(text).replace("<think>", "").replace("</think>", "").strip()
    for label in (_ACTION, _INPUT, _OBSERVATION, _THOUGHT):
        text = label.sub(lambda match: re.sub("[:：]", " -", match[0]), text)
    return text.strip()


def _read(text: str, names: Collection[str]) -> Step | ParseFailure:
    text = _after_thinking(_lines(text))
    match = _ACTION.search(text)
    if match is None:
        problem = "No `Action:` line was found." if text.strip() else "The answer was empty."
        return ParseFailure(StepError.NO_ACTION, _how_to(problem, names), _thought(text))
    before, after = text[: match.start()], text[match.end() :]
    invented = _invented(before)
    if invented is not None:
        problem = "An `Observation:` was written before any action; only the tools write observations."
        return ParseFailure(StepError.NO_ACTION, _how_to(problem, names), _thought(before[:invented]))
    thought = _thought(before)
    line, _, rest = after.partition("\n")
    name, inline = _name(line, rest, names)
    if name is None:
        problem = f"There is no action {line.strip()[:60]!r}."
        return ParseFailure(StepError.UNKNOWN_ACTION, _how_to(problem, names), thought)
    argument = _argument(name, inline if inline is not None else rest, _key(name, names))
    if not argument:
        return ParseFailure(StepError.EMPTY_INPUT, f"The input of {name} was empty.", thought)
    return Step(thought=thought, action=name, input=argument)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _after_thinking(text: str) -> str:
    """The text behind its leading `<think>` blocks. A block that never ends leaves nothing.

    R1's template opens the block in the prompt, so a `</think>` may come without its `<think>`; it
    counts only where no code precedes it and an action follows.
    """
    while True:
        start = text.lstrip()
        if start.startswith("<think>"):
            _, closed, rest = start.partition("</think>")
            if not closed:
                return ""
            text = rest
            continue
        head, closed, rest = text.partition("</think>")
        if not closed or "```" in head or _ACTION.search(rest) is None:
            return text
        text = rest


def _invented(before: str) -> int | None:
    """Where an `Observation:` stands after some other text, with no thought behind it."""
    observation = _OBSERVATION.search(before)
    if observation is None or not before[: observation.start()].strip():
        return None
    return observation.start()


def _thought(before: str) -> str:
    """The reasoning before the action: what follows the first `Thought:`, labels left out."""
    first = _THOUGHT.search(before)
    text = before[first.end() :] if first else before
    observation = _OBSERVATION.search(text)
    if observation is not None and first is None:
        text = text[: observation.start()]
    while True:
        text = text.strip()
        match = _THOUGHT.search(text)
        if match is None:
            return text
        text = text[: match.start()] + text[match.end() :]


def _name(line: str, rest: str, names: Collection[str]) -> tuple[str | None, str | None]:
    """The action named on its line, and its argument where it is written as a call."""
    plain = line.strip().strip("`*\"'").strip().rstrip(".")
    for name in names:
        if plain.casefold() == name.casefold():
            return name, None
    call = _CALL.match(line.strip().strip("`*"))
    if call is not None:
        name = next((known for known in names if known.casefold() == call["name"].casefold()), "")
        if name:
            return name, _call_argument(_key(name, names), call["bracket"], call["arguments"], rest)
    mentioned = [name for name in names if re.search(rf"\b{re.escape(name)}\b", line, re.IGNORECASE)]
    return (mentioned[0], None) if len(mentioned) == 1 else (None, None)


def _key(name: str, names: Collection[str]) -> str:
    """What a model may call the only argument of an action."""
    return names[name] if isinstance(names, Mapping) else _ARGUMENTS.get(name, "input")


def _call_argument(key: str, bracket: str, arguments: str, rest: str) -> str | None:
    """`("42")` -> 42. None where the call is empty and the argument follows below."""
    closing = _CLOSING[bracket]
    end = _END.search(rest)
    whole = f"{arguments}\n{rest[: end.start()] if end else rest}".rstrip().rstrip("`").rstrip()
    # Several lines belong to the call where the last of them closes it.
    body = whole if whole.endswith(closing) else arguments.rstrip().rstrip("`").rstrip()
    body = body.removesuffix(closing).strip()
    if not body:
        return None
    keyword = re.match(r"(?:code|query|answer|input|" + re.escape(key) + r")[ \t]*=[ \t]*(?!=)", body)
    value = body[keyword.end() :] if keyword else body
    literal = _literal(value)
    if isinstance(literal, str):
        return literal
    return value


def _literal(text: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _argument(name: str, region: str, key: str) -> str:
    """The argument in the text after the action line."""
    label = _INPUT.search(region)
    if label is not None and _END.search(region[: label.start()]) is None and "```" not in region[: label.start()]:
        region = region[label.end() :]
    if name == Action.EXECUTE_PYTHON:
        return _program(region, key)
    return _plain(region, key)


def _program(region: str, key: str) -> str:
    """Python: the fenced block, else the text up to the next label."""
    if not _FENCE.match(region.lstrip("\n")):
        end = _END.search(region)
        unfenced = (region[: end.start()] if end else region).strip("\n").rstrip()
        unwrapped = _unwrap(key, unfenced)
        if unwrapped is not None:
            return unwrapped
        if unfenced and _compiles(unfenced):
            return unfenced if "\n" in unfenced else unfenced.strip()
        body = _fenced(region, anywhere=True)
        if body is not None:
            return body if body.strip() else ""
        inline = _INLINE_FENCE.search(region) or re.fullmatch(r"\s*`(?P<body>[^`\n]+)`\s*", region)
        if inline is not None:
            return inline["body"].strip()
        return _dedented(unfenced)
    body = _fenced(region)
    return body if body is not None and body.strip() else ""


def _plain(region: str, key: str) -> str:
    """Any other argument: up to the next label; a fence around all of it is taken off."""
    body = _fenced(region)
    if body is not None:
        # Text that would not survive without its fence keeps it.
        plain = _dedented(body)
        if _END.search(body) is None and not _FENCE.match(plain):
            return plain
        ticks = _FENCE.match(region.lstrip("\n"))
        assert ticks is not None
        return f"{ticks['ticks']}{ticks['language']}\n{body}\n{ticks['ticks']}" if body.strip() else ""
    end = _END.search(region)
    text = _dedented(region[: end.start()] if end else region)
    unwrapped = _unwrap(key, text)
    if unwrapped is not None:
        return _dedented(unwrapped)
    quoted = re.fullmatch(r"`([^`\n]+)`", text)
    return quoted[1].strip() if quoted else text


def _dedented(text: str) -> str:
    """Without blank lines around it; a single line also without its indentation."""
    text = re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip()
    return text if "\n" in text else text.strip()


def _unwrap(key: str, text: str) -> str | None:
    """`{"code": "..."}` -> its value; None where the text is not such a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        tree = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(tree, dict) and len(tree) == 1:
        value = tree.get(key)
        if isinstance(value, str):
            return _lines(value)
    return None


def _fenced(text: str, *, anywhere: bool = False) -> str | None:
    """The body of the fence that opens `text` (or, `anywhere`, of the first one before a label).

    The closing fence is the first one at which the body is a program, else simply the first; one
    that is missing stands at the next label or at the end.
    """
    text = re.sub(r"\A(?:[ \t]*\n)+", "", text)
    opening = _FENCE.search(text) if anywhere else _FENCE.match(text)
    if opening is None:
        return None
    label = _END.search(text)
    if label is not None and label.start() < opening.start():
        return None
    body = text[opening.end() + 1 :]
    closing = re.compile(rf"^[ \t]*`{{{len(opening['ticks'])},}}[ \t]*$", re.MULTILINE)
    ends = [match.start() for match in closing.finditer(body)]
    if not ends:
        label = _END.search(body)
        return (body[: label.start()] if label else body).rstrip()
    bodies = [body[: end - 1] if end else "" for end in ends[:8]]
    if len(bodies) > 1 and opening["language"] in ("", "python", "py"):
        return next((each for each in bodies if _compiles(each)), bodies[0])
    return bodies[0]


def _compiles(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _how_to(problem: str, names: Collection[str]) -> str:
    return f"{problem} Write one step:\n{THOUGHT} ...\n{ACTION} one of {', '.join(names)}\n{ACTION_INPUT}\n..."
