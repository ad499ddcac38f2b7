"""API keys: 256 random bits, shown once, stored as sha256 in SQLite.

A key reads `dc_ID_SECRET`. ID (8 hex digits, not secret) finds the row, so that a log can name a key
and one comparison in constant time decides. A slow password hash would add nothing: 256 random bits
cannot be guessed, and a service that spends 100 ms on each wrong key is easy to bring down.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from deepcoder.errors import ConfigError

SCOPES = ("agent", "chat")

_FORM = re.compile(r"dc_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL, scopes TEXT NOT NULL,
  rate_limit TEXT, created REAL NOT NULL, revoked REAL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_key_a_name ON keys (name) WHERE revoked IS NULL;
"""


@dataclass(frozen=True)
class ApiKey:
    """A stored key. Times are Unix seconds; `rate_limit` None means the config's."""

    id: str
    name: str
    scopes: tuple[str, ...]
    rate_limit: str | None
    created: float
    revoked: float | None


class KeyStore:
    """The keys in one SQLite file (mode 0600). A change is seen by running services at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"serve.keys_file: {path} cannot be used as a key file: {error}",
                hint="name a SQLite file in a folder that this user can write to",
            ) from None

    def create(self, name: str, *, scopes: tuple[str, ...] = SCOPES, rate_limit: str | None = None) -> str:
        """A new key, in clear: the only time that it is ever seen."""
        if not _NAME.fullmatch(name):
            raise ConfigError(f"key name {name!r} must be 1 to 64 of A-Z a-z 0-9 . _ @ -, a letter or digit first")
        unknown = set(scopes) - set(SCOPES)
        if unknown or not scopes:
            raise ConfigError(f"unknown scopes {sorted(unknown)}", hint=f"there are: {', '.join(SCOPES)}")
        identity, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        try:
            self._db.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (identity, name, _digest(secret), " ".join(scopes), rate_limit, time.time()),
            )
        except sqlite3.IntegrityError:
            raise ConfigError(
                f"a key named {name} exists already", hint=f"deepcoder keys revoke {name}, or another name"
            ) from None
        return f"dc_{identity}_{secret}"

    def verify(self, text: str) -> ApiKey | None:
        """The live key that `text` is, or None. Unknown, malformed and revoked keys cost the same."""
        match = _FORM.fullmatch(text)
        identity, secret = match.groups() if match else ("", "")
        row = self._db.execute(
            "SELECT id, name, scopes, rate_limit, created, revoked, digest FROM keys WHERE id = ?", (identity,)
        ).fetchone()
        stored = row[-1] if row else bytes(32)
        same = hmac.compare_digest(_digest(secret), stored)
        if row is None or not same or row[5] is not None:
            return None
        return _key(row)

    def all(self) -> list[ApiKey]:
        """Every key, oldest first, revoked ones too."""
        rows = self._db.execute(
            "SELECT id, name, scopes, rate_limit, created, revoked FROM keys ORDER BY created, rowid"
        )
        return [_key(row) for row in rows]

    def revoke(self, name: str) -> None:
        """From now on the live key of this name is refused."""
        done = self._db.execute("UPDATE keys SET revoked = ? WHERE name = ? AND revoked IS NULL", (time.time(), name))
        if done.rowcount == 0:
            live = ", ".join(key.name for key in self.all() if key.revoked is None)
            raise ConfigError(f"no live key is named {name}", hint=f"live keys: {live or 'none'}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _key(row: tuple[str, str, str, str | None, float, float | None]) -> ApiKey:
    return ApiKey(row[0], row[1], tuple(row[2].split()), row[3], row[4], row[5])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
