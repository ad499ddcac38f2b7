"""A local HTTP server that speaks as much of the Hugging Face hub's protocol as an upload needs.

    with FakeHub() as hub:
        ... HfApi(endpoint=hub.endpoint, token=TOKEN) ...

`repos` holds what was committed; a token other than `TOKEN` is refused, and so is an owner other than `OWNER`.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

TOKEN, OWNER = "hf_test", "me"


@dataclass
class Repo:
    """A data set's repository: path -> content, after `commits` commits."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0


class FakeHub:
    """The server; `requests` lists (method, path) as they came."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[tuple[str, str]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._do("GET")

            def do_POST(self) -> None:
                self._do("POST")

            def _do(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.partition("?")[0]
                hub.requests.append((method, path))
                if self.headers.get("authorization") != f"Bearer {TOKEN}":
                    status, answer = 401, {"error": "Invalid username or password."}
                else:
                    status, answer = hub.answer(path, body)
                raw = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in (("content-type", "application/json"), ("content-length", str(len(raw)))):
                    self.send_header(name, value)
                if "error" in answer:
                    self.send_header("x-error-message", str(answer["error"]))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON of one request."""
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        name, _, action = path.removeprefix("/api/datasets/").partition("/")
        rest = action.split("/")
        name, action = f"{name}/{rest[0]}", "/".join(rest[1:])
        repo = self.repos.get(name)
        if repo is None:
            return 404, {"error": "Repository not found"}
        if not action or action == "revision/main":
            return 200, {"id": name, "private": repo.private, "siblings": [], "sha": "0" * 40, "tags": []}
        if action == "tree/main":
            files = repo.files.items()
            return 200, [{"type": "file", "path": path, "size": len(raw), "oid": "0" * 40} for path, raw in files]
        if action == "preupload/main":
            asked = json.loads(body)["files"]
            return 200, {"files": [{"path": e["path"], "uploadMode": "regular", "shouldIgnore": False} for e in asked]}
        if action == "commit/main":
            return self._commit(name, repo, body)
        return 404, {"error": f"this hub knows no {path}"}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        owner = asked.get("organization") or OWNER
        name = f"{owner}/{asked['name']}"
        if owner != OWNER:
            return 403, {"error": f"You don't have the rights to create a dataset under {owner}"}
        if name in self.repos:
            return 409, {"error": "You already created this dataset repo", "url": f"{self.endpoint}/datasets/{name}"}
        self.repos[name] = Repo(private=asked.get("visibility") == "private" or bool(asked.get("private")))
        return 200, {"url": f"{self.endpoint}/datasets/{name}", "name": name}

    def _commit(self, name: str, repo: Repo, body: bytes) -> tuple[int, Any]:
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "deletedFile":
                del repo.files[value["path"]]
        repo.commits += 1
        url = f"{self.endpoint}/datasets/{name}/commit/{repo.commits:040x}"
        return 200, {"commitUrl": url, "commitOid": f"{repo.commits:040x}", "success": True}

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
