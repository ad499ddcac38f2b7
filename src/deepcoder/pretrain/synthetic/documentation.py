"""Questions whose answer stands in a documentation entry that is given: symbol, parameter, first sentence."""

from __future__ import annotations

import re
from random import Random

from deepcoder.pretrain.synthetic.entries import Entry, parameters

_SIMPLE = re.compile(r"'[^']*'|[\w.\-]+")  # a default that is asked about


def _shown(entry: Entry, rng: Random) -> str:
    module, _, short = entry.symbol.rpartition(".")
    return rng.choice(
        (
            f"{entry.symbol}{entry.signature}\n{entry.text}",
            f"{entry.symbol}{entry.signature}: {entry.text}",
            f'def {short}{entry.signature}:\n    """{entry.text}"""\n# in {module}',
        )
    )


def _gist(entry: Entry) -> str:
    sentence = re.split(r"(?<=\.)\s", entry.text.replace("\n", " "))[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def documentation(rng: Random, entries: list[Entry]) -> str:
    """One text: some entries, then a question about one of them and its answer."""
    chosen = rng.sample(entries, min(len(entries), rng.choice((1, 1, 2, 3))))
    entry = rng.choice(chosen)
    short, module = entry.symbol.split(".")[-1], entry.symbol.rpartition(".")[0]
    found = parameters(entry.signature)
    names = [parameter.name for parameter in found or () if parameter.name]
    questions = [
        (f"Which function can {_gist(entry)}?", entry.symbol),
        (f"What is the full name of the function whose entry says: {_gist(entry)}?", entry.symbol),
        (f"What does {entry.symbol} do?", entry.text),
        (f"What is the signature of {short}?", f"{short}{entry.signature}"),
        (f"In which module is {short}?", module),
        (f"Look up {entry.symbol}.", f"{entry.symbol}{entry.signature}"),
    ]
    if found is not None:
        questions.append((f"How many parameters does {entry.symbol} take?", str(len(names))))
    if names:
        questions += [
            (f"What is the first parameter of {entry.symbol}?", names[0]),
            (f"What is the last parameter of {short} called?", names[-1]),
            (f"Name the parameters of {short}.", ", ".join(names)),
        ]
    for parameter in found or ():
        if _SIMPLE.fullmatch(parameter.default):
            questions.append((f"What is the default of {parameter.name} in {short}?", parameter.default))
    shown = "\n\n".join(_shown(one, rng) for one in chosen)
    asked = rng.sample(questions, min(len(questions), rng.choice((1, 1, 2))))
    first = rng.random() < 0.5
    lines = [f"{rng.choice(('Q', 'Question', 'Asked'))}: {question}" for question, _ in asked]
    if first and len(asked) == 1:
        return f"{lines[0]}\n\n{shown}\n\n{rng.choice(('A', 'Answer', 'Found'))}: {asked[0][1]}"
    return shown + "\n\n" + "\n".join(f"{line}\nA: {answer}" for line, (_, answer) in zip(lines, asked, strict=True))
