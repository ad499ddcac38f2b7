"""Own documents: which files, how they are cut, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.config import KnowledgeConfig
from deepcoder.errors import KnowledgeError
from deepcoder.knowledge.documents import read_documents
from deepcoder.knowledge.pieces import pieces
from deepcoder.knowledge.python_source import definitions_of
from deepcoder.knowledge.sections import Section, sections_of


def names(*paths: Path | str, **settings: object) -> list[str]:
    config = KnowledgeConfig(paths=[str(path) for path in paths], **settings)
    return [document.name for document in read_documents(config)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    for name in ("guide.md", "api/orders.py", "api/old/orders.py", "image.png", ".git/notes.md", "__pycache__/x.py"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}\n")
    return root


def test_files_folders_and_globs(folder: Path):
    assert names(folder) == ["handbook/api/old/orders.py", "handbook/api/orders.py", "handbook/guide.md"]
    assert names(folder / "guide.md") == ["guide.md"]
    assert names(folder / "image.png") == ["image.png"]  # who names a file wants it, whatever it is called
    assert names(f"{folder}/api/*.py") == ["api/orders.py"]
    assert names(f"{folder}/**/orders.py") == ["handbook/api/old/orders.py", "handbook/api/orders.py"]
    assert names(folder, exclude=["*/old/*"]) == ["handbook/api/orders.py", "handbook/guide.md"]
    assert names(folder, suffixes=[".png"]) == ["handbook/image.png"]


def test_a_file_that_is_named_twice_is_read_once(folder: Path):
    assert names(folder, folder / "guide.md", f"{folder}/*.md").count("handbook/guide.md") == 1


def test_no_name_shows_where_the_folder_lies(folder: Path):
    assert not any(str(folder.parent) in name for name in names(folder, f"{folder}/api/**/*.py"))


def refused(*paths: Path | str, **settings: object) -> str:
    with pytest.raises(KnowledgeError) as caught:
        names(*paths, **settings)
    return str(caught.value)


def test_errors_name_the_file(folder: Path, tmp_path: Path):
    (folder / "latin.txt").write_bytes("Größe".encode("latin-1"))
    assert f"{folder}/latin.txt is not UTF-8 text" in refused(folder)
    (folder / "latin.txt").write_bytes(b"%PDF\0\0")
    assert f"{folder}/latin.txt is binary" in refused(folder)
    (folder / "latin.txt").write_text("x" * 2000)
    assert f"{folder}/latin.txt is larger than 0.001 MB" in refused(folder, max_file_mb=0.001)
    assert "nowhere' gives no document" in refused(folder, tmp_path / "nowhere")
    assert "*.rst' gives no document" in refused(f"{folder}/*.rst")


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    plain = Path.open

    def locked(path: Path, *args: object, **settings: object) -> object:
        if path.name == "guide.md":
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *args, **settings)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", locked)
    assert f"{folder}/guide.md cannot be read: Permission denied" in refused(folder)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "secret.md").write_text("a key")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    assert "is a link to a file outside" in refused(folder)
    assert "handbook/link.md" not in names(folder, exclude=["*/link.md"])


def test_two_documents_of_one_name_are_refused(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name / "docs").mkdir(parents=True)
        (tmp_path / name / "docs/x.md").write_text(name)
    assert "two documents would be called docs/x.md" in refused(tmp_path / "a/docs", tmp_path / "b/docs")


MARKDOWN = """\
before

# Orders
about orders
## Totals ##
```sh
# no heading
```
Refunds
-------
money back
# Users
"""


def test_markdown_sections():
    assert list(sections_of("a.md", MARKDOWN)) == [
        Section((), "before"),
        Section(("Orders",), "about orders"),
        Section(("Orders", "Totals"), "```sh\n# no heading\n```"),
        Section(("Orders", "Refunds"), "money back"),
    ]


def test_restructured_text_sections():
    text = "======\nOrders\n======\nabout\n\nTotals\n------\nsum\n\n===== =====\na     b\n===== =====\n"
    found = list(sections_of("a.rst", text))
    assert [each.headings for each in found] == [("Orders",), ("Orders", "Totals")]
    assert found[1].text.startswith("sum\n\n=====")


def test_html_is_its_visible_text():
    text = (
        "<html><head><title>t</title><script>steal()</script></head><body><h1>Orders &amp; more</h1>"
        "<p>An  <b>order</b>\nhas items.</p><!-- no --><h2>Code</h2><pre>a = 1\n  b</pre><style>x{}</style>"
        "</body></html>"
    )
    assert list(sections_of("a.html", text)) == [
        Section(("Orders & more",), "An order has items."),
        Section(("Orders & more", "Code"), "a = 1\n  b"),
    ]


PYTHON = '''\
"""Orders of the shop."""
import os
RATE = 0.2


class Order(Base):
    """One order."""

    items = ()

    @property
    def total(self, tax=RATE) -> float:
        """The sum."""
        return 1.0


def find(key, *, limit=3):
    return None
'''


def test_python_files_are_their_definitions():
    found = {each.symbol: each for each in definitions_of("shop/api/orders.py", PYTHON) or []}
    assert list(found) == [
        "api.orders", "api.orders.Order", "api.orders.Order.total", "api.orders.find", "api.orders.__main__",
    ]  # fmt: skip
    assert found["api.orders.Order"].signature == "api.orders.Order(Base)"
    assert found["api.orders.Order.total"].signature == "api.orders.Order.total(self, tax=RATE) -> float"
    assert found["api.orders.Order.total"].text.startswith("@property\ndef total(")
    assert "def total" not in found["api.orders.Order"].text
    assert found["api.orders.__main__"].text == "RATE = 0.2"
    assert definitions_of("x.py", "print 'old'") is None


def test_python_is_parsed_and_never_run(tmp_path: Path):
    definitions_of("x.py", f"open({str(tmp_path / 'made')!r}, 'w')")
    assert not (tmp_path / "made").exists()


@given(st.text(alphabet="ab .\n", max_size=300), st.integers(1, 40))
def test_pieces_hold_everything_and_fit(text: str, limit: int):
    found = pieces(text, limit)
    assert all(0 < len(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_pieces_are_cut_at_the_best_border():
    assert pieces("one two.\nthree\n\nfour", 16) == ["one two.\nthree", "four"]
    assert pieces("one two. three four", 10) == ["one two.", "three four"]
    assert pieces("abcdef", 4) == ["abcd", "ef"]


@given(st.text(max_size=200), st.sampled_from(["a.md", "a.rst", "a.html", "a.txt", "a.py"]))
def test_any_text_can_be_read(text: str, name: str):
    assert all(section.text.strip() for section in sections_of(name, text))
    definitions_of(name, text)
