from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from deepcoder.errors import ConfigError, ProblemError
from deepcoder.evaluate.downloads import DOWNLOADS, Download, fetch

DATA = b'{"task_id": "HumanEval/0"}\n'
CONSOLE = Console(file=io.StringIO())


class Handler(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self) -> None:
        Handler.requests += 1
        if self.path == "/old":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/file" else 404)
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def table(url: str, sha256: str | None) -> dict[str, Download]:
    return {"b": Download("humaneval", "b.jsonl", url, "MIT", sha256)}


def test_a_file_is_fetched_once_through_redirects_and_checked(server: str, tmp_path: Path) -> None:
    known = table(f"{server}/old", hashlib.sha256(DATA).hexdigest())
    assert fetch("b", tmp_path, CONSOLE, known).read_bytes() == DATA
    before = Handler.requests
    fetch("b", tmp_path, CONSOLE, known)
    assert Handler.requests == before


def test_other_bytes_are_refused_and_nothing_is_left(server: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="sha256"):
        fetch("b", tmp_path, CONSOLE, table(f"{server}/file", "0" * 64))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_changed_on_disk_is_refused(server: str, tmp_path: Path) -> None:
    known = table(f"{server}/file", hashlib.sha256(DATA).hexdigest())
    fetch("b", tmp_path, CONSOLE, known).write_bytes(b"other")
    with pytest.raises(ProblemError, match="sha256"):
        fetch("b", tmp_path, CONSOLE, known)


def test_without_a_known_hash_the_first_download_sets_it(server: str, tmp_path: Path) -> None:
    path = fetch("b", tmp_path, CONSOLE, table(f"{server}/file", None))
    assert (tmp_path / "b.jsonl.sha256").read_text().split() == [hashlib.sha256(DATA).hexdigest(), "b.jsonl"]
    path.write_bytes(b"other")
    with pytest.raises(ProblemError, match="sha256"):
        fetch("b", tmp_path, CONSOLE, table(f"{server}/file", None))


def test_failures_are_named(server: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="404"):
        fetch("b", tmp_path, CONSOLE, table(f"{server}/away", None))
    with pytest.raises(ConfigError, match="no benchmark 'apps'"):
        fetch("apps", tmp_path, CONSOLE)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("humaneval", "humaneval/HumanEval.jsonl.gz"), ("humaneval+mini", "evalplus/HumanEvalPlus-Mini.jsonl.gz"),
        ("mbpp-sanitized", "mbpp/sanitized-mbpp.json"),
    ],
)  # fmt: skip
def test_the_known_hashes_are_those_of_the_files(shared: Path, name: str, place: str) -> None:
    assert hashlib.sha256((shared / "data" / place).read_bytes()).hexdigest() == DOWNLOADS[name].sha256
