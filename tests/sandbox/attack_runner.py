"""Runs attacks as another user: names come in on stdin, one JSON line each goes out on stdout.

A process of its own, because the tests want the sandbox to be used by root and by an ordinary user,
and because the host must be compared before and after: this process's descriptors and environment,
every process of the users that the sandbox runs programs as, and their files.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import re
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from deepcoder.config import SandboxConfig
from deepcoder.sandbox import Limits, Sandbox, open_sandbox
from deepcoder.sandbox.inside.identity import OUTSIDE_ID

ATTACKS = Path(__file__).parent / "attacks"
LIMITS = Limits(cpu_s=0.6, wall_s=10, memory_mb=128, output_bytes=20_000, processes=8, disk_mb=8)
GENERATED = {
    "source_of_10_mb": ("ok", "# " + "x" * 78 + "\n", 131_072),
    "statements_of_10_mb": ("memory", "x = 1\n", 1_750_000),
    "null_bytes_in_source": ("error", "print(1)\0\n", 1),
    "surrogate_in_source": ("error", "x = '\ud800'\n", 1),
    "nested_parentheses": ("error", "(" * 10_000, 1),
    "nested_minus": ("error", "-" * 100_000 + "1", 1),
    "empty_source": ("ok", "", 1),
}
CLEAN = """
import builtins, gc, json, math, os, sys
assert json.dumps([math.pi]) == "[3.141592653589793]"
assert builtins.open.__module__ in ("io", "_io") and not hasattr(builtins, "escaped"), "builtins"
assert os.listdir("/tmp") == [], os.listdir("/tmp")
assert "ESCAPED" not in os.environ and os.getcwd() == "/tmp" and "/tmp" not in sys.path
assert not any("escaped" in name for name in sys.modules)
print("clean")
"""


def program(name: str) -> tuple[str, dict[str, str]]:
    """The code of an attack and its header: status, stdout, stderr, limits, machine."""
    if name in GENERATED:
        status, piece, times = GENERATED[name]
        return piece * times, {"status": status}
    code = (ATTACKS / f"{name}.py").read_text()
    return code, dict(re.findall(r"^# (status|stdout|stderr|limits|machine): (.*)$", code, re.M))


def names() -> list[str]:
    """Every attack that this architecture can run."""
    written = sorted(path.stem for path in ATTACKS.glob("*.py"))
    return [name for name in written if program(name)[1].get("machine", platform.machine()) == platform.machine()] + [
        *GENERATED
    ]


def limits(header: dict[str, str]) -> Limits:
    """The attack's own limits over LIMITS."""
    changes: dict[str, Any] = {}
    for item in header.get("limits", "").split():
        key, _, value = item.partition("=")
        changes[key] = float(value) if "." in value else int(value)
    return replace(LIMITS, **changes)


def ours(process: str) -> bool:
    """True where a process descends from this one, or has lost its parent."""
    parents = [process]
    while parents[-1] not in ("0", "1", str(os.getpid())):
        parents.append(Path("/proc", parents[-1], "stat").read_text().rpartition(")")[2].split()[1])
    return parents[-1] == str(os.getpid()) or len(parents) == 2


def host(folder: str) -> dict[str, Any]:
    """What a program must not change."""
    uid = OUTSIDE_ID if os.getuid() == 0 else os.getuid()
    processes, files = [], []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == uid and ours(entry.name):
                processes.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
    for place in ("/tmp", "/var/tmp", "/dev/shm", folder, str(Path.cwd())):
        for path in Path(place).iterdir():
            with contextlib.suppress(OSError):
                if place == folder or (uid == OUTSIDE_ID and path.lstat().st_uid == uid):
                    files.append(f"{path} {path.lstat().st_size} {path.lstat().st_mode}")
    return {
        "processes": sorted(processes),
        "files": sorted(files),
        "descriptors": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "environment": dict(os.environ),
    }


async def settled(folder: str) -> dict[str, Any]:
    """The host once what an earlier run left to be reaped is gone."""
    seen = host(folder)
    for _ in range(50):
        await asyncio.sleep(0.02)
        if (now := host(folder)) == seen:
            break
        seen = now
    return seen


async def attack(box: Sandbox, name: str, folder: str) -> dict[str, Any]:
    """The attack's result, the clean run's, and what differs on the host."""
    code, header = program(name)
    before = await settled(folder)
    result = await box.run(code, limits(header))
    clean = await box.run(CLEAN, LIMITS)
    after = host(folder)
    for _ in range(20):  # another sandbox on this machine may be starting or ending just now
        if after == before:
            break
        await asyncio.sleep(0.1)
        after = host(folder)
    changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    return {"name": name, "header": header, "result": asdict(result), "clean": asdict(clean), "changed": changed}


async def main() -> None:
    """One attack a line of stdin, in the tier that is the only argument (namespaces without one)."""
    tier = sys.argv[1] if len(sys.argv) > 1 else "namespaces"
    os.environ["API_KEY"] = "canary-of-the-environment"
    with tempfile.TemporaryDirectory(prefix="canary-") as folder:
        async with open_sandbox(SandboxConfig.model_validate({"workers": 1, "tier": tier})) as box:
            await box.run("1")
            await asyncio.sleep(0.2)  # what the first run needed is closed by then
            print("ready", flush=True)
            for line in sys.stdin:
                print(json.dumps(await attack(box, line.strip(), folder)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
