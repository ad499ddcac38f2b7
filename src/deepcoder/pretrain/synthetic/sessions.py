"""Training problems worked out step by step, written down in ways that are not the agent's format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from deepcoder.pretrain.synthetic.renderings import TASK, Item, render, says

_LOOKED_UP = ("The documentation says", "In the documentation", "From the manual", "Docs", "help() shows")
_THEN = ("Then", "Next", "After that", "Now", "Second run", "Again")


@dataclass(frozen=True)
class Turn:
    """One step: a thought, then a program and its output, or a query and what the documentation says."""

    thought: str
    input: str
    output: str
    lookup: bool


@dataclass(frozen=True)
class Session:
    """An instruction, the steps, the answer; after a look-up also how the answer is read from it."""

    instruction: str
    turns: tuple[Turn, ...]
    answer: str
    reading: str = ""

    @property
    def plain(self) -> bool:
        """One program whose output is the answer."""
        return len(self.turns) == 1 and not self.turns[0].lookup and self.turns[0].output == self.answer


def session(item: Session, rng: Random) -> str:
    """One rendering."""
    if item.plain:
        turn = item.turns[0]
        return render(Item(item.instruction, turn.thought.rstrip("."), turn.input, item.answer), rng)
    return rng.choice(_WAYS)(item, rng)


def _fenced(item: Session, rng: Random) -> str:
    parts = [item.instruction]
    for turn in item.turns:
        if turn.lookup:
            parts.append(f"{turn.thought}\n\n`{turn.input}`\n\n{rng.choice(_LOOKED_UP)}:\n\n{turn.output}")
        else:
            parts.append(f"{turn.thought}\n\n```python\n{turn.input}\n```\n\n```\n{turn.output}\n```")
    return "\n\n".join([*parts, _closing(item, rng)])


def _labelled(item: Session, rng: Random) -> str:
    parts = [f"{rng.choice(TASK)}: {item.instruction}"]
    for number, turn in enumerate(item.turns):
        note = rng.choice(("Note", "Idea", "Plan")) if number == 0 else rng.choice(_THEN)
        what = ("Query", "Documentation") if turn.lookup else ("Code", "Output")
        parts.append(f"{note}: {turn.thought}\n{what[0]}:\n{turn.input}\n{what[1]}:\n{turn.output}")
    return "\n".join([*parts, _closing(item, rng)])


def _notebook(item: Session, rng: Random) -> str:
    number = rng.randint(1, 40)
    parts = [item.instruction]
    for turn in item.turns:
        code = f"help({turn.input!r})" if turn.lookup else turn.input.replace("\n", "\n   ...: ")
        parts.append(f"# {turn.thought}\nIn [{number}]: {code}\nOut[{number}]: {turn.output}")
        number += 1
    return "\n\n".join([*parts, _closing(item, rng)])


def _conversation(item: Session, rng: Random) -> str:
    one, two = rng.choice((("Teacher", "Pupil"), ("Client", "Developer"), ("A", "B")))
    parts = [f"{one}: {item.instruction}"]
    for turn in item.turns:
        does = f"I look up {turn.input}" if turn.lookup else f"I run\n{turn.input}"
        parts.append(f"{two}: {turn.thought} {does}\n{one}: {turn.output}")
    return "\n".join([*parts, f"{two}: {_closing(item, rng)}"])


def _closing(item: Session, rng: Random) -> str:
    said = item.answer if "\n" in item.answer else says(item.answer, rng)
    return f"{item.reading} {said}" if item.reading else said


_WAYS: tuple[Callable[[Session, Random], str], ...] = (_fenced, _fenced, _labelled, _notebook, _conversation)
