"""'Write a function that ...': judged by hidden tests, tried out by the expert before it is handed in."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deepcoder.problems.contracts import Script
from deepcoder.problems.procedural.draw import Draw, in_held_out_pool
from deepcoder.problems.procedural.expert import hand_in, run
from deepcoder.problems.procedural.family import PARAMETERS, TRAIN, WORDING, Made
from deepcoder.problems.procedural.operation import Template
from deepcoder.problems.procedural.tables import frames, wordings
from deepcoder.problems.procedural.wording import fill_template
from deepcoder.records import TestsCheck

TESTS = 5


@dataclass(frozen=True)
class Task:
    """A function to be written.

    `code` has {f} for its name and {x}, {y} for its parameters; `names` and `parameters` are what these may be
    called (the last third of the names is held out); `draw` gives the arguments of one test.
    """

    key: str
    code: str
    answer: Callable[..., Any]
    draw: Callable[[Draw], tuple[Any, ...]]
    names: tuple[str, ...]
    parameters: tuple[tuple[str, ...], ...]


class FunctionFamily:
    """A table of functions to be written."""

    splits = (TRAIN, PARAMETERS, WORDING)

    def __init__(self, name: str, table: Sequence[Task], weight: int = 1) -> None:
        self.name, self.weight, self.table = name, weight, tuple(table)
        self.operations = tuple(task.key for task in table)

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Task `index` modulo their number, under a drawn name."""
        task = self.table[index % len(self.table)]
        f, arguments = _name(task, draw), draw.choice(task.parameters)
        slots = dict(zip(("x", "y"), arguments, strict=False))
        call = f"{f}({', '.join(arguments)})"
        what = Template("n", draw.choice(wordings(draw.wording, self.name, task.key)))
        frame = draw.choice(frames(draw.wording, "function"))
        prompt = _fill(frame, {"call": _quoted(call, draw), "f": f, "args": ", ".join(arguments), "name": draw.name()})
        prompt = prompt.replace("{what}", fill_template(what, lambda key, _: slots[key], draw))
        code = _fill(task.code.strip(), {"f": f, **slots})
        return Made(task.key, prompt, _check(task, f, draw), _script(task, f, code, draw), draw.level)


def _name(task: Task, draw: Draw) -> str:
    """A name of this side; a suffix makes more of them. In training also any words: a name is copied, not guessed."""
    if draw.wording == "train" and not draw.held_out and draw.chance(0.5):
        return _any_name(draw)
    stems = [name for name in task.names if in_held_out_pool(name) == draw.held_out] or list(task.names)
    suffixes = ("", "_of", "_in", "_fn", "_v2", "_now", "_for", "_py", "_it", "_from", "_x", "_func")
    while True:
        name = draw.choice(stems) + draw.choice(suffixes)
        if in_held_out_pool(name) == draw.held_out:
            return name


def _any_name(draw: Draw) -> str:
    while True:
        name = "_".join(draw.plain_word() for _ in range(draw.small(1, 3)))
        if name.isascii() and not (keyword.iskeyword(name) or hasattr(builtins, name) or in_held_out_pool(name)):
            return name


def _check(task: Task, f: str, draw: Draw) -> TestsCheck:
    tests = []
    for _ in range(TESTS):
        arguments = task.draw(draw)
        tests.append(f"assert {f}({', '.join(map(repr, arguments))}) == {task.answer(*arguments)!r}")
    return TestsCheck(entry_point=f, tests="\n".join(tests))


def _script(task: Task, f: str, code: str, draw: Draw) -> Script:
    trial = ", ".join(map(repr, task.draw(draw)))
    return Script((run(f"Write {f} and try it.", f"{code}\nprint({f}({trial}))"), hand_in(code)))


def _quoted(call: str, draw: Draw) -> str:
    return f"`{call}`" if draw.chance(0.5) else call


def _fill(template: str, slots: dict[str, str]) -> str:
    for key, value in slots.items():
        template = template.replace(f"{{{key}}}", value)
    return template
