"""A synthetic teacher that multiplies, and goes wrong with known probabilities: what a switch yields can be worked out.

Each problem has its own difficulty, each step its own chance: a program that raises (`error`), one that prints a wrong
number (`wrong`), an answer that is not what was printed (`misread`). The chances are drawn by a hash of the request
(messages, seed, temperature): the same request is answered the same, in every session.

It does not get better by being told to think first or that it failed: it draws again, and that is all. What a real
teacher makes of a plan or of a note is not shown by it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.fakes.provider import FakeProvider, Reply

_QUESTION = re.compile(r"What is (\d+) \* (\d+)\?")
_RESULT = re.compile(r"Observation: (-?\d+)\Z")


@dataclass(frozen=True)
class Chances:
    """Of a problem of medium difficulty; the others have 0 to 2 times as much."""

    error: float = 0.2
    wrong: float = 0.3
    misread: float = 0.05

    def __post_init__(self) -> None:
        if self.error + self.wrong > 0.5 or self.misread > 0.5:
            raise ValueError("twice as much would be more than certain")

    def of(self, question: str) -> tuple[float, float, float]:
        """The chances of one problem: error, wrong, misread."""
        factor = 2 * uniform("difficulty", question)
        return self.error * factor, self.wrong * factor, self.misread * factor

    def passing(self, question: str, max_steps: int) -> float:
        """The chance that one plain run passes: k errors, then a right program and its finish within the budget.

        sum over k <= max_steps - 2 of error^k * (1 - error - wrong) * (1 - misread)
        """
        error, wrong, misread = self.of(question)
        tries = range(max_steps - 1)
        return sum(error**k for k in tries) * (1 - error - wrong) * (1 - misread)


class StumblingProvider(FakeProvider):
    """The teacher behind the provider's protocol; `thinks_aloud`: with a separate reasoning field of two sentences.

    Other keywords are FakeProvider's.
    """

    def __init__(self, chances: Chances | None = None, *, thinks_aloud: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.chances = chances or Chances()
        self.thinks_aloud = thinks_aloud

    def reply(self, body: dict[str, Any]) -> Reply | str:
        text = self.text(body)
        reasoning = "A product is asked for. It is safer to let a program work it out than to do it by heart."
        return Reply(text, reasoning) if self.thinks_aloud else text

    def text(self, body: dict[str, Any]) -> str:
        """The answer to a request; ValueError for anything but multiplications."""
        messages = body["messages"]
        if (question := _QUESTION.search(messages[0]["content"])) is None:
            raise ValueError("this teacher only multiplies")
        if "Do not solve it yet" in messages[0]["content"]:
            return f"Two numbers are to be multiplied, {question[1]} and {question[2]}. A program does it."
        left, right = int(question[1]), int(question[2])
        error, wrong, misread = self.chances.of(question[0])
        luck = uniform(json.dumps([messages, body.get("seed"), body.get("temperature")]))
        if result := _RESULT.search(messages[-1]["content"]):
            shown = int(result[1]) - (luck < misread)
            return f"Thought: that is it\nAction: finish\nAction Input:\n{shown}"
        program = f"print({left} * {right})"
        if luck < error:
            program = f"print({left} * right)"
        elif luck < error + wrong:
            program = f"print({left} * {right} + {1 + int(1e6 * luck) % 5})"
        return f"Thought: multiply\nAction: execute_python\nAction Input:\n```python\n{program}\n```"


def uniform(*parts: str) -> float:
    """A number in [0, 1), by hash."""
    return int.from_bytes(hashlib.sha256("\x00".join(parts).encode()).digest()[:7]) / 2**56
