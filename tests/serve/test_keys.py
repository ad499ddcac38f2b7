from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from deepcoder.errors import ConfigError
from deepcoder.serve.keys import KeyStore


@pytest.fixture
def store(tmp_path: Path):
    store = KeyStore(tmp_path / "keys.sqlite")
    yield store
    store.close()


def test_a_key_has_256_random_bits_and_none_of_them_is_stored(store: KeyStore) -> None:
    key = store.create("ann")
    secret = key.split("_", 2)[2]
    raw = base64.urlsafe_b64decode(secret + "=")
    assert len(raw) == 32
    stored = store.path.read_bytes()
    assert secret.encode() not in stored
    assert raw not in stored


def test_only_the_owner_can_read_the_key_file(store: KeyStore) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_created_key_is_verified(store: KeyStore) -> None:
    found = store.verify(store.create("ann", scopes=("agent",), rate_limit="5/minute"))
    assert found is not None
    assert (found.name, found.scopes, found.rate_limit, found.revoked) == ("ann", ("agent",), "5/minute", None)


def test_other_keys_are_refused(store: KeyStore) -> None:
    key = store.create("ann")
    other = store.create("bob")
    identity, secret = key.split("_", 2)[1:]
    wrong = [
        "", "dc_", key[:-1], key + "A", key.upper(), secret, f"dc_{identity}_{'A' * 43}", f"dc_00000000_{secret}",
        f"dc_{identity}_{other.split('_', 2)[2]}", f" {key}", f"{key}\n", "dc_' OR 1=1 --_" + secret, "é" * 55,
    ]  # fmt: skip
    assert [text for text in wrong if store.verify(text) is not None] == []


def test_a_revoked_key_is_refused_at_once_by_a_store_that_is_already_open(store: KeyStore) -> None:
    running = KeyStore(store.path)
    key = store.create("ann")
    assert running.verify(key) is not None
    store.revoke("ann")
    assert running.verify(key) is None
    running.close()


def test_a_name_is_free_again_after_its_key_was_revoked(store: KeyStore) -> None:
    old = store.create("ann")
    with pytest.raises(ConfigError, match="exists already"):
        store.create("ann")
    store.revoke("ann")
    new = store.create("ann")
    assert store.verify(old) is None
    assert store.verify(new) is not None
    assert [key.revoked is None for key in store.all()] == [False, True]


def test_revoking_an_unknown_name_names_the_live_ones(store: KeyStore) -> None:
    store.create("ann")
    with pytest.raises(ConfigError, match="no live key is named bob") as caught:
        store.revoke("bob")
    assert "ann" in caught.value.hint


@pytest.mark.parametrize("name", ["", "-x", "a b", "a\n", "x" * 65])
def test_odd_names_are_refused(store: KeyStore, name: str) -> None:
    with pytest.raises(ConfigError, match="key name"):
        store.create(name)


def test_unknown_scopes_are_refused(store: KeyStore) -> None:
    with pytest.raises(ConfigError, match="admin"):
        store.create("ann", scopes=("agent", "admin"))


def test_a_file_that_is_no_key_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    path.write_text("this is not SQLite, and long enough to tell " * 20)
    with pytest.raises(ConfigError, match=r"keys\.sqlite cannot be used"):
        KeyStore(path)
