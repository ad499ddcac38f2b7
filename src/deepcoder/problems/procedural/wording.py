"""From an operation and its parameters to a prompt: template, values, suffix, frame, outer frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from deepcoder.problems.procedural.display import literal, show
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.operation import Operation, Template, Values
from deepcoder.problems.procedural.tables import frames

QUOTES = "'\"`"
_SLOT = re.compile(r"\{(\w+)(!r)?\}")
_ORDINAL = re.compile(r"\b(\d+)th\b")
_PLURAL = re.compile(
    r"\b(?:do|are|have|would) \{(?:xs|ws)\}|"
    r"\{(?:xs|ws)\} (?:come|cover|form|have|average|lie|exceed|add|would|rank|make|follow|are)\b"
)
_SINGULAR = re.compile(r"\b(?:is|does|becomes) \{(?:xs|ws)\}|\{(?:xs|ws)\} (?:is|has|goes) ")
_TWICE = re.compile(r"\b(words|numbers|values|letters) (in|of|from) the \1 ")


def ask(operation: Operation, values: Values, draw: Draw, *, yes_no: bool = False) -> str:
    """The prompt of one operation."""
    template = draw.choice(operation.templates(draw.wording))
    shown = shower(operation, values, draw)
    wording = fill_template(template, shown, draw)
    frame = draw.choice(frames(draw.wording, template.kind))
    sentence = put(frame, wording, draw, fixed=template.text.startswith("{"))
    bare = operation.main in values and isinstance(values[operation.main], list) and "[" not in wording
    return finish(sentence, operation, draw, yes_no=yes_no, list_wanted=bare)


def finish(sentence: str, operation: Operation, draw: Draw, *, yes_no: bool = False, list_wanted: bool = False) -> str:
    """Add what makes the answer unambiguous, then the outer frame."""
    # An opening such as "Hello." would make of a wording that begins with a bare value another value.
    text = put(draw.choice(frames(draw.wording, "outer")), sentence, draw)
    if operation.out == "bool":
        return _append(text, draw.choice(frames(draw.wording, "yes_no" if yes_no else "boolean")))
    if operation.out == "float2":
        return _append(text, draw.choice(frames(draw.wording, "rounded")))
    if operation.out == "list" and (list_wanted or draw.chance(0.2)):
        return _append(text, draw.choice(frames(draw.wording, "as_list")))
    return text


def shower(operation: Operation, values: Values, draw: Draw) -> Callable[[str, bool], str]:
    """A function that shows a parameter; each parameter has one form throughout a prompt."""
    forms: dict[str, str] = {}

    def shown(key: str, as_literal: bool) -> str:
        if as_literal:
            return literal(values[key])
        if key not in forms:
            # "the number 7" reads well as an operand, not in "the first 7 primes".
            noun = key == operation.main and (operation.takes == "int" or not isinstance(values[key], int))
            forms[key] = show(values[key], draw, main=noun)
        return forms[key]

    return shown


def fill_template(template: Template, shown: Callable[[str, bool], str], draw: Draw) -> str:
    """The template's text with its choices made and its slots filled."""

    chosen = template.pick(draw)
    name = draw.name() if "{name}" in chosen else ""

    def slot(match: re.Match[str]) -> str:
        return name if match[1] == "name" else shown(match[1], match[2] is not None)

    return tidy(_SLOT.sub(slot, chosen), chosen)


def tidy(text: str, template: str) -> str:
    """Grammar that depends on the values: ordinals, number of a noun against its verb, a noun said twice."""
    text = _TWICE.sub(r"\1 \2 ", _ORDINAL.sub(_ordinal, text))
    if _PLURAL.search(template):
        text = re.sub(r"\bthe list \[(?=['\"])", "the words [", text)
        return re.sub(r"\bthe list \[", "the numbers [", text)
    return re.sub(r"\bthe (?:numbers|values|words) ", "the list ", text) if _SINGULAR.search(template) else text


def _ordinal(match: re.Match[str]) -> str:
    n = int(match[1])
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def choose(text: str, draw: Draw) -> str:
    """A text with each of its choices `<a|b>` made."""
    return Template("q", text).pick(draw)


def chainable(table: Sequence[Template], main: str, kinds: str) -> list[Template]:
    """The templates of some kinds in which `main` occurs exactly once, as people write it."""
    return [
        template
        for template in table
        if template.kind in kinds
        and template.text.count(f"{{{main}}}") == 1
        and f"{{{main}!r}}" not in template.text
        and "{name}" not in template.text
    ]


def put(frame: str, wording: str, draw: Draw, *, fixed: bool = False) -> str:
    """A wording in a frame. `fixed`: it begins with a value, which a capital letter would change."""
    text = frame.replace("{name}", draw.name()) if "{name}" in frame else frame
    capital = wording if fixed or wording[0] in QUOTES else wording[0].upper() + wording[1:]
    body = text.replace("{x}", "\0").replace("{X}", "\1")
    place = body.find("\0") if "\0" in body else body.find("\1")
    after = body[place + 1 :]
    if after[:1] in (".", "?") and wording[-1] in ".?!":
        body = body[: place + 1] + after[1:]
    elif after[:1] == " " and wording[-1] not in ".?!:" and after[1:2].isupper():
        body = body[: place + 1] + "." + after
    return body.replace("\0", wording).replace("\1", capital)


def _append(text: str, suffix: str) -> str:
    joint = " " if text[-1] in ".?!" or suffix.startswith("(") else ". "
    return f"{text}{joint}{suffix}"
