"""A local server of vLLM's protocol for scores: /completions with prompt_logprobs, /tokenize, with its faults.

    with FakeScorer(model, tokenizer) as server:
        ... score.base_url=server.base_url ...

The log-probabilities are the model's own. As vLLM does: null for the first token, then the k likeliest tokens
after the text's own one (which has its true rank, beyond k or not), decoded tokens, at most `max_logprobs`,
a context of `max_model_len`, 400 for more. `Unscored` is an answer without prompt_logprobs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

import torch

from tests.fakes.provider import CutBody, FakeProvider, Garbage, ProviderHandler, Refusal, Reset


@dataclass(frozen=True)
class Unscored:
    """A good completion whose prompt_logprobs are null."""


class FakeScorer(FakeProvider):
    """`tokenizer` is the server's own; None: neither /tokenize nor decoded tokens, as with --skip-tokenizer-init."""

    def __init__(
        self, model: Any, tokenizer: Any, *, name: str = "scorer", max_logprobs: int = 20, max_model_len: int = 4096,
        tokenize: bool = True, key: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.model, self.tokenizer, self.tokenize = model, tokenizer, tokenize
        self.max_logprobs, self.max_model_len = max_logprobs, max_model_len
        super().__init__(models=[name], key=key, **options)

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Handler

    def outcome(self, body: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        """A fault, or the completion, and the rate-limit headers."""
        with self.lock:
            self.seen += 1
            self.requests.append(body)
            if body["model"] not in self.models:
                return Refusal(404, f"The model `{body['model']}` does not exist.", "NotFoundError"), {}
            if self.script:
                return self.script.popleft(), self.headers()
            if body["prompt_logprobs"] > self.max_logprobs:
                said = f"Requested prompt logprobs of {body['prompt_logprobs']}, which is greater than max allowed: "
                return Refusal(400, f"{said}{self.max_logprobs}"), {}
            if len(body["prompt"]) + body["max_tokens"] > self.max_model_len:
                return Refusal(400, f"This model's maximum context length is {self.max_model_len} tokens."), {}
            self.answered += 1
        return self.completion(body), self.headers()

    def completion(self, body: dict[str, Any], *, scored: bool = True) -> dict[str, Any]:
        choice = {
            "index": 0, "text": "", "logprobs": None, "finish_reason": "length", "stop_reason": None,
            "token_ids": None, "prompt_token_ids": None,
            "prompt_logprobs": self.prompt_logprobs(body["prompt"], body["prompt_logprobs"]) if scored else None,
        }  # fmt: skip
        given = len(body["prompt"])
        usage = {"prompt_tokens": given, "completion_tokens": 1, "total_tokens": given + 1}
        return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"],
                "choices": [choice], "usage": usage}  # fmt: skip

    def prompt_logprobs(self, ids: list[int], k: int) -> list[dict[str, Any] | None]:
        with torch.no_grad():
            log_p = torch.log_softmax(self.model(input_ids=torch.tensor([ids])).logits[0].float(), -1)
        entries: list[dict[str, Any] | None] = [None]
        for row, token in zip(log_p[:-1], ids[1:], strict=True):
            top = row.topk(k)
            pairs = [(token, int((row >= row[token]).sum())), *((int(i), r + 1) for r, i in enumerate(top.indices))]
            entries.append(
                {
                    str(i): {"logprob": float(row[i]), "rank": rank, "decoded_token": self.spelled(i)}
                    for i, rank in pairs
                }
            )
        return entries

    def spelled(self, token: int) -> str | None:
        return None if self.tokenizer is None else self.tokenizer.decode([token])


class _Handler(ProviderHandler):
    def do_POST(self) -> None:
        server = self.provider
        assert isinstance(server, FakeScorer)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.authorized():
            self.refuse(Refusal(401, "Unauthorized"))
        elif self.path == "/v1/completions":
            self.score(server, body)
        elif self.path == "/tokenize" and server.tokenize and server.tokenizer is not None:
            ids = server.tokenizer(body["prompt"], add_special_tokens=body["add_special_tokens"])["input_ids"]
            self.json(200, {"count": len(ids), "max_model_len": server.max_model_len, "tokens": ids})
        else:
            self.refuse(Refusal(404, "Not Found"))

    def score(self, server: FakeScorer, body: dict[str, Any]) -> None:
        what, headers = server.outcome(body)
        match what:
            case Refusal():
                self.refuse(what, headers)
            case Reset():
                self.reset()
            case Garbage():
                self.send(200, what.body, what.content_type, headers)
            case Unscored():
                self.json(200, server.completion(body, scored=False), headers)
            case CutBody():
                raw = json.dumps(server.completion(body)).encode()
                self.head(200, len(raw), "application/json", headers)
                self.wfile.write(raw[: len(raw) // 2])
                self.wfile.flush()
                self.reset()
            case _:
                self.json(200, what, headers)
