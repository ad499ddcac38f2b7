"""Ways to write an exercise down. None of them is the agent's format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

TASK = ("Task", "Exercise", "Problem", "Request", "Question", "Assignment", "Instruction", "Prompt", "TODO", "Goal")
PLAN = ("Plan", "Idea", "Approach", "How", "Reasoning", "Note", "Strategy")
PROGRAM = ("Program", "Code", "Solution", "Python", "Script", "Snippet", "Try")
OUTPUT = ("Output", "Prints", "Result", "It prints", "stdout", "Shows", "Run")
ANSWER = ("Answer", "So the answer is", "Final answer", "Therefore", "A", "The answer is", "Reply", "In short")
SAYS = (
    "The result is {o}.",
    "So the answer is {o}.",
    "It is {o}.",
    "The program prints {o}.",
    "That gives {o}.",
    "We get {o}.",
    "The output shows {o}.",
    "Hence {o}.",
    "{o}",
)


@dataclass(frozen=True)
class Item:
    """What is written down. `plan` may be empty."""

    instruction: str
    plan: str
    program: str
    output: str


Rendering = Callable[[Item, Random], str]


def says(output: str, rng: Random) -> str:
    """A sentence that states the output."""
    return rng.choice(SAYS).replace("{o}", output)


def _indented(text: str, by: str = "    ") -> str:
    return "\n".join(by + line for line in text.splitlines())


def _labelled(item: Item, rng: Random) -> str:
    gap = rng.choice(("\n", "\n", " "))
    parts = [f"{rng.choice(TASK)}:{gap}{item.instruction}"]
    if item.plan and rng.random() < 0.7:
        parts.append(f"{rng.choice(PLAN)}: {item.plan}")
    parts.append(f"{rng.choice(PROGRAM)}:\n{item.program}")
    parts.append(f"{rng.choice(OUTPUT)}:{gap}{item.output}")
    if rng.random() < 0.7:
        parts.append(f"{rng.choice(ANSWER)}: {item.output}")
    return rng.choice(("\n", "\n\n")).join(parts)


def _fenced(item: Item, rng: Random) -> str:
    plan = f"{item.plan}.\n\n" if item.plan and rng.random() < 0.7 else ""
    out = rng.choice((f"```\n{item.output}\n```", f"> {item.output}", f"`{item.output}`", item.output))
    return f"{item.instruction}\n\n{plan}```python\n{item.program}\n```\n\n{out}\n\n{says(item.output, rng)}"


def _markdown(item: Item, rng: Random) -> str:
    mark = rng.choice(("#", "##", "###"))
    return (
        f"{mark} {rng.choice(TASK)}\n\n{item.instruction}\n\n"
        f"{mark} {rng.choice(PROGRAM)}\n\n```python\n{item.program}\n```\n\n"
        f"{mark} {rng.choice(OUTPUT)}\n\n{item.output}"
    )


def _question(item: Item, rng: Random) -> str:
    return f"Q: {item.instruction}\n{item.program}\nA: {item.output}"


def _commented(item: Item, rng: Random) -> str:
    plan = f"# {item.plan}\n" if item.plan and rng.random() < 0.5 else ""
    lead = rng.choice(("# ", "# Task: ", "# TODO: ", "# Q: "))
    sign = rng.choice(("->", "prints", "=>", "output:"))
    return f"{lead}{item.instruction}\n{plan}{item.program}\n# {sign} {item.output}"


def _doctest(item: Item, rng: Random) -> str:
    lines, inside = [], False
    for line in item.program.splitlines():
        if inside and not line.startswith(" "):
            lines.append("...")
            inside = False
        lines.append(("... " if line.startswith(" ") else ">>> ") + line)
        inside = line.startswith((" ", "def "))
    return f"{item.instruction}\n\n" + "\n".join([*lines, item.output])


def _script(item: Item, rng: Random) -> str:
    quotes = rng.choice(('"""', "'''"))
    return f"{quotes}{item.instruction}{quotes}\n\n{item.program}\n\n# {rng.choice(OUTPUT)}: {item.output}"


def _function(item: Item, rng: Random) -> str:
    *before, last = item.program.splitlines()
    if not (last.startswith("print(") and last.endswith(")")) or any(line.startswith((" ", "def")) for line in before):
        return _commented(item, rng)
    name = rng.choice(("solve", "answer", "main", "compute", "run", "task", "result"))
    imports = [line for line in before if line.startswith(("import ", "from "))]
    body = [line for line in before if line not in imports] + [f"return {last[6:-1]}"]
    head = "\n".join([*imports, ""]) if imports else ""
    doc = f'    """{item.instruction}"""\n'
    return f"{head}def {name}():\n{doc}{_indented(chr(10).join(body))}\n\nprint({name}())  # {item.output}"


def _notebook(item: Item, rng: Random) -> str:
    number = rng.randint(1, 40)
    code = item.program.replace("\n", "\n   ...: ")
    return f"{item.instruction}\n\nIn [{number}]: {code}\nOut: {item.output}"


def _conversation(item: Item, rng: Random) -> str:
    one, two = rng.choice(
        (("Mara", "Jonas"), ("Teacher", "Pupil"), ("Client", "Developer"), ("A", "B"), ("Boss", "Coder"))
    )
    plan = f"{item.plan}. " if item.plan else ""
    return (
        f"{one}: {item.instruction}\n{two}: {plan}I run\n{_indented(item.program)}\n"
        f"{two}: It prints {item.output}\n{two}: {says(item.output, rng)}"
    )


def _tagged(item: Item, rng: Random) -> str:
    plan = f"<plan>{item.plan}</plan>\n" if item.plan and rng.random() < 0.7 else ""
    return (
        f"<task>{item.instruction}</task>\n{plan}<code>\n{item.program}\n</code>\n<output>{item.output}</output>\n"
        f"<answer>{item.output}</answer>"
    )


RENDERINGS: tuple[tuple[Rendering, float], ...] = (
    (_labelled, 4.0),
    (_fenced, 4.0),
    (_markdown, 1.0),
    (_question, 1.0),
    (_commented, 1.5),
    (_doctest, 1.0),
    (_script, 0.7),
    (_function, 0.8),
    (_notebook, 0.5),
    (_conversation, 1.5),
    (_tagged, 1.0),
)
_KINDS = [kind for kind, _ in RENDERINGS]
_WEIGHTS = [weight for _, weight in RENDERINGS]


def render(item: Item, rng: Random) -> str:
    """One rendering, drawn by its weight."""
    return rng.choices(_KINDS, _WEIGHTS)[0](item, rng)
