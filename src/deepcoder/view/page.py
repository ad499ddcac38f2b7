"""One HTML file with everything inside: style, script and data; it asks no server for anything.

Data: the rows of the list as one gzip block, the bodies in blocks of `BLOCK`, all base64, so that no text of a
model can end a script element. The script stands before the bodies: the list answers while they are still being read.
The page unpacks a block when one of its items is opened, and all of them, once, for a text search.
Its Content-Security-Policy lets this style and this script run, nothing else, and no request out.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from deepcoder.view.items import Body, Item, Row
from deepcoder.view.spans import visible

BLOCK = 64


def page(
    items: Iterable[Item], *, title: str, facts: Mapping[str, str] | None = None, front: str = "", style: str = ""
) -> str:
    """The whole file. `facts`: name and value, shown in the head.

    `front`: HTML of the caller's, shown first, with its own `style`; text of others in it must be escaped already.
    Inline style attributes and scripts in it are not run. It links to `#ID`, `#ID&compare`, `#/trajectories` (with
    `?family=...&outcome=...` filtered) and to its own `id="front-NAME"` by `#/NAME`.
    """
    return "".join(page_parts(items, title=title, facts=facts, front=front, style=style))


def page_parts(
    items: Iterable[Item], *, title: str, facts: Mapping[str, str] | None = None, front: str = "", style: str = ""
) -> list[str]:
    """`page` in parts, for `write_atomic`. Memory: the packed data and the rows; one block's texts at a time."""
    rows: list[Row] = []
    blocks: list[str] = []
    bodies: list[Body] = []
    seen: Counter[str] = Counter()
    for item in items:
        row = item["row"]
        seen[row["id"]] += 1
        repeated = seen[row["id"]]
        rows.append(row if repeated == 1 else {**row, "id": f"{row['id']}~{repeated}"})
        bodies.append(item["body"])
        if len(bodies) == BLOCK:
            blocks.append(packed(bodies))
            bodies = []
    if bodies:
        blocks.append(packed(bodies))
    index = {"block": BLOCK, "facts": dict(facts or {}), "rows": _columns(rows)}
    return _filled(title, packed(index), blocks, front, style)


def assets() -> tuple[str, str]:
    """(style, script) of the part that shows a trajectory, to be put into other pages.

    The script defines `trajectoryView(row, body, query)`, which returns a DOM element; see its head.
    """
    return _text("trajectory.css"), _text("trajectory.js")


def packed(value: Any) -> str:
    """JSON, gzip, base64; the same value gives the same text."""
    raw = json.dumps(value, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()


def _columns(rows: list[Row]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in Row.__annotations__}  # type: ignore[literal-required]


def _filled(title: str, index: str, blocks: list[str], front: str, extra: str) -> list[str]:
    style, script = assets()
    style, script = _text("page.css") + style + extra, script + _text("page.js")
    policy = "; ".join(
        ["default-src 'none'", f"script-src {_hash(script)}", f"style-src {_hash(style)}", "img-src data:",
         "base-uri 'none'", "form-action 'none'"]
    )  # fmt: skip
    values = {
        "FIRST": "front" if front else "list", "FRONT": front,
        "TITLE": html.escape(visible(title)), "POLICY": policy, "STYLE": style, "SCRIPT": script,
        "INDEX": f'<script type="text/plain" id="index">{index}</script>\n',
    }  # fmt: skip
    before, after = _text("page.html").split("%%BLOCKS%%")
    head, *rest = before.split("%%")  # NAME%%text after it%%NAME%%...
    filled = [values[part] if number % 2 == 0 else part for number, part in enumerate(rest)]
    data = [part for each in blocks for part in ('<script type="text/plain" class="block">', each, "</script>\n")]
    return [head, *filled, *data, after]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return resources.files("deepcoder.view").joinpath(name).read_text(encoding="utf-8")
