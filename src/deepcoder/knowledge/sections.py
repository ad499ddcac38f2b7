"""A text document -> its sections: the headings above a piece of text, and the text.

Markdown's and reStructuredText's headings are recognised by their own marks; HTML is read with the standard
library's parser (scripts, styles and comments left out). Any other text is one section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import PurePosixPath

_ATX = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})")
_SETEXT = re.compile(r"^ {0,3}(?P<mark>=+|-{2,})[ \t]*$")
_RST = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "footer", "form",
    "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul", "body", "html",
})  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "head"})


@dataclass(frozen=True)
class Section:
    """`headings`: outermost first, empty before the first one. `text` has no blank ends and is not empty."""

    headings: tuple[str, ...]
    text: str


def sections_of(name: str, text: str) -> Iterator[Section]:
    """The sections of a document in order, by the suffix of its name."""
    match PurePosixPath(name).suffix.lower():
        case ".md" | ".markdown":
            marks = _markdown(text)
        case ".rst":
            marks = _restructured(text)
        case ".html" | ".htm":
            marks = _html(text)
        case _:
            marks = iter([text])
    yield from _joined(marks)


@dataclass(frozen=True)
class _Heading:
    level: int
    title: str


def _joined(marks: Iterator[str | _Heading]) -> Iterator[Section]:
    """Lines and headings to sections: a heading ends those of its level and below."""
    above: list[_Heading] = []
    lines: list[str] = []

    def section() -> Iterator[Section]:
        text = re.sub(r"\A(?:[ \t]*\n)+", "", "\n".join(lines)).rstrip()
        if text:
            yield Section(tuple(each.title for each in above), text)
        lines.clear()

    for mark in marks:
        if isinstance(mark, str):
            lines.append(mark)
            continue
        yield from section()
        above = [each for each in above if each.level < mark.level]
        above.append(mark)
    yield from section()


def _markdown(text: str) -> Iterator[str | _Heading]:
    fence = ""
    held: str | None = None  # a line that an underline may make a heading
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence or mark:
            if mark and not fence:
                fence = mark["marks"]
            elif mark and mark["marks"].startswith(fence) and not line.strip().strip("`~"):
                fence = ""
        elif (atx := _ATX.match(line)) is not None:
            if held is not None:
                yield held
            held = None
            yield _Heading(len(atx["marks"]), atx["title"])
            continue
        elif held is not None and held.strip() and (underline := _SETEXT.match(line)) is not None:
            yield _Heading(1 if underline["mark"][0] == "=" else 2, held.strip())
            held = None
            continue
        if held is not None:
            yield held
        held = line
        if fence or mark:
            yield line
            held = None
    if held is not None:
        yield held


def _restructured(text: str) -> Iterator[str | _Heading]:
    """Headings are underlined, and perhaps overlined; the order in which the marks first come gives the levels."""
    lines = text.split("\n")
    styles: list[str] = []
    number = 0
    while number < len(lines):
        line, after = lines[number], lines[number + 1 : number + 3]
        over = bool(_RST.match(line)) and len(after) == 2 and after[1].rstrip() == line.rstrip()
        title, under = (after[0], after[1]) if over else (line, after[0] if after else "")
        plain = title.strip() and not _RST.match(title) and not (title[0].isspace() and not over)
        if plain and _RST.match(under) and len(under.rstrip()) >= len(title.rstrip()):
            style = under[0] * (2 if over else 1)
            if style not in styles:
                styles.append(style)
            yield _Heading(styles.index(style) + 1, title.strip())
            number += 3 if over else 2
            continue
        yield line
        number += 1


def _html(text: str) -> Iterator[str | _Heading]:
    reader = _Html()
    reader.feed(text)
    reader.close()
    reader.end_line()
    yield from reader.marks


class _Html(HTMLParser):
    """Visible text, a line a block; line breaks are kept inside <pre> alone."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.marks: list[str | _Heading] = []
        self._line: list[str] = []
        self._silent = 0
        self._pre = 0
        self._heading = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _HEADINGS:
            self.end_line()
            self._heading = int(tag[1])
        elif tag in _BLOCKS:
            self.end_line()
        self._pre += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _HEADINGS or tag in _BLOCKS:
            self.end_line()
        if tag == "pre":
            self._pre = max(0, self._pre - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line.append(data if self._pre else re.sub(r"\s+", " ", data))

    def end_line(self) -> None:
        """What was read since the last block becomes a line, or the open heading's title."""
        line = "".join(self._line)
        self._line = []
        if self._heading:
            self.marks.append(_Heading(self._heading, " ".join(line.split())))
            self._heading = 0
        elif line.strip():
            self.marks += ["", line.rstrip() if self._pre else line.strip()]
