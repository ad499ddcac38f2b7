from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Generate = Callable[..., tuple[dict[str, int | float | str], str]]


def multiply(messages: list[dict[str, Any]]) -> str:
    """A model that can multiply, with a program, and believes what it sees."""
    seen = messages[-1]["content"].removeprefix("Observation: ")
    if not seen.isdecimal():
        left, right = re.findall(r"\d+", messages[0]["content"])[-2:]
        return f"Thought: multiply\nAction: execute_python\nAction Input:\n```python\nprint({left} * {right})\n```"
    return f"Thought: that is it\nAction: finish\nAction Input:\n{seen}"
