"""A box for tests in this process, and a runner of attacks for each identity that this machine can give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepcoder.config import SandboxConfig
from deepcoder.sandbox import Sandbox, open_sandbox

HERE = Path(__file__).parent
Attack = Callable[[str], dict[str, Any]]


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    """One worker; small limits."""
    config = SandboxConfig(workers=1, cpu_s=2, wall_s=20, memory_mb=128, output_bytes=20_000, processes=8, disk_mb=8)
    async with open_sandbox(config) as opened:
        yield opened


@pytest.fixture(scope="session", params=["root", "uid 1000"])
def attack(request: pytest.FixtureRequest) -> Iterator[Attack]:
    """Runs an attack as root or as an ordinary user (this one, where the tests are not run by root)."""
    as_root = request.param == "root"
    if as_root and os.geteuid() != 0:
        pytest.skip("needs root")
    command = [sys.executable, str(HERE / "attack_runner.py")]
    if not as_root and os.geteuid() == 0:
        command = [sys.executable, str(HERE / "ordinary_user.py"), *command]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as runner:
        assert runner.stdin is not None
        assert runner.stdout is not None
        if runner.stdout.readline() != "ready\n":
            pytest.skip(f"cannot run as {request.param} here")

        def run(name: str) -> dict[str, Any]:
            runner.stdin.write(name + "\n")
            runner.stdin.flush()
            answer: dict[str, Any] = json.loads(runner.stdout.readline())
            return answer

        yield run
        runner.stdin.close()
