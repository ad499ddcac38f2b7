"""Which isolation this machine can give: strongest first, the weak one only by name, else a refusal."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from deepcoder.config import SandboxConfig
from deepcoder.errors import ConfigError
from deepcoder.sandbox.inside import filesystem
from deepcoder.sandbox.inside.identity import INSIDE_ID
from deepcoder.sandbox.worker import (
    BootFailed,
    ColdWorker,
    Worker,
    ZygoteWorker,
    command_line,
    environment,
    unprivileged,
)

CHECK_S = 20.0
LAUNCH = "/launch"  # where bwrap shows the package `inside`


class Tier(Protocol):
    """A way to isolate; `name` as in the config."""

    name: str

    async def start_worker(self) -> Worker:
        """A ready worker; BootFailed names the step that failed."""
        ...


class Namespaces:
    """Tier 1: a zygote, and fresh namespaces for every run."""

    name = "namespaces"

    def __init__(self, config: SandboxConfig) -> None:
        self.packages = package_paths(config.packages)

    async def start_worker(self) -> Worker:
        """See Tier."""
        return await ZygoteWorker.start(self.packages)


class Bubblewrap:
    """Tier 2: a cold bwrap for every run. Slower; the number of files in /tmp is not limited, only their size."""

    name = "bubblewrap"

    def __init__(self, config: SandboxConfig) -> None:
        self.packages = package_paths(config.packages)
        self.disk_mb = config.disk_mb

    async def start_worker(self) -> Worker:
        """See Tier."""
        # the system's own first: AppArmor's exceptions are by path
        bwrap = shutil.which("/usr/bin/bwrap") or shutil.which("bwrap")
        if bwrap is None:
            raise BootFailed("bwrap", errno.ENOENT, "bubblewrap is not installed")
        prefix = [bwrap, *await asyncio.to_thread(self._arguments)]
        await asyncio.to_thread(_check, [*prefix, *command_line("boot", "preload([])", LAUNCH)], "bwrap")
        return ColdWorker("bubblewrap", prefix, LAUNCH)

    def _arguments(self) -> list[str]:
        """The box as bwrap's options: what inside.filesystem makes in tier 1."""
        found = json.loads(_check(command_line("cold", "paths(1)"), "interpreter"))
        arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox"]
        arguments += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID), "--cap-drop", "ALL", "--clearenv"]
        for name, value in environment().items():
            arguments += ["--setenv", name, value]
        arguments += ["--size", str(self.disk_mb << 20), "--tmpfs", "/tmp", "--symlink", "/tmp", "/dev/shm"]
        for path in found["paths"]:
            link = found["links"].get(path)
            arguments += ["--symlink", link, path] if link else ["--ro-bind", path, path]
        for path in found["hidden"]:
            arguments += ["--tmpfs", path]
        for name in filesystem.DEVICES:
            arguments += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
        for name, path in self.packages.items():
            arguments += ["--ro-bind", path, f"{filesystem.PACKAGES}/{name}"]
        arguments += ["--ro-bind", str(Path(filesystem.__file__).parent), f"{LAUNCH}/inside", "--remount-ro", "/"]
        return arguments


class Landlock:
    """Tier 3, weaker: one process that may read the interpreter's files and write nowhere; no namespaces.

    It can see which paths exist, shares the host's process ids and clock of limits, and can start no process.
    """

    name = "landlock"

    def __init__(self, config: SandboxConfig) -> None:
        if config.packages:
            raise ConfigError("sandbox.packages: the landlock tier has no place to show packages in")

    async def start_worker(self) -> Worker:
        """See Tier."""
        await asyncio.to_thread(_check, command_line("landlock", "version()"), "landlock")
        return ColdWorker("landlock")


def tiers(config: SandboxConfig) -> list[Tier]:
    """What the config allows, strongest first."""
    if config.tier == "landlock":
        return [Landlock(config)]
    allowed: list[Tier] = [Namespaces(config), Bubblewrap(config)]
    return [tier for tier in allowed if config.tier in ("auto", tier.name)]


def _check(command: list[str], step: str) -> bytes:
    """The command's output, run as a program would be; BootFailed(step) where it fails."""
    done: subprocess.CompletedProcess[bytes]
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment(), cwd="/", timeout=CHECK_S, check=False, **unprivileged()
        )
    except OSError as error:  # the program could not even be started
        raise BootFailed("interpreter", error.errno or 0, f"{command[0]}: {os.strerror(error.errno or 0)}") from None
    except subprocess.TimeoutExpired:
        raise BootFailed(step, 0, f"{command[0]} did not end within {CHECK_S:.0f} s") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise BootFailed(step, 0, lines[-1])
    return done.stdout


def package_paths(names: list[str]) -> dict[str, str]:
    """Name in the sandbox -> host path, for each allowed package and the libraries that lie beside it."""
    paths: dict[str, str] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ConfigError(f"sandbox.packages: {name} is not installed here")
        path = Path(spec.origin)
        path = path.parent if path.name == "__init__.py" else path
        paths[path.name] = str(path)
        beside = path.with_name(f"{name}.libs")
        if beside.is_dir():
            paths[beside.name] = str(beside)
    return paths
