"""The wordings: text files beside the code, one a family and side.

    wordings/SIDE/FAMILY.txt     gcd
                                     n: the greatest common divisor of {a} and {b}
                                     q: what is the largest number that divides both {a} and {b}?

A line that is not indented opens a section: an operation, a kind of question or of frame. The sides have no line in
common: `train` words the training problems; `held_out` and `sealed` were written by others, who had not seen it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

Side = Literal["train", "held_out", "sealed"]
SIDES: tuple[Side, ...] = ("train", "held_out", "sealed")


@cache
def sections(side: Side, file: str) -> dict[str, tuple[str, ...]]:
    """The sections of a file; a line that stands twice in one counts twice. ValueError for a line outside of any."""
    found: dict[str, list[str]] = {}
    text = resources.files(__package__).joinpath("wordings", side, f"{file}.txt").read_text(encoding="utf-8")
    key = ""
    for line in text.splitlines():
        if line.startswith(" "):
            if not key:
                raise ValueError(f"wordings/{side}/{file}.txt: {line!r} stands in no section")
            found[key].append(line.strip())
        elif line.strip():
            key = line.strip()
            if key in found:
                raise ValueError(f"wordings/{side}/{file}.txt: two sections {key}")
            found[key] = []
    return {key: tuple(lines) for key, lines in found.items()}


def wordings(side: Side, file: str, key: str) -> tuple[str, ...]:
    """The lines of one section."""
    return sections(side, file)[key]


def frames(side: Side, kind: str) -> tuple[str, ...]:
    """Sentences around a wording, by kind; the kinds are the sections of frames.txt.

    `n`, `p`, `v`, `q` stand around a wording of that kind (`{x}`, `{X}` with a capital letter), `outer` around whole
    sentences; `boolean`, `yes_no`, `as_list`, `rounded` are appended; `vv`, `vn`, ... join two wordings (`{a}`, `{b}`)
    and `it`, `it_list` are what the second one calls the first one's result; `branch` and `again` ask for two runs,
    `function` for a function. `{name}` is a first name.
    """
    return sections(side, "frames")[kind]
