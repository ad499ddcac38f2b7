"""The cold tiers contain what they claim to, where this machine has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import HERE, Attack

CHOSEN = ["allocate_6_gb", "environment", "forged_report", "inherited_descriptors", "kill_itself", "network_tcp"]
CHOSEN += ["nested_user_namespace", "ptrace", "raw_system_calls", "swallow_every_exception", "writes_outside"]
CHOSEN_WITH_NAMESPACES = ["files_of_the_user", "fork_bomb", "kill_process_1", "proc", "time_bomb_in_its_own_session"]


@pytest.fixture(scope="module", params=["bubblewrap", "landlock"])
def cold(request: pytest.FixtureRequest) -> Iterator[tuple[str, Attack]]:
    """A runner of attacks in a cold tier, as an ordinary user."""
    command = [sys.executable, str(HERE / "attack_runner.py"), request.param]
    if os.geteuid() == 0:
        command = [sys.executable, str(HERE / "ordinary_user.py"), *command]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as runner:
        assert runner.stdin is not None
        assert runner.stdout is not None
        if runner.stdout.readline() != "ready\n":
            pytest.skip(f"no {request.param} here")

        def run(name: str) -> dict[str, Any]:
            runner.stdin.write(name + "\n")
            runner.stdin.flush()
            answer: dict[str, Any] = json.loads(runner.stdout.readline())
            return answer

        yield request.param, run
        runner.stdin.close()


@pytest.mark.parametrize("name", CHOSEN + CHOSEN_WITH_NAMESPACES)
def test_contained(cold: tuple[str, Attack], name: str) -> None:
    tier, attack = cold
    if tier == "landlock" and name in CHOSEN_WITH_NAMESPACES:
        pytest.skip("landlock has no namespaces, as docs/sandbox.md says")
    report = attack(name)
    assert report["result"]["status"] == report["header"]["status"], report["result"]
    assert "ESCAPED" not in report["result"]["stdout"]
    assert "canary" not in report["result"]["stdout"] + report["result"]["stderr"]
    assert report["changed"] == {}
    assert report["clean"]["status"] == "ok" or tier == "landlock"
