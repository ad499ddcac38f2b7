"""Every program under attacks/ is contained, as root and as an ordinary user, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from .attack_runner import names
from .conftest import Attack

STDOUT_MARK = "ESCAPED"


@pytest.mark.parametrize("name", names())
def test_contained(attack: Attack, name: str) -> None:
    report = attack(name)
    header, result = report["header"], report["result"]
    assert result["status"] == header["status"], result
    assert header.get("stdout", "") in result["stdout"]
    assert header.get("stderr", "") in result["stderr"]
    assert STDOUT_MARK not in result["stdout"]
    assert "canary" not in result["stdout"] + result["stderr"]
    clean: dict[str, Any] = report["clean"]
    assert (clean["status"], clean["stdout"], clean["stderr"]) == ("ok", "clean\n", "")
    assert report["changed"] == {}
