"""Copying: long rare words, names, lists and quoted strings go from a passage into code, answers and lists."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from deepcoder.pretrain.synthetic.words import NAMES, Words, made_up


def _thing(rng: Random, words: Words) -> str:
    """Something that has to be copied."""
    kind = rng.random()
    if kind < 0.35:
        return words.word(rng)
    if kind < 0.5:
        return rng.choice(words.long)
    if kind < 0.62:
        return made_up(rng, rng.randint(3, 6))
    if kind < 0.72:
        return words.sentence(rng)
    if kind < 0.8:
        return words.mixed(rng)
    if kind < 0.88:
        return str([rng.randint(0, 10 ** rng.randint(1, 5)) for _ in range(rng.randint(2, 12))])
    if kind < 0.95:
        return str(words.several(rng, 2, 8))
    return str(rng.randint(10**6, 10**12))


def _literal(thing: str) -> str:
    return thing if thing.startswith("[") or thing.isdigit() else repr(thing)


def into_code(rng: Random, words: Words) -> str:
    """A passage mentions a thing; the code starts with it as a literal."""
    thing, name = _thing(rng, words), rng.choice(NAMES)
    quoted = rng.choice((thing, f"'{thing}'", f'"{thing}"', f"`{thing}`")) if not thing.startswith("[") else thing
    passage = rng.choice(
        (
            f"{name} wrote {quoted} on the board.",
            f"The input is {quoted}.",
            f"Given: {quoted}",
            f"Use {quoted} as the value.",
            f"{name}'s favourite is {quoted}, nothing else.",
            f"Store {quoted} in a variable.",
            f"We take {quoted} and print it.",
            f"Somebody typed {quoted} yesterday.",
        )
    )
    variable = rng.choice(("value", "text", "data", "x", "word", "items", "s", "given"))
    code = rng.choice((f"{variable} = {_literal(thing)}\nprint({variable})", f"print({_literal(thing)})"))
    return f"{passage}\n\n{code}\n\n{thing}"


def repeated(rng: Random, words: Words) -> str:
    """The same line again, several times, in changing quotes."""
    thing = _thing(rng, words)
    forms = (
        thing,
        f'"{thing}"',
        f"'{thing}'",
        f"({thing})",
        f"{thing}.",
        f"the value {thing}",
        f"- {thing}",
        f"print({_literal(thing)})",
    )
    return "\n".join(rng.choice(forms) for _ in range(rng.randint(2, 5)))


def recalled(rng: Random, words: Words) -> str:
    """A small table of facts, then questions about some of them."""
    keys = list(dict.fromkeys(rng.choice((rng.choice(NAMES), words.word(rng))) for _ in range(rng.randint(3, 7))))
    facts = {key: _thing(rng, words) for key in keys}
    sign = rng.choice((": ", " = ", " -> ", " has ", " is "))
    table = "\n".join(f"{key}{sign}{value}" for key, value in facts.items())
    asked = rng.sample(keys, min(len(keys), rng.randint(1, 3)))
    question = rng.choice(("What is the entry of {k}?", "And {k}?", "Look up {k}.", "Value for {k}:", "{k}?"))
    return table + "\n\n" + "\n".join(f"{question.replace('{k}', key)} {facts[key]}" for key in asked)


def listed(rng: Random, words: Words) -> str:
    """A list in words becomes a Python list."""
    if rng.random() < 0.5:
        row = words.several(rng, 2, 9)
        shown, literal = row, str(row)
    else:
        numbers = [
            rng.randint(-99 if rng.random() < 0.2 else 0, 10 ** rng.randint(1, 4)) for _ in range(rng.randint(2, 12))
        ]
        shown, literal = [str(number) for number in numbers], str(numbers)
    text = rng.choice(
        (", ".join(shown), ", ".join(shown[:-1]) + " and " + shown[-1], "; ".join(shown), " ".join(shown))
    )
    lead = rng.choice(("As a Python list", "items =", "In Python", "List", "values ="))
    tail = rng.choice(("", f"\nlen: {len(shown)}", f"\nfirst: {shown[0]}", f"\nlast: {shown[-1]}"))
    return f"{text}\n{lead}{'' if lead.endswith('=') else ':'} {literal}{tail}"


def spelled(rng: Random, words: Words) -> str:
    """A word, its letters one by one, and the word again."""
    word = rng.choice((words.word(rng), rng.choice(words.long), made_up(rng)))
    sign = rng.choice(("-", " ", ", "))
    forward, back = sign.join(word), sign.join(word[::-1])
    return rng.choice(
        (
            f"{word} is spelled {forward}: {word}",
            f"{word}: {forward}",
            f"{word} backwards: {back}, that is {word[::-1]}",
            f"letters of '{word}': {list(word)}",
            f"{forward} makes {word}",
        )
    )


def stated(rng: Random, words: Words) -> str:
    """An output is read and stated."""
    thing = _thing(rng, words)
    lead = rng.choice(("The program printed", "Output:", "stdout:", "Running it shows", ">>>", "It says", "Result:"))
    says = rng.choice(
        ("The answer is {t}", "So we report {t}", "Therefore: {t}", "{t}", "I read off {t}", "The value is {t}, so {t}")
    )
    return f"{lead} {thing}\n{says.replace('{t}', thing)}"


KINDS: tuple[Callable[[Random, Words], str], ...] = (into_code, into_code, repeated, recalled, listed, spelled, stated)


def copying(rng: Random, words: Words) -> str:
    """One copying text."""
    return rng.choice(KINDS)(rng, words)
