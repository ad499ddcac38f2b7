"""What of the sandbox works on this machine, and what to do about what does not.

`deepcoder doctor` prints these; the refusal to run (SandboxUnavailable) names the failed ones.
"""

from __future__ import annotations

import asyncio
import errno
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from deepcoder.config import SandboxConfig
from deepcoder.errors import SandboxUnavailable
from deepcoder.sandbox.inside.syscalls import AUDIT_ARCH
from deepcoder.sandbox.tiers import Landlock, Tier, tiers
from deepcoder.sandbox.worker import BootFailed

MIN_KERNEL = (5, 14)  # process limits counted by user namespace; mount_setattr is older
CONTAINER = (
    "in a container: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined (Kubernetes: seccompProfile Unconfined, procMount Unmasked)"
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One fact. `name`: a tier, architecture or kernel; `errno`: the kernel's answer (0: none); `fix`: a command."""

    name: str
    works: bool
    detail: str = ""
    errno: int = 0
    fix: str = ""

    @property
    def failure(self) -> str:
        """What went wrong, with the errno's name; "" where it works."""
        if self.works:
            return ""
        code = f"{errno.errorcode.get(self.errno, self.errno)}, " if self.errno else ""
        return f"failed: {code}{self.detail}"

    def __str__(self) -> str:
        return f"{self.name}: {self.failure or 'works'}"


async def probe(config: SandboxConfig | None = None) -> list[Probe]:
    """Every tier, by really starting it. `config` says which packages programs may import."""
    packages = (config or SandboxConfig()).packages
    return [await _tier(tier) for tier in (*tiers(SandboxConfig(packages=packages)), Landlock(SandboxConfig()))]


def probe_tiers(config: SandboxConfig | None = None) -> list[Probe]:
    """`probe` for code that is not async."""
    return asyncio.run(probe(config))


async def refusal(config: SandboxConfig, failures: list[tuple[Tier, BootFailed]]) -> SandboxUnavailable:
    """The error that names what failed in each allowed tier, and the fixes."""
    probes = [item for item in (_architecture(), _kernel()) if not item.works]
    probes += [_failed(tier, error) for tier, error in failures]
    hints = list(dict.fromkeys(item.fix for item in probes if item.fix))
    if config.tier != "landlock":
        hints.append("or allow the weaker tier by name: sandbox.tier=landlock (docs/sandbox.md says what it lacks)")
    return SandboxUnavailable(
        "this machine cannot isolate untrusted code; " + "; ".join(map(str, probes)), hint="\n".join(hints)
    )


def _architecture() -> Probe:
    machine = platform.machine()
    return Probe(
        "architecture",
        machine in AUDIT_ARCH and platform.system() == "Linux",
        f"{platform.system()} {machine}",
        fix="" if machine in AUDIT_ARCH else "the sandbox knows the system calls of Linux on x86-64 and arm64 only",
    )


def _kernel() -> Probe:
    release = platform.release()
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    good = numbers >= MIN_KERNEL
    fix = "" if good else "install a kernel of 5.14 or newer (WSL2: wsl --update)"
    return Probe("kernel", good, release, fix=fix)


async def _tier(tier: Tier) -> Probe:
    try:
        worker = await tier.start_worker()
    except BootFailed as error:
        return _failed(tier, error)
    await worker.close()
    return Probe(tier.name, True)


def _failed(tier: Tier, error: BootFailed) -> Probe:
    return Probe(tier.name, False, error.message, error.errno, fix_for(error.step, error.errno))


def fix_for(step: str, code: int, settings: Path = Path("/proc/sys")) -> str:
    """The command that mends a failed step, by what the kernel's settings say."""
    if step == "bwrap":
        return "apt install bubblewrap, or dnf install bubblewrap" if code == errno.ENOENT else CONTAINER
    if step == "landlock":
        return "a kernel of 5.13 or newer with landlock in lsm= of its command line"
    if step in ("interpreter", "start", "loading modules from the isolated root"):
        return _interpreter_fix()
    for name, bad, good in (
        ("user/max_user_namespaces", "0", "10000"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ):
        if _setting(settings / name) == bad:
            return f"sudo sysctl -w {name.replace('/', '.')}={good}"
    return CONTAINER


def _interpreter_fix() -> str:
    closed = [folder for folder in Path(os.path.realpath(os.__file__)).parents if not folder.stat().st_mode & 0o001]
    where = f" ({closed[-1]} is closed to others)" if closed else ""
    return f"use an interpreter with ctypes that every user may read{where}: python3 -m venv with the system's python3"


def _setting(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
