"""The two mixes of synthetic text: `broad` for most of training, `rich` for its end, and for the held-out loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from deepcoder.pretrain.synthetic.copying import copying
from deepcoder.pretrain.synthetic.documentation import documentation
from deepcoder.pretrain.synthetic.entries import Entry
from deepcoder.pretrain.synthetic.exercises import make_exercise
from deepcoder.pretrain.synthetic.faults import contrast, paraphrase, repair
from deepcoder.pretrain.synthetic.renderings import Item, render
from deepcoder.pretrain.synthetic.sessions import Session, session
from deepcoder.pretrain.synthetic.words import Words


@dataclass(frozen=True)
class Material:
    """What was carried: words, documentation entries, training problems worked out.

    `fresh` and `lookups` make more of the last from a seed: problems that look nothing up, and look-ups.
    """

    words: Words
    entries: list[Entry]
    worked: Sequence[Session]
    fresh: Callable[[str], Iterator[Session]] | None = None
    lookups: Callable[[str], Iterator[Session]] | None = None


CARRIED_LOOKUPS = 0.3  # of the look-ups, where others are made

MIXES: dict[str, dict[str, float]] = {
    "broad": {
        "worked": 0.60,
        "exercise": 0.16,
        "copying": 0.11,
        "documentation": 0.05,
        "repair": 0.04,
        "paraphrase": 0.02,
        "contrast": 0.02,
    },
    "rich": {
        "worked": 0.70,
        "exercise": 0.08,
        "copying": 0.12,
        "documentation": 0.04,
        "repair": 0.03,
        "paraphrase": 0.01,
        "contrast": 0.02,
    },
}


def worked_sessions(rng: Random, material: Material) -> Iterator[Session]:
    """Carried problems, those that look nothing up and most of the others replaced by new ones where these are made."""
    new = material.fresh(str(rng.random())) if material.fresh else None
    lookups = material.lookups(str(rng.random())) if material.lookups else None
    while True:
        carried = rng.choice(material.worked)
        if any(turn.lookup for turn in carried.turns):
            yield carried if lookups is None or rng.random() < CARRIED_LOOKUPS else next(lookups)
        else:
            yield carried if new is None else next(new)


def _task(kind: str, rng: Random, material: Material, worked: Iterator[Session]) -> str:
    if kind == "worked":
        return session(next(worked), rng)
    exercise = make_exercise(rng, material.words)
    return render(Item(exercise.instruction, exercise.plan, exercise.program, exercise.output), rng)


def document(kind: str, rng: Random, material: Material, worked: Iterator[Session]) -> str:
    """One document of a kind named in MIXES; `worked` gives the problems."""
    match kind:
        case "exercise" | "worked":
            count = 1 if rng.random() < 0.75 else rng.randint(2, 4)
            return "\n\n".join(_task(kind, rng, material, worked) for _ in range(count))
        case "copying":
            return "\n\n".join(copying(rng, material.words) for _ in range(rng.randint(1, 3)))
        case "paraphrase":
            return paraphrase(rng, material.words)
        case "documentation":
            return documentation(rng, material.entries)
        case "repair":
            return repair(rng, material.words)
        case "contrast":
            return contrast(rng, material.words)
        case _:
            raise KeyError(kind)


def documents(mix: str, rng: Random, material: Material) -> Iterator[str]:
    """Documents of a mix without end. Kinds for which nothing was carried are left out."""
    shares = dict(MIXES[mix])
    if not material.worked:
        shares.pop("worked")
    if not material.entries:
        shares.pop("documentation")
    kinds, weights = list(shares), list(shares.values())
    worked = worked_sessions(rng, material)
    while True:
        yield document(rng.choices(kinds, weights)[0], rng, material, worked)
