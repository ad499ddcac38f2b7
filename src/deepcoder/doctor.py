"""`deepcoder doctor`: what this machine can do, what is missing, and the command that mends it.

Each check is a function that returns one or more Findings; only `fail` makes the exit code 1, since a
machine without a GPU or a key is a fine machine for the demo.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deepcoder.config import Config, dump_config

_MARKS = {"ok": "green", "note": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Finding:
    """One line of the table; `fix` is a command or a sentence, empty where nothing is wrong."""

    state: Literal["ok", "note", "fail"]
    what: str
    seen: str
    fix: str = ""


def examine(config: Config, console: Console) -> bool:
    """Print every finding; True where nothing failed."""
    findings = [*_python(), *_packages(), *_sandbox(config), *_gpu(config), *_disk(config), *_teacher(config)]
    table = Table("", "what", "seen", "fix", box=None, pad_edge=False)
    for item in findings:
        mark = Text(item.state, style=_MARKS[item.state])
        table.add_row(mark, Text(item.what), Text(item.seen), Text(item.fix))
    console.print(table)
    return all(item.state != "fail" for item in findings)


def print_config(config: Config, console: Console) -> None:
    """Every key with its resolved value, as YAML that can be saved as a recipe."""
    console.print(dump_config(config), markup=False, highlight=False, soft_wrap=True, end="")


def _python() -> Iterator[Finding]:
    seen = f"{platform.python_implementation()} {platform.python_version()}, {sys.platform} {platform.machine()}"
    if sys.platform != "linux":
        yield Finding("fail", "platform", seen, "DeepCoder runs on Linux (x86-64, arm64), WSL2 included")
    else:
        yield Finding("ok", "platform", seen)


def _packages() -> Iterator[Finding]:
    for name, extra in (("torch", "train"), ("transformers", "train"), ("fastapi", "serve"), ("langchain_groq", "")):
        if importlib.util.find_spec(name):
            yield Finding("ok", name, "installed")
        else:
            target = f"'.[{extra}]'" if extra else "."
            yield Finding("fail", name, "missing", f"pip install -c constraints.txt -e {target}, or make install")


def _sandbox(config: Config) -> Iterator[Finding]:
    from deepcoder.sandbox.probe import probe_tiers

    probes = probe_tiers(config.sandbox)
    for tier in probes:
        if tier.works:
            yield Finding("ok", f"sandbox: {tier.name}", "works")
        else:
            yield Finding("note", f"sandbox: {tier.name}", tier.failure, tier.fix)
    allowed = {"namespaces", "bubblewrap"} if config.sandbox.tier == "auto" else {config.sandbox.tier}
    if not any(tier.works and tier.name in allowed for tier in probes):
        yield Finding("fail", "sandbox", f"no tier that sandbox.tier={config.sandbox.tier} allows", "any fix above")


def _gpu(config: Config) -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        needs = config.train.backend == "unsloth"
        fix = "train.backend=unsloth needs a CUDA GPU with 24 GB" if needs else ""
        yield Finding("fail" if needs else "note", "GPU", "none: nano trains on the CPU", fix)
        return
    free, total = torch.cuda.mem_get_info()
    seen = f"{torch.cuda.get_device_name()}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    yield Finding("ok", "GPU", seen)
    if importlib.util.find_spec("unsloth") is None:
        yield Finding("note", "unsloth", "missing", "make install-gpu, for train.backend=unsloth")


def _disk(config: Config) -> Iterator[Finding]:
    folder = config.run.dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    need = 1 if config.student.model == "nano" else 100
    state: Literal["ok", "fail"] = "ok" if free >= need else "fail"
    fix = "" if free >= need else f"this recipe may use {need} GiB: set run.dir to a larger disk"
    yield Finding(state, "disk", f"{free:.0f} GiB free at {folder}", fix)


def _teacher(config: Config) -> Iterator[Finding]:
    provider = config.teacher.model.partition(":")[0]
    if provider == "expert":
        yield Finding("ok", "teacher", "expert: offline, no key needed")
        return
    variable = config.teacher.api_key_env or f"{provider.upper()}_API_KEY"
    if os.environ.get(variable):
        yield Finding("ok", "teacher", f"{config.teacher.model}, key in {variable}")
    else:
        yield Finding("fail", "teacher", f"{config.teacher.model}: {variable} is not set", f"export {variable}=...")
