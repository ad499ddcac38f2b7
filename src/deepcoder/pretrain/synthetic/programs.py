"""Programs of a chain of stages, in several styles, and what they print."""

from __future__ import annotations

import builtins
import re
from random import Random

from deepcoder.pretrain.synthetic.operands import VARIABLES, Value, shape
from deepcoder.pretrain.synthetic.stages import Stage


def substitute(expression: str, texts: dict[str, str]) -> str:
    """Put texts for slot names into an expression; an integer before a dot gets parentheses."""
    if not texts:
        return expression

    def text(match: re.Match[str]) -> str:
        new = texts[match.group(1)]
        before_dot = expression[match.end() : match.end() + 1] == "."
        return f"({new})" if before_dot and new.lstrip("-").isdigit() else new

    names = "|".join(sorted(texts))
    return re.sub(rf"(?<![\w.'%])({names})(?![\w'])", text, expression)


def _named(values: dict[str, Value], kinds: tuple[str, ...], rng: Random, taken: set[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for slot in values:
        pool = VARIABLES.get(shape(kinds[0]), VARIABLES["int"]) if slot == "x" else VARIABLES[slot]
        free = [name for name in pool if name not in taken] or [f"{pool[0]}_{len(taken)}"]
        chosen[slot] = rng.choice(free)
        taken.add(chosen[slot])
    return chosen


def program(stages: tuple[Stage, ...], rng: Random) -> str:
    """Python that computes the chain and prints its result, in one of several styles."""
    imports = [
        line for stage in stages for line in stage.operation.imports.splitlines() if _needs(line, stage.expression)
    ]
    definitions = [stage.operation.definition for stage in stages if stage.operation.definition]
    lines: list[str] = []
    taken: set[str] = set()
    before = ""
    inline = rng.random() < 0.3
    for index, stage in enumerate(stages):
        values = {k: v for k, v in stage.values.items() if not (k == "x" and before)}
        if inline or rng.random() < 0.15:
            texts = {slot: repr(value) for slot, value in values.items()}
        else:
            names = _named(values, stage.operation.takes, rng, taken)
            constant = {slot for slot in values if slot in "cdnmkw" and rng.random() < 0.75}
            lines += [f"{names[slot]} = {value!r}" for slot, value in values.items() if slot not in constant]
            texts = {slot: repr(values[slot]) if slot in constant else names[slot] for slot in values}
        if before:
            texts["x"] = before
        expression = substitute(stage.expression, texts)
        if index + 1 < len(stages):
            before = _free(("result", "step", "first", "part", "middle", "found", "made"), rng, taken)
            lines.append(f"{before} = {expression}")
        elif rng.random() < 0.25:
            final = _free(("result", "answer", "output", "total", "found"), rng, taken)
            lines += [f"{final} = {expression}", f"print({final})"]
        else:
            lines.append(f"print({expression})")
    return "\n".join((*dict.fromkeys(imports), *definitions, *lines))


def _free(pool: tuple[str, ...], rng: Random, taken: set[str]) -> str:
    name = rng.choice([name for name in pool if name not in taken] or [f"value_{len(taken)}"])
    taken.add(name)
    return name


def _needs(line: str, expression: str) -> bool:
    names = line.split(" import ")[-1].removeprefix("import ").split(", ")
    return any(re.search(rf"\b{name.split('.')[0]}\b", expression) for name in names)


def printed(code: str) -> str:
    """What a program of ours prints (it is run in this process: never for anyone else's code)."""
    lines: list[str] = []

    def record(*values: object) -> None:
        lines.append(" ".join(map(str, values)))

    exec(compile(code, "<exercise>", "exec"), {"__builtins__": {**vars(builtins), "print": record}})
    return "\n".join(lines)
