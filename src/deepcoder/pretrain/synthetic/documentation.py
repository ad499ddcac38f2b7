"""Questions whose answer stands in a documentation entry that is given: symbol, parameter, first sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Entry:
    """One documented function: dotted name, signature, first paragraph."""

    symbol: str
    signature: str
    text: str


def _shown(entry: Entry, rng: Random) -> str:
    module, _, short = entry.symbol.rpartition(".")
    return rng.choice(
        (
            f"{entry.symbol}{entry.signature}\n{entry.text}",
            f"{entry.symbol}{entry.signature}: {entry.text}",
            f'def {short}{entry.signature}:\n    """{entry.text}"""\n# in {module}',
        )
    )


def parameters(signature: str) -> list[str]:
    """Names of the parameters in a signature, self and markers left out."""
    names = re.findall(r"(?:^\(|, )\*{0,2}([A-Za-z_]\w*)", signature)
    return [name for name in names if name not in ("self", "cls")]


def _gist(entry: Entry) -> str:
    sentence = re.split(r"(?<=\.)\s", entry.text.replace("\n", " "))[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def documentation(rng: Random, entries: list[Entry]) -> str:
    """One text: some entries, then a question about one of them and its answer."""
    chosen = rng.sample(entries, min(len(entries), rng.choice((1, 1, 2, 3))))
    entry = rng.choice(chosen)
    short, module = entry.symbol.split(".")[-1], entry.symbol.rpartition(".")[0]
    names = parameters(entry.signature)
    questions = [
        (f"Which function can {_gist(entry)}?", entry.symbol),
        (f"What is the full name of the function whose entry says: {_gist(entry)}?", entry.symbol),
        (f"What does {entry.symbol} do?", entry.text),
        (f"What is the signature of {short}?", f"{short}{entry.signature}"),
        (f"In which module is {short}?", module),
        (f"Look up {entry.symbol}.", f"{entry.symbol}{entry.signature}"),
        (f"How many parameters does {entry.symbol} take?", str(len(names))),
    ]
    if names:
        questions += [
            (f"What is the first parameter of {entry.symbol}?", names[0]),
            (f"What is the last parameter of {short} called?", names[-1]),
            (f"Name the parameters of {short}.", ", ".join(names)),
        ]
    for name, default in re.findall(r"([A-Za-z_]\w*)(?:: [^=,()]+)? ?= ?('[^']*'|[\w.\-]+)", entry.signature):
        questions.append((f"What is the default of {name} in {short}?", default))
    shown = "\n\n".join(_shown(one, rng) for one in chosen)
    asked = rng.sample(questions, min(len(questions), rng.choice((1, 1, 2))))
    first = rng.random() < 0.5
    lines = [f"{rng.choice(('Q', 'Question', 'Asked'))}: {question}" for question, _ in asked]
    if first and len(asked) == 1:
        return f"{lines[0]}\n\n{shown}\n\n{rng.choice(('A', 'Answer', 'Found'))}: {asked[0][1]}"
    return shown + "\n\n" + "\n".join(f"{line}\nA: {answer}" for line, (_, answer) in zip(lines, asked, strict=True))
