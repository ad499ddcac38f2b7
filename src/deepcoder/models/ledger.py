"""What was asked of a paid model, and what it cost: one SQLite file beside the trajectories.

Every answered request is kept with its text until its problem's trajectory is stored. A session that
was cut short pays again for the requests that were in flight, and for nothing else: a request is
known by its content (problem, model, settings, messages), not by its position.

    requests(key, problem_id, status, attempts, input_tokens, output_tokens, seconds, at, error, message)

`message` is emptied (`forget`) once the trajectory is on disk; the figures stay.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict

from deepcoder.errors import ProviderError

LEDGER = "ledger.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    key TEXT PRIMARY KEY,
    problem_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('answered', 'failed')),
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    at REAL NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    message TEXT
);
CREATE INDEX IF NOT EXISTS kept ON requests (problem_id) WHERE message IS NOT NULL;
"""


@dataclass
class Spent:
    """Sums over a ledger. `attempts` counts every try of the requests that were answered."""

    requests: int
    attempts: int
    input_tokens: int
    output_tokens: int

    def cost(self, input_price: float, output_price: float) -> float:
        """In the prices' currency; prices are for a million tokens."""
        return (self.input_tokens * input_price + self.output_tokens * output_price) / 1e6


class Ledger:
    """One file; one process at a time. `spent` is kept up to date. A request is on disk when `answered` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        # WAL: a commit survives kill -9 without an fsync each; a power cut may cost the last few.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        row = self._db.execute(
            "SELECT count(*), sum(attempts), sum(input_tokens), sum(output_tokens) "
            "FROM requests WHERE status = 'answered'"
        ).fetchone()
        self.spent = Spent(*(int(value or 0) for value in row))

    def find(self, key: str) -> AIMessage | None:
        """The kept answer to a request."""
        row = self._db.execute("SELECT message FROM requests WHERE key = ? AND message IS NOT NULL", (key,)).fetchone()
        if row is None:
            return None
        (message,) = messages_from_dict([json.loads(row[0])])
        return message if isinstance(message, AIMessage) else None

    def answered(self, key: str, problem_id: str, message: AIMessage, seconds: float) -> None:
        """Keep an answer."""
        usage = message.usage_metadata
        tokens = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
        attempts = int(message.response_metadata.get("attempts", 1))
        text = json.dumps(message_to_dict(message))
        self._write(key, problem_id, "answered", attempts, *tokens, seconds, "", text)
        self.spent.requests += 1
        self.spent.attempts += attempts
        self.spent.input_tokens += tokens[0]
        self.spent.output_tokens += tokens[1]

    def failed(self, key: str, problem_id: str, error: ProviderError, seconds: float) -> None:
        """Note a request that was given up."""
        self._write(key, problem_id, "failed", 1, 0, 0, seconds, error.message, None)

    def forget(self, problem_id: str) -> None:
        """Empty the texts of a problem whose trajectory is stored."""
        self._db.execute(
            "UPDATE requests SET message = NULL WHERE problem_id = ? AND message IS NOT NULL", (problem_id,)
        )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, *values: object) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO requests "
            "(key, problem_id, status, attempts, input_tokens, output_tokens, seconds, at, error, message) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, CAST(strftime('%s', 'now') AS REAL), ?, ?)",
            values,
        )


def request_key(problem_id: str, settings: Mapping[str, Any], messages: Sequence[BaseMessage]) -> str:
    """sha256 of all that decides the answer, 32 hex digits."""
    content = [problem_id, dict(settings), [(message.type, str(message.text)) for message in messages]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


class LedgeredChatModel(BaseChatModel):
    """`inner` for one problem; what it has answered before is not asked again."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: BaseChatModel
    ledger: Ledger
    problem_id: str
    settings: dict[str, Any]
    model_name: str

    @property
    def _llm_type(self) -> str:
        return "deepcoder-ledgered"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("use ainvoke: a provider's model is asynchronous only")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        key = request_key(self.problem_id, self.settings, messages)
        message = self.ledger.find(key)
        if message is None:
            start = time.monotonic()
            try:
                message = await self.inner.ainvoke(messages, stop=stop, **kwargs)
            except ProviderError as error:
                self.ledger.failed(key, self.problem_id, error, time.monotonic() - start)
                raise
            self.ledger.answered(key, self.problem_id, message, time.monotonic() - start)
        return ChatResult(generations=[ChatGeneration(message=message)])
