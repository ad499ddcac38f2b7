"""A local HTTP server that speaks Groq's and OpenAI's protocol, with their faults, limits and headers.

    with FakeProvider(think) as server:
        ... teacher.base_url=server.base_url ...

`think` is the model: chat messages -> Reply (or its text). Faults are scripted: `server.script` holds
what the next chat requests get instead, in order; `server.fault(body, number)` decides for each.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

KEY = "gsk_test"


@dataclass(frozen=True)
class Reply:
    """A good answer. `reasoning_key` is `reasoning` at Groq and vLLM, `reasoning_content` at DeepSeek."""

    text: str
    reasoning: str | None = None
    reasoning_key: str = "reasoning"
    finish_reason: str = "stop"
    cached_tokens: int = 0


@dataclass(frozen=True)
class Refusal:
    """An HTTP error with a body and headers."""

    status: int
    message: str = "refused"
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """The connection is reset before any answer."""


@dataclass(frozen=True)
class CutBody:
    """Half of the body is sent, then the connection is reset."""


@dataclass(frozen=True)
class Garbage:
    """200 with a body that is no completion."""

    body: bytes = b"<html>hello from a proxy</html>"
    content_type: str = "text/html"


@dataclass(frozen=True)
class Drip:
    """A good answer, byte by byte, `pause_s` apart."""

    pause_s: float


Fault = Refusal | Reset | CutBody | Garbage | Drip | Reply
Think = Callable[[list[dict[str, Any]]], "Reply | str"]


def too_many(retry_after: float | None = 2.0) -> Refusal:
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Refusal(429, "Rate limit reached", "rate_limit_exceeded", headers)


def decommissioned(model: str) -> Refusal:
    return Refusal(
        400, f"The model `{model}` has been decommissioned and is no longer supported.", "model_decommissioned"
    )


class Bucket:
    """A token bucket: `limit` a `per_s` seconds."""

    def __init__(self, limit: float, per_s: float, now: Callable[[], float]) -> None:
        self.limit, self.rate, self.now = limit, limit / per_s, now
        self.level, self.at = limit, now()

    def refill(self) -> None:
        now = self.now()
        self.level = min(self.limit, self.level + self.rate * (now - self.at))
        self.at = now

    def headers(self, name: str) -> dict[str, str]:
        reset = (self.limit - self.level) / self.rate
        return {
            f"x-ratelimit-limit-{name}": f"{self.limit:g}",
            f"x-ratelimit-remaining-{name}": str(int(max(0, self.level))),
            f"x-ratelimit-reset-{name}": f"{reset:.3f}s",
        }


class FakeProvider:
    """The server. Counters: `answered` (good answers), `refused` (429s of its own limits), `admitted` and `charged`
    (requests that its limits let through, and their tokens)."""

    def __init__(
        self,
        think: Think | None = None,
        *,
        models: Sequence[str] = ("openai/gpt-oss-120b", "qwen/qwen3-32b"),
        key: str | None = KEY,
        fault: Callable[[dict[str, Any], int], Fault | None] | None = None,
        latency_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        requests_limit: tuple[float, float] | None = None,
        tokens_limit: tuple[float, float] | None = None,
    ) -> None:
        self.think = think or (lambda messages: "Thought: known\nAction: finish\nAction Input:\n42")
        self.models, self.key, self.fault, self.latency_s = list(models), key, fault, latency_s
        self.script: deque[Fault] = deque()
        self.model_script: deque[Refusal] = deque()
        self.requests: list[dict[str, Any]] = []
        self.keep_requests = True
        self.answered = self.refused = self.seen = self.in_flight = self.most_in_flight = 0
        self.admitted, self.charged = 0, 0.0
        self.buckets = {
            name: Bucket(*limit, now)
            for name, limit in (("requests", requests_limit), ("tokens", tokens_limit))
            if limit is not None
        }
        self.lock = threading.Lock()
        handler = type("Handler", (self.handler(),), {"provider": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return ProviderHandler

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """For any of the dialects; Groq's and OpenAI's paths both end so."""
        return f"{self.root}/openai/v1"

    def __enter__(self) -> FakeProvider:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- what a chat request gets -------------------------------------------------------------

    def decide(self, body: dict[str, Any]) -> tuple[Fault, dict[str, str]]:
        """The outcome of a chat request and its rate-limit headers."""
        with self.lock:
            self.seen += 1
            number = self.seen
            if self.keep_requests:
                self.requests.append(body)
            if body.get("model") not in self.models:
                return Refusal(404, f"The model `{body.get('model')}` does not exist", "model_not_found"), {}
            if refusal := self._admit(body):
                return refusal
            headers = self.headers()
            fault = self.script.popleft() if self.script else self.fault(body, number) if self.fault else None
        if fault is None:
            reply = self.reply(body)
            fault = Reply(reply) if isinstance(reply, str) else reply
        return fault, headers

    def reply(self, body: dict[str, Any]) -> Reply | str:
        """The model's answer to a request."""
        return self.think(body["messages"])

    def _admit(self, body: dict[str, Any]) -> tuple[Refusal, dict[str, str]] | None:
        cost = {"requests": 1.0, "tokens": float(count_tokens(body["messages"]) + 60)}
        for bucket in self.buckets.values():
            bucket.refill()
        for name, bucket in self.buckets.items():
            if bucket.level < cost[name]:
                self.refused += 1
                wait = (cost[name] - bucket.level) / bucket.rate
                return too_many(wait), self.headers()
        for name, bucket in self.buckets.items():
            bucket.level -= cost[name]
        self.admitted += 1
        self.charged += cost["tokens"]
        return None

    def headers(self) -> dict[str, str]:
        """The x-ratelimit headers of its buckets, as they are."""
        return {key: value for name, bucket in self.buckets.items() for key, value in bucket.headers(name).items()}


def count_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(str(message["content"])) // 4 + 4 for message in messages)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are part of the game."""


class ProviderHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: FakeProvider
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        server = self.provider
        if server.model_script:
            self.refuse(server.model_script.popleft())
        elif self.authorized() and self.path.endswith("/models"):
            rows = [{"id": name, "object": "model", "active": True} for name in server.models]
            with server.lock:
                headers = server.headers()
            self.json(200, {"object": "list", "data": rows}, headers)
        elif self.authorized():
            self.refuse(Refusal(404, "no such page"))
        else:
            self.refuse(Refusal(401, "Invalid API Key", "invalid_api_key"))

    def do_POST(self) -> None:
        server = self.provider
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.authorized():
            self.refuse(Refusal(401, "Invalid API Key", "invalid_api_key"))
            return
        fault, headers = server.decide(body)
        with server.lock:
            server.in_flight += 1
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            if server.latency_s and isinstance(fault, Reply):
                time.sleep(server.latency_s)
            self._answer(body, fault, headers)
        finally:
            with server.lock:
                server.in_flight -= 1

    def _answer(self, body: dict[str, Any], fault: Fault, headers: dict[str, str]) -> None:
        match fault:
            case Refusal():
                self.refuse(fault, headers)
            case Reset():
                self.reset()
            case Garbage():
                self.send(200, fault.body, fault.content_type, headers)
            case CutBody():
                raw = json.dumps(self._completion(body, Reply("Thought: cut"))).encode()
                self.head(200, len(raw), "application/json", headers)
                self.wfile.write(raw[: len(raw) // 2])
                self.wfile.flush()
                self.reset()
            case Drip():
                raw = json.dumps(
                    self._completion(body, Reply("Thought: slow\nAction: finish\nAction Input:\n1"))
                ).encode()
                self.head(200, len(raw), "application/json", headers)
                for byte in raw:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(fault.pause_s)
            case Reply():
                with self.provider.lock:
                    self.provider.answered += 1
                if body.get("stream"):
                    self._stream(body, fault, headers)
                else:
                    self.json(200, self._completion(body, fault), headers)

    def _completion(self, body: dict[str, Any], reply: Reply) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.reasoning is not None:
            message[reply.reasoning_key] = reply.reasoning
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}],
            "usage": _usage(body, reply),
        }  # fmt: skip

    def _stream(self, body: dict[str, Any], reply: Reply, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if reply.reasoning is not None:
            deltas.append({reply.reasoning_key: reply.reasoning})
        deltas += [{"content": reply.text[start : start + 8]} for start in range(0, len(reply.text), 8)]
        for delta in deltas:
            self._event(_chunk(body, [{"index": 0, "delta": delta, "finish_reason": None}]))
        last = _chunk(body, [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}])
        last["x_groq"] = {"id": "req_1", "usage": _usage(body, reply)}
        self._event(last)
        if (body.get("stream_options") or {}).get("include_usage"):
            self._event(_chunk(body, []) | {"usage": _usage(body, reply)})
        self._chunked(b"data: [DONE]\n\n")
        self._chunked(b"")

    def _event(self, tree: dict[str, Any]) -> None:
        self._chunked(b"data: " + json.dumps(tree).encode() + b"\n\n")

    def _chunked(self, raw: bytes) -> None:
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    def authorized(self) -> bool:
        return self.provider.key is None or self.headers.get("authorization") == f"Bearer {self.provider.key}"

    def refuse(self, refusal: Refusal, headers: Mapping[str, str] | None = None) -> None:
        tree = {"error": {"message": refusal.message, "type": "error", "code": refusal.code}}
        self.json(refusal.status, tree, {**(headers or {}), **refusal.headers})

    def json(self, status: int, tree: object, headers: Mapping[str, str] | None = None) -> None:
        self.send(status, json.dumps(tree).encode(), "application/json", headers or {})

    def send(self, status: int, raw: bytes, content_type: str, headers: Mapping[str, str]) -> None:
        self.head(status, len(raw), content_type, headers)
        self.wfile.write(raw)

    def head(self, status: int, length: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": content_type, "content-length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _usage(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    given, made = count_tokens(body["messages"]), max(1, len(reply.text + (reply.reasoning or "")) // 4)
    usage = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    return usage | ({"prompt_tokens_details": {"cached_tokens": reply.cached_tokens}} if reply.cached_tokens else {})


def _chunk(body: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body["model"],
        "choices": choices,
    }
