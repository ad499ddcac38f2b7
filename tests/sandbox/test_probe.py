"""What is said where the sandbox cannot run."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from deepcoder.config import SandboxConfig
from deepcoder.errors import ConfigError, SandboxUnavailable
from deepcoder.sandbox import open_sandbox, probe
from deepcoder.sandbox.command import run_file
from deepcoder.sandbox.tiers import Namespaces
from deepcoder.sandbox.worker import BootFailed


def test_this_machine() -> None:
    found = {item.name: item for item in probe.probe_tiers()}
    assert list(found) == ["namespaces", "bubblewrap", "landlock"]
    assert found["namespaces"].works, str(found["namespaces"])
    assert all(item.fix and item.failure for item in found.values() if not item.works)


@pytest.mark.parametrize(
    ("setting", "value", "fix"),
    [
        ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
        ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/other", "1", "docker run --security-opt seccomp=unconfined"),
    ],
)
def test_the_fix_is_what_the_settings_say(tmp_path: Path, setting: str, value: str, fix: str) -> None:
    (tmp_path / setting).parent.mkdir(parents=True)
    (tmp_path / setting).write_text(value + "\n")
    assert fix in probe.fix_for("namespaces", errno.EPERM, tmp_path)


async def test_a_refusal_names_probe_errno_and_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Namespaces) -> None:
        raise BootFailed("namespaces", errno.ENOSPC, "clone: No space left on device")

    monkeypatch.setattr(Namespaces, "start_worker", fail)
    with pytest.raises(SandboxUnavailable) as refused:
        async with open_sandbox(SandboxConfig(tier="namespaces")):
            raise AssertionError("it ran")
    assert "namespaces: failed: ENOSPC, clone: No space left on device" in refused.value.message
    assert refused.value.hint
    assert "sandbox.tier=landlock" in refused.value.hint


async def test_a_package_that_is_not_there_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no_such_package"):
        async with open_sandbox(SandboxConfig(packages=["no_such_package"])):
            raise AssertionError("it ran")


def test_run_file(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_bytes(b"print('\xc3\xa4')\n")
    result = run_file(file, SandboxConfig())
    assert (result["status"], result["stdout"]) == ("ok", "ä\n")
    assert list(result) == ["status", "stdout", "stderr", "cpu_s", "wall_s", "peak_mb"]


def test_run_file_with_bytes_that_are_not_text(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_bytes(b"x = '\xff'")
    assert run_file(file, SandboxConfig())["status"] == "error"
