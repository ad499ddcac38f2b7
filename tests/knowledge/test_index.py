"""The documentation index: built once, exact symbols first, any query is safe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.errors import DeepCoderError
from deepcoder.knowledge import KnowledgeIndex, open_index
from deepcoder.knowledge.collect import paragraph, signature
from deepcoder.knowledge.index import name_words
from deepcoder.knowledge.stdlib import default_cache


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("knowledge")


@pytest.fixture(scope="session")
def index(folder: Path) -> KnowledgeIndex:
    return open_index(folder)


def test_it_covers_the_standard_library(index: KnowledgeIndex):
    assert len(index) > 3000
    for symbol in ("math.gcd", "str.split", "collections.Counter", "os.path.join", "heapq.heappush", "len", "math"):
        assert index.search(symbol)[0].symbol == symbol


def test_a_bare_name_finds_its_symbol_and_nothing_else(index: KnowledgeIndex):
    [entry] = index.search("heappush")
    assert entry.symbol == "heapq.heappush"
    assert entry.signature == "heapq.heappush(heap, item)"
    assert "heap" in entry.text


@pytest.mark.parametrize("query", ["`math.gcd`", "math.gcd()", "MATH.GCD", "how does math.gcd work?"])
def test_symbols_are_found_in_any_dress(index: KnowledgeIndex, query: str):
    assert index.search(query)[0].symbol == "math.gcd"


def test_words_find_by_text(index: KnowledgeIndex):
    assert index.search("remove common leading whitespace from lines")[0].symbol == "textwrap.dedent"
    assert index.search("dict subclass for counting hashable items")[0].symbol == "collections.Counter"


def test_signatures_show_defaults_and_no_addresses(index: KnowledgeIndex):
    assert "width=70" in index.search("textwrap.wrap")[0].signature
    assert not any(" at 0x" in entry.signature for entry in index.search("key function default object", 20))


def test_a_signature_tells_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("A_SECRET_KEY", "do-not-tell")

    def parse(fp=None, environ=os.environ, executable=sys.executable, limit=3): ...

    assert signature("cgi.parse", parse) == "cgi.parse(fp=None, environ=..., executable=..., limit=3)"


def test_no_signature_of_the_library_tells_of_this_machine(index: KnowledgeIndex):
    signatures = [entry.signature for _, entry in index.entries()]
    assert len(signatures) > 3000
    assert [text for text in signatures if "environ({" in text or sys.executable in text] == []


def test_a_documented_exception_is_kept_however_late_it_is_named(index: KnowledgeIndex):
    assert "ValueError" in index.search("str.index")[0].text


def test_limits(index: KnowledgeIndex):
    assert len(index.search("join strings", limit=2)) == 2
    assert index.search("") == [] == index.search("zzqqxx")
    assert all(len(entry.text) < 420 for entry in index.search("return a new object", 20))


@given(st.text(max_size=60))
def test_no_query_breaks_the_search(index: KnowledgeIndex, query: str):
    assert len(index.search(query)) <= 3


def test_a_second_open_does_not_build_again(folder: Path, index: KnowledgeIndex, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert len(open_index(folder)) == len(index)
    assert not list(folder.glob(".*"))  # nothing half-written stays behind


def test_a_failed_build_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(DeepCoderError, match="could not be built"):
        open_index(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "deepcoder"


def test_names_are_split_into_words():
    assert name_words("collections.OrderedDict") == "collections ordered dict ordereddict"
    assert name_words("bisect.bisect_left") == "bisect bisect left"


def test_paragraphs():
    assert paragraph("max(a) -> value\n\nThe largest.") == "max(a) -> value. The largest."
    assert paragraph(None) == ""
    assert len(paragraph("word " * 200)) <= 250
