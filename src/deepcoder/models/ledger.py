"""What was asked of a paid model, and what it cost: one SQLite file beside the trajectories.

Every answered request is kept with its text until its problem's trajectory is stored. A session that
was cut short pays again for the requests that were in flight, and for nothing else: a request is
known by its content (problem, model, settings, messages), not by its position.

    requests(key, problem_id, status, attempts, input_tokens, cached_tokens, output_tokens, cost, seconds, at,
             error, message)

`message` is emptied (`forget`) once the trajectory is on disk; the figures stay. `cached_tokens` are those of
`input_tokens` that the provider found in its prompt cache. `cost` is by the prices at the time of the answer;
NULL where none were configured, and then filled in by the first session that has prices.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatResult

from deepcoder.errors import BudgetSpent, ProviderError
from deepcoder.models.asynchronous import AsyncChatModel

LEDGER = "ledger.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    key TEXT PRIMARY KEY,
    problem_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('answered', 'failed')),
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    cost REAL,
    seconds REAL NOT NULL,
    at REAL NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    message TEXT
);
CREATE INDEX IF NOT EXISTS kept ON requests (problem_id) WHERE message IS NOT NULL;
"""


# Ledgers of the first version lack these two.
_ADDED = {"cached_tokens": "INTEGER NOT NULL DEFAULT 0", "cost": "REAL"}


@dataclass(frozen=True)
class Prices:
    """Of a million tokens, in any currency. `cached`: of input tokens that came from the provider's prompt cache."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None  # None: as `input`

    @property
    def known(self) -> bool:
        """Whether anything costs anything."""
        return bool(self.input or self.output or self.cached)

    def of(self, input_tokens: float, output_tokens: float, cached_tokens: float = 0) -> float:
        """(input - cached) * input price + cached * cached price + output * output price, a million each."""
        cached = self.input if self.cached is None else self.cached
        full = max(0.0, input_tokens - cached_tokens)
        return (full * self.input + cached_tokens * cached + output_tokens * self.output) / 1e6


@dataclass
class Spent:
    """Sums over the answered requests of a ledger. `attempts`: every try; `seconds`: waiting for answers."""

    requests: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


class Ledger:
    """One file; one process at a time. `spent` is kept up to date. A request is on disk when `answered` returns.

    `max_cost`: no request is asked once so much is spent (BudgetSpent); what was asked before is still kept.
    """

    def __init__(self, path: Path, prices: Prices | None = None, *, max_cost: float | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.prices = prices or Prices()
        self.max_cost = max_cost
        self._db = sqlite3.connect(path, isolation_level=None)
        # WAL: a commit survives kill -9 without an fsync each; a power cut may cost the last few.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._upgrade()
        self.spent = _sums(self._db, _ADDED)

    def _upgrade(self) -> None:
        """Columns that an older ledger lacks, and costs that no session could know yet."""
        there = _columns(self._db)
        for name, kind in _ADDED.items():
            if name not in there:
                self._db.execute(f"ALTER TABLE requests ADD COLUMN {name} {kind}")
        if self.prices.known:
            self._db.create_function("cost_of", 3, self.prices.of, deterministic=True)
            self._db.execute(
                "UPDATE requests SET cost = cost_of(input_tokens, output_tokens, cached_tokens) WHERE cost IS NULL"
            )

    def check(self) -> None:
        """Raises BudgetSpent where no more may be spent."""
        if self.max_cost is not None and self.spent.cost >= self.max_cost:
            raise BudgetSpent(
                f"the run has cost {self.spent.cost:.4g}, and generate.max_cost is {self.max_cost:g}",
                hint="what is stored stays; a higher --max-cost goes on from there",
            )

    def find(self, key: str) -> AIMessage | None:
        """The kept answer to a request."""
        row = self._db.execute("SELECT message FROM requests WHERE key = ? AND message IS NOT NULL", (key,)).fetchone()
        if row is None:
            return None
        (message,) = messages_from_dict([json.loads(row[0])])
        return message if isinstance(message, AIMessage) else None

    def answered(self, key: str, problem_id: str, message: AIMessage, seconds: float) -> None:
        """Keep an answer; `seconds` where the message does not say how long its provider took."""
        usage = message.usage_metadata
        given, made = (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)
        cached = cached_tokens(message)
        attempts = int(message.response_metadata.get("attempts", 1))
        seconds = float(message.response_metadata.get("seconds", seconds))
        cost = self.prices.of(given, made, cached) if self.prices.known else None
        text = json.dumps(message_to_dict(message))
        self._write(key, problem_id, "answered", attempts, given, made, cached, cost, seconds, "", text)
        spent = self.spent
        spent.requests += 1
        spent.attempts += attempts
        spent.input_tokens += given
        spent.output_tokens += made
        spent.cached_tokens += cached
        spent.cost += cost or 0.0
        spent.seconds += seconds

    def failed(self, key: str, problem_id: str, error: ProviderError, seconds: float) -> None:
        """Note a request that was given up."""
        self._write(key, problem_id, "failed", 1, 0, 0, 0, None, seconds, error.message, None)

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
            "(key, problem_id, status, attempts, input_tokens, output_tokens, cached_tokens, cost, seconds, at, "
            "error, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(strftime('%s', 'now') AS REAL), ?, ?)",
            values,
        )


def spent_in(path: Path) -> Spent:
    """What a ledger's answered requests took, read without writing; nothing where there is no such file."""
    if not path.exists():
        return Spent()
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        there = _columns(database)
        return _sums(database, _ADDED.keys() & there) if there else Spent()


def _columns(database: sqlite3.Connection) -> set[str]:
    return {row[1] for row in database.execute("PRAGMA table_info(requests)")}


def _sums(database: sqlite3.Connection, added: Collection[str]) -> Spent:
    cached, cost = (name if name in added else "0" for name in ("cached_tokens", "cost"))
    row = database.execute(
        f"SELECT count(*), sum(attempts), sum(input_tokens), sum(output_tokens), sum({cached}), sum({cost}), "
        "sum(seconds) FROM requests WHERE status = 'answered'"
    ).fetchone()
    return Spent(*(each or 0 for each in row))


def request_key(problem_id: str, settings: Mapping[str, Any], messages: Sequence[BaseMessage]) -> str:
    """sha256 of all that decides the answer, 32 hex digits."""
    content = [problem_id, dict(settings), [(message.type, str(message.text)) for message in messages]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def cached_tokens(message: AIMessage) -> int:
    """The input tokens of an answer that its provider says it had in its prompt cache."""
    usage = message.usage_metadata
    return int(usage.get("input_token_details", {}).get("cache_read") or 0) if usage else 0


class LedgeredChatModel(AsyncChatModel):
    """`inner` for one problem; what it has answered before is not asked again."""

    inner: BaseChatModel
    ledger: Ledger
    problem_id: str
    settings: dict[str, Any]
    model_name: str

    @property
    def _llm_type(self) -> str:
        return "deepcoder-ledgered"

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
            self.ledger.check()
            start = time.monotonic()
            try:
                message = await self.inner.ainvoke(messages, stop=stop, **kwargs)
            except ProviderError as error:
                self.ledger.failed(key, self.problem_id, error, time.monotonic() - start)
                raise
            self.ledger.answered(key, self.problem_id, message, time.monotonic() - start)
        return ChatResult(generations=[ChatGeneration(message=message)])
